"""What the semantic gaze model learns beside its maps: the losses of directions and of names."""

import torch
from torch import Tensor
from torch.nn import functional as F

WEIGHTS = {"vector": 3.0, "label": 1.0}
"""Of the terms in the sum, where squared errors of maps have 1000 (``loss_scale``; Tafasca et al. 2024)."""


def direction_loss(predicted: Tensor, target: Tensor) -> Tensor:
    """Half of one minus the cosine of directions (N, 2) of unit length, 0 without people."""
    return _mean((1 - (predicted * target).sum(1)) / 2)


def label_loss(predicted: Tensor, target: Tensor, logit_scale: Tensor) -> Tensor:
    """Cross-entropy of predicted embeddings among the different target embeddings (InfoNCE, one way).

    Args:
        predicted: (N, D) of unit length.
        target: (N, D); equal in all numbers are those of one class.
        logit_scale: () logarithm of what similarities are multiplied by.

    Returns:
        () float32, 0 without people.
    """
    if not len(target):
        return predicted.sum()
    classes, index = torch.unique(target, dim=0, return_inverse=True)
    return F.cross_entropy(predicted @ classes.T * logit_scale.exp(), index)


def gaze_vectors(points: Tensor, head_box: Tensor) -> Tensor:
    """Directions from the centres of head boxes (N, 4) to points (N, 2), of unit length (N, 2).

    All in 0..1 of the picture's sides, as a model that is shown it as a square sees them: the proportions
    of the picture are lost.
    """
    return F.normalize(points - (head_box[:, :2] + head_box[:, 2:]) / 2, dim=-1)


def _mean(values: Tensor) -> Tensor:
    return values.sum() / max(len(values), 1)
