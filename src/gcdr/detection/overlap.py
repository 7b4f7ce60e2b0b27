"""Boxes that are one thing found twice; what torchvision's ``nms`` does, without its seconds of import."""

import numpy as np


def distinct(
    boxes: np.ndarray, scores: np.ndarray, most: float, told_apart: np.ndarray | None = None
) -> np.ndarray:
    """Which boxes to keep: of those that overlap too much, the one with the best score.

    Args:
        boxes: (n, 4) float64 x0, y0, x1, y1.
        scores: (n,) float64; of equal ones the first is the better.
        most: the highest intersection over union, 0..1, of two boxes that are both kept.
        told_apart: (n,) group of each box; boxes of one group are never one thing.

    Returns:
        (k,) int64, rows of the kept boxes, best first.
    """
    order = np.argsort(-scores, kind="stable")
    area = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    kept: list[int] = []
    while len(order):
        best, order = order[0], order[1:]
        kept.append(int(best))
        upper = np.maximum(boxes[best, :2], boxes[order, :2])
        lower = np.minimum(boxes[best, 2:], boxes[order, 2:])
        shared = (lower - upper).clip(0).prod(1)
        same = shared / (area[best] + area[order] - shared) > most
        if told_apart is not None:
            same &= told_apart[order] != told_apart[best]
        order = order[~same]
    return np.array(kept, np.int64)
