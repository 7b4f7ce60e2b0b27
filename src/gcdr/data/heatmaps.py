"""Points to heatmaps and back, and the few operations that every stage applies to them.

A heatmap is a float tensor (N, H, W). A point (x, y) in 0..1 of the image's width and height lies at
(x W, y H) in cell units, and the centre of cell (row, column) is (column + 0.5, row + 0.5).
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def gaussians(points: Tensor, size: int, sigma: float) -> Tensor:
    """Gaussian heatmaps around points, the paper's training targets (Sec. 3.1).

    The Gaussian is evaluated at the cell centres with full support and unit height at the point
    itself; nothing is cut off, because a hard edge caps the AUC of whoever learns it.

    Args:
        points: (N, 2) x and y in 0..1; NaN where a person has no target.
        size: height and width of the maps in cells.
        sigma: standard deviation in cells.

    Returns:
        (N, size, size) float32 in [0, 1]; zeros for NaN points.
    """
    centres = (torch.arange(size, dtype=torch.float32, device=points.device) + 0.5) / size
    scale = size / (sigma * 2**0.5)
    x = torch.exp(-(((centres[None, :] - points[:, :1].float()) * scale) ** 2))
    y = torch.exp(-(((centres[None, :] - points[:, 1:].float()) * scale) ** 2))
    return torch.nan_to_num(y[:, :, None] * x[:, None, :], nan=0.0)


def peak_points(heatmap: Tensor, decode: str = "centre") -> Tensor:
    """The position of each map's first maximum in row-major order.

    Args:
        heatmap: (N, H, W).
        decode: ``"centre"`` gives the centre of the cell; ``"reference"`` its upper left corner
            (argmax / size), which is what the released code of VAT and GCDR reports.

    Returns:
        (N, 2) float64 x and y in 0..1.
    """
    _, height, width = heatmap.shape
    index = heatmap.flatten(1).argmax(1).double()
    offset = {"centre": 0.5, "reference": 0.0}[decode]
    row, column = torch.div(index, width, rounding_mode="floor"), index % width
    return torch.stack([(column + offset) / width, (row + offset) / height], 1)


def minmax(heatmap: Tensor) -> tuple[Tensor, Tensor]:
    """Stretch every map to [0, 1].

    A constant or non-finite map has no peak to stretch (0/0 in the reference): it becomes zeros and
    is marked invalid.

    Returns:
        maps (N, H, W) in [0, 1] and ``valid`` (N,) bool.
    """
    flat = heatmap.flatten(1)
    low, high = flat.amin(1), flat.amax(1)
    valid = torch.isfinite(low) & torch.isfinite(high) & (high > low)
    span = torch.where(valid, high - low, torch.ones_like(high))
    maps = (heatmap - low[:, None, None]) / span[:, None, None]
    return torch.where(valid[:, None, None], maps, torch.zeros_like(maps)), valid


def resize(heatmap: Tensor, size: int) -> Tensor:
    """Bilinear resize of (N, H, W) to (N, size, size), cell centres aligned."""
    if heatmap.shape[-2:] == (size, size):
        return heatmap
    return F.interpolate(heatmap[:, None], (size, size), mode="bilinear", align_corners=False)[:, 0]


def spread(heatmap: Tensor) -> Tensor:
    """How far a map's mass lies from its centre of mass.

    Returns:
        (N,) root mean square distance in units of the image's side; 0 for a map without mass.
    """
    _, height, width = heatmap.shape
    mass = heatmap.clamp_min(0).flatten(1)
    mass = mass / mass.sum(1, keepdim=True).clamp_min(1e-12)
    y, x = torch.meshgrid(
        (torch.arange(height, device=heatmap.device) + 0.5) / height,
        (torch.arange(width, device=heatmap.device) + 0.5) / width,
        indexing="ij",
    )
    places = torch.stack([x.flatten(), y.flatten()], 1)
    second = mass @ (places**2).sum(1)
    first = mass @ places
    return (second - (first**2).sum(1)).clamp_min(0).sqrt()


def entropy(heatmap: Tensor) -> Tensor:
    """Entropy of maps (N, H, W) as distributions over their cells, over that of the uniform one.

    Returns:
        (N,) in [0, 1]: 0 where one cell has everything, 1 for a flat map or one without mass.
    """
    mass = heatmap.clamp_min(0).flatten(1).double()
    total = mass.sum(1, keepdim=True)
    share = torch.where(total > 0, mass / total.clamp_min(1e-30), 1 / mass.shape[1])
    return (torch.special.entr(share).sum(1) / math.log(mass.shape[1])).clamp(0, 1)
