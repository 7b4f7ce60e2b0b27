"""How sure a label is: what can be said of it without anybody's annotation.

Draws that disagree, a map without a clear place, and a label far from what the prior showed are reasons for
doubt; what they are worth is learned in :mod:`gcdr.refine.reliability`. Points are x and y in 0..1 of the
image.
"""

import math

import torch
from torch import Tensor

from gcdr.data.heatmaps import gaussians, peak_points


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


def peak_share(heatmap: Tensor, sigma: float) -> Tensor:
    """How sure a gaze model is of a place, by its own map: how much of the map's mass lies about its peak.

    Mass is weighed by a label's Gaussian at the peak, and compared with that of the label itself. A model
    says the mean of the labels that it holds possible: if these are spread about the peak like a Gaussian of
    s standard deviations of a label's own, it is 2 / (2 + s²). It does not depend on the map's height, which
    says nothing before a model has learned. It takes the place of the largest class probability of FixMatch
    and FreeMatch.

    Args:
        heatmap: (N, G, G) predicted maps; what is below 0 counts as 0.
        sigma: standard deviation of a label's Gaussian in cells.

    Returns:
        (N,) in [0, 1]: 1 for a label, :func:`blind_share` about for a flat map, 0 for one without mass.
    """
    mass = heatmap.clamp_min(0)
    label = gaussians(peak_points(heatmap).float(), heatmap.shape[-1], sigma)

    def caught(map_: Tensor) -> Tensor:
        whole = map_.flatten(1).sum(1)
        return (map_ * label).flatten(1).sum(1) / whole.clamp_min(1e-12)

    return (caught(mass) / caught(label)).clamp(0, 1)


def blind_share(size: int, sigma: float) -> float:
    """The :func:`peak_share` of a flat map of ``size`` cells, its edges aside: one of so many labels beside
    another, as 1 / C of C classes.

    Args:
        sigma: standard deviation of a label's Gaussian in cells.
    """
    return min(1.0, 4 * math.pi * (sigma / size) ** 2)


def distance(first: Tensor, second: Tensor) -> Tensor:
    """(N,) distance between points (N, 2) in units of the image."""
    return torch.linalg.vector_norm(first - second, dim=1)
