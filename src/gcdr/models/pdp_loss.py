"""What the model of Miao et al. is trained towards: maps, distributions over patches, and two losses.

With "reference" they are those of its authors' code, undefined ones included.
"""

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

EMPTY = 1e-8  # added to the sum of the sigmoids, which divides them
EPSILON = 2.2204e-16  # within the logarithm of the divergence
SIGMA = 3.0  # cells
GRID = 7  # patches a side
Rule = Literal["whole", "reference"]


def reference_targets(points: Tensor, size: int = 64, sigma: float = SIGMA) -> Tensor:
    """Target maps as VAT's and Miao's code draws them: Gaussians around whole cells, cut to a square.

    The upper left corner of the square is truncated towards zero, so that of a point less than three standard
    deviations from the left or upper edge the centre is rounded up; every map is divided by its own maximum.

    Args:
        points: (N, 2) x and y in 0..1; NaN gives an empty map.
        size: height and width of the maps in cells.
        sigma: standard deviation in cells.

    Returns:
        (N, size, size) float32 in [0, 1]; NaN of a point whose square ends at the left or upper edge
        (-11 to -9 cells where sigma is 3), zero of one that is farther away.
    """
    reach = 3 * sigma
    place = points.double() * size
    first, end = torch.trunc(place - reach), torch.trunc(place + reach + 1)  # (N, 2)
    cells = torch.arange(size, dtype=torch.float64, device=points.device)
    away = cells - (first + reach)[..., None]  # (N, 2, size)
    shown = (away >= -reach) & (away <= reach) & (cells < end[..., None])
    profile = torch.where(shown, torch.exp(-((away / sigma) ** 2) / 2), 0.0)
    maps = (profile[:, 1, :, None] * profile[:, 0, None, :]).float()
    seen = ((first < size) & (end >= 0)).all(1)  # NaN compares as false
    return torch.where(seen[:, None, None], maps / maps.amax((1, 2), keepdim=True), 0.0)


def patch_targets(maps: Tensor, outside: Tensor, rule: Rule = "whole", grid: int = GRID) -> Tensor:
    """Maps as distributions over patches and "outside": the maximum in each patch, over the sum of all.

    Args:
        maps: (N, H, W) float in [0, 1].
        outside: (N,) bool, who looks out of the frame.
        rule: "whole" has patches that cover the map, as those of the network do, and every row is a
            distribution: nothing but "outside" of who looks there, and all patches alike of a map without a
            peak. "reference" has patches of H // grid cells, which leave the last rows and columns to none,
            and is NaN where the map is zero in all patches.
        grid: patches a side.

    Returns:
        (N, grid * grid + 1) float32, row by row, "outside" last; each row adds up to 1.
    """
    out = outside[:, None].float()
    if rule == "reference":
        side = maps.shape[-1] // grid
        blocks = maps[:, : side * grid, : side * grid].unflatten(2, (grid, side))
        values = torch.cat([blocks.unflatten(1, (grid, side)).amax((2, 4)).flatten(1), out], dim=1)
        return values / values.sum(1, keepdim=True)
    inside = F.adaptive_max_pool2d(maps.nan_to_num().clamp_min(0)[:, None], grid).flatten(1)
    total = inside.sum(1, keepdim=True)
    inside = torch.where(total > 0, inside / total.clamp_min(1e-30), 1 / grid**2)
    return torch.cat([inside * (1 - out), out], dim=1)


def patch_distribution(patches: Tensor) -> Tensor:
    """Logits (N, P + 1) to a distribution: sigmoids over their sum, not a softmax."""
    values = patches.sigmoid()
    return values / (values.sum(1, keepdim=True) + EMPTY)


def patch_divergence(patches: Tensor, target: Tensor) -> Tensor:
    """KL divergence (N,) of the distributions of logits (N, P + 1) from targets (N, P + 1)."""
    ratio = target / (patch_distribution(patches) + EPSILON)
    return (target * torch.log(EPSILON + ratio)).sum(1)


def pdp_loss(
    heatmap: Tensor,
    patches: Tensor,
    target: Tensor,
    patch_target: Tensor,
    weights: tuple[float, float] = (10000.0, 20.0),
) -> Tensor:
    """The authors' loss: squared error of all people's maps, and the divergence of their patches.

    Args:
        heatmap: (N, H, W) as predicted.
        patches: (N, P + 1) logits as predicted.
        target: (N, H, W) in [0, 1]; zero of people who look out of the frame.
        patch_target: (N, P + 1), from :func:`patch_targets`.
        weights: of the two: (10000, 20) on GazeFollow, (10000, 40) there without depth, (5000, 40) on video.

    Returns:
        () float32.
    """
    error = torch.mean((heatmap - target) ** 2)
    return weights[0] * error + weights[1] * patch_divergence(patches, patch_target).mean()
