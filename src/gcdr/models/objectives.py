"""How far heatmaps are from their targets."""

import torch
from torch import Tensor


def squared_error(heatmap: Tensor, target: Tensor) -> Tensor:
    """Mean squared error of heatmaps (n, H, W) against targets (n, H, W) in [0, 1] (paper, Sec. 3.5)."""
    return torch.mean((heatmap - target) ** 2)
