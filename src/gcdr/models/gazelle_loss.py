"""What Gaze-LLE is trained towards: its target maps and its objective."""

import torch
from torch import Tensor
from torch.nn import functional as F

from gcdr.models.interface import GazeOutput
from gcdr.models.objectives import map_cross_entropy

SIGMA = 3.0  # cells
REACH = 3  # standard deviations after which a target map is cut


def gazelle_targets(points: Tensor, size: int = 64, sigma: float = SIGMA) -> Tensor:
    """Target maps as Gaze-LLE is trained with: Gaussians around whole cells, cut to a square.

    Unlike ``gcdr.data.heatmaps.gaussians`` they are zero more than three standard deviations away on either
    axis, and every map is divided by its own maximum: of a point a little past the right or lower edge
    the visible flank is stretched to 1.

    Args:
        points: (N, 2) x and y in 0..1; NaN, or a negative coordinate, gives an empty map.
        size: height and width of the maps in cells.
        sigma: standard deviation in cells.

    Returns:
        (N, size, size) float32 in [0, 1].
    """
    cells = torch.arange(size, dtype=torch.float64, device=points.device)
    reach = int(REACH * sigma)

    def profile(coordinate: Tensor) -> Tensor:
        away = cells - torch.trunc(coordinate.double() * size)[:, None]  # (N, size)
        seen = (away.abs() <= reach) & (coordinate >= 0)[:, None]  # NaN compares as false
        return torch.where(seen, torch.exp(-((away / sigma) ** 2) / 2), 0.0)

    maps = profile(points[:, 1])[:, :, None] * profile(points[:, 0])[:, None, :]
    peak = maps.amax(dim=(1, 2), keepdim=True)
    return torch.where(peak > 0, maps / peak, 0.0).float()


def gazelle_loss(
    output: GazeOutput, target: Tensor, in_frame: Tensor | None = None, weight: float = 1.0
) -> Tensor:
    """Mean binary cross-entropy of the maps of people in frame, and of the in-frame logit of all.

    Args:
        output: of N people; ``heatmap`` in [0, 1].
        target: (N, H, W) float in [0, 1]; of people out of frame it is not looked at.
        in_frame: (N,) bool or float, 1 where the target is inside the image; None where all are, and
            the in-frame head has nothing to learn.
        weight: of the in-frame term, which is there if the model has such a head.

    Returns:
        () float32; the first term is 0 where nobody is in frame.
    """
    inside = slice(None) if in_frame is None else in_frame > 0.5
    loss = map_cross_entropy(output.heatmap[inside], target[inside])
    if in_frame is None or output.in_frame is None:
        return loss
    logit = output.in_frame.float()
    return loss + weight * F.binary_cross_entropy_with_logits(logit, in_frame.to(logit.dtype))
