"""How far heatmaps are from their targets."""

import torch
from torch import Tensor
from torch.nn import functional as F


def squared_error(heatmap: Tensor, target: Tensor) -> Tensor:
    """Mean squared error of heatmaps (n, H, W) against targets (n, H, W) in [0, 1] (paper, Sec. 3.5)."""
    return torch.mean((heatmap - target) ** 2)


def map_cross_entropy(heatmap: Tensor, target: Tensor) -> Tensor:
    """Mean binary cross-entropy of maps (n, H, W) in [0, 1] against targets (n, H, W) in [0, 1].

    Without people it is 0.
    """
    loss = F.binary_cross_entropy(heatmap.float(), target.float(), reduction="sum")
    return loss / max(target.numel(), 1)
