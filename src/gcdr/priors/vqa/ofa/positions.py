"""Relative positions: which row of a bias table belongs to a pair of tokens."""

import math

import torch
from torch import Tensor


def token_buckets(bucket: int, max_positions: int) -> Tensor:
    """Bucket of every text distance: exact when near, logarithmic when far.

    Evaluated in double precision, which reproduces the released float32 tables exactly.

    Args:
        bucket: number of buckets a side; half of them are exact.
        max_positions: longest text.

    Returns:
        (2 max_positions - 1,) int64: entry ``i - j + max_positions - 1`` is the row (of
        ``2 bucket - 1``) for query i and key j.
    """
    middle, farthest = bucket // 2, max_positions - 1
    rows = []
    for distance in range(-farthest, farthest + 1):
        size = abs(distance)
        if size > middle:
            stretch = math.log(size / middle) / math.log(farthest / middle)
            size = math.ceil(stretch * (middle - 1)) + middle
        rows.append(int(math.copysign(size, distance)) + bucket - 1)
    return torch.tensor(rows)


def image_table_rows(bucket: int) -> int:
    """Rows of an image bias table: every offset in the grid, and three that images never use."""
    return (2 * bucket - 1) ** 2 + 3


def image_buckets(rows: int, columns: int, bucket: int, device: torch.device) -> Tensor:
    """Row of the image bias table for every pair of grid cells.

    Args:
        rows, columns: the image grid, at most ``bucket`` each.
        bucket: side of the largest grid.

    Returns:
        (rows columns, rows columns) int64, queries first, cells in row-major order.
    """
    y = torch.arange(rows, device=device).repeat_interleave(columns)
    x = torch.arange(columns, device=device).repeat(rows)
    down = y[:, None] - y[None, :] + bucket - 1
    right = x[:, None] - x[None, :] + bucket - 1
    return down * (2 * bucket - 1) + right
