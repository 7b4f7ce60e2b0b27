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


def peak_height(heatmap: Tensor) -> Tensor:
    """How sure a gaze model is of a place, by its own map.

    Models learn Gaussians of height 1, so that what they say of somebody is the mean of the labels that they
    hold possible: 1 at the peak where they are sure, less the further these lie apart. If these are spread
    about the peak like a Gaussian of s standard deviations of a label's own, it is 1 / (1 + s²). It takes the
    place of the largest class probability of FixMatch and FreeMatch.

    Args:
        heatmap: (N, H, W) predicted maps, trained towards [0, 1].

    Returns:
        (N,) in [0, 1]; NaN of maps with a value that is NaN.
    """
    return heatmap.flatten(1).amax(1).clamp(0, 1)


def blind_height(size: int, sigma: float) -> float:
    """The :func:`peak_height` of a map of ``size`` cells that knows nothing: the mean of labels everywhere.

    Args:
        sigma: standard deviation of a label's Gaussian in cells.
    """
    cells = torch.arange(size, dtype=torch.float64)
    apart = (cells[:, None] - cells) / sigma
    return float(torch.exp(-(apart**2) / 2).mean(0).max() ** 2)


def distance(first: Tensor, second: Tensor) -> Tensor:
    """(N,) distance between points (N, 2) in units of the image."""
    return torch.linalg.vector_norm(first - second, dim=1)
