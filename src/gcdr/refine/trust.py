"""How sure a label is: what can be said of it without anybody's annotation.

Draws that disagree, a map without a clear place, and a label far from what the prior showed are reasons for
doubt; what they are worth is learned in :mod:`gcdr.refine.reliability`. Points are x and y in 0..1 of the
image.
"""

import math

import torch
from torch import Tensor


def draw_spread(points: Tensor) -> Tensor:
    """How far the peaks of a person's draws lie apart.

    Args:
        points: (N, K, 2) peak of each draw.

    Returns:
        (N,) root mean square distance from their mean; NaN for a single draw, of which nothing is known.
    """
    if points.shape[1] < 2:
        return points.new_full((len(points),), math.nan)
    apart = points - points.mean(1, keepdim=True)
    return (apart**2).sum(2).mean(1).sqrt()


def distance(first: Tensor, second: Tensor) -> Tensor:
    """(N,) distance between points (N, 2) in units of the image."""
    return torch.linalg.vector_norm(first - second, dim=1)
