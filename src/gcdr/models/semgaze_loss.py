"""What the semantic gaze model is trained towards: its target maps and its three losses."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from gcdr.models.interface import GazeOutput

SIGMA = 3.0  # cells
REACH = 3  # standard deviations after which a target map is cut to a square
WEIGHTS = {"heatmap": 1000.0, "vector": 3.0, "label": 1.0}
"""Of the terms in the sum (Tafasca et al. 2024)."""

Missing = Literal["none", "reference"]


@dataclass(frozen=True, kw_only=True)
class SemanticTargets:
    """What is known of N people; a term counts those of whom its part is known.

    Attributes:
        heatmap: (N, H, W) in [0, 1].
        mapped: (N,) bool, whose map is known: people who look into the frame, or have a pseudo-label.
        vector: (N, 2) of unit length, from the head to the target.
        pointed: (N,) bool, whose direction is known.
        label: (N, D) embeddings of what they look at; of a missing one zeros.
        named: (N,) bool, whose label counts.
    """

    heatmap: Tensor
    mapped: Tensor
    vector: Tensor
    pointed: Tensor
    label: Tensor
    named: Tensor


def labelled_people(
    heatmap: Tensor,
    vector: Tensor,
    label: Tensor,
    in_frame: Tensor,
    missing: Missing = "none",
) -> SemanticTargets:
    """Targets of labelled people: those who look out of the frame count for nothing.

    Args:
        heatmap, vector, label: as there; a label of zeros is missing.
        in_frame: (N,) 1 for people who look into the frame.
        missing: "none", a missing label counts for nothing; "reference", it is a class of its own that
            lies at zero, and is trained towards like others (released code).
    """
    inside = in_frame == 1
    named = inside if missing == "reference" else inside & (label != 0).any(1)
    return SemanticTargets(
        heatmap=heatmap, mapped=inside, vector=vector, pointed=inside, label=label, named=named
    )


def semantic_losses(
    output: GazeOutput, targets: SemanticTargets, logit_scale: Tensor
) -> dict[str, Tensor]:
    """The three losses, each the mean over the people of whom its part is known, 0 without any.

    Args:
        output: of the N people.
        targets: what is known of them.
        logit_scale: () logarithm of what similarities of labels are multiplied by.

    Returns:
        () float32 each: ``heatmap``, the mean squared error; ``vector``, half of one minus the cosine;
        ``label``, the cross-entropy of each label among the different ones of the batch.
    """
    assert output.gaze_vector is not None and output.label_embedding is not None
    mapped, pointed, named = targets.mapped, targets.pointed, targets.named
    error = ((output.heatmap[mapped] - targets.heatmap[mapped]) ** 2).mean((1, 2))
    return {
        "heatmap": _mean(error),
        "vector": direction_loss(output.gaze_vector[pointed], targets.vector[pointed]),
        "label": label_loss(output.label_embedding[named], targets.label[named], logit_scale),
    }


def direction_loss(predicted: Tensor, target: Tensor) -> Tensor:
    """Half of one minus the cosine of directions (N, 2) of unit length, 0 without people."""
    return _mean((1 - (predicted * target).sum(1)) / 2)


def label_loss(predicted: Tensor, target: Tensor, logit_scale: Tensor) -> Tensor:
    """Cross-entropy of predicted embeddings among the different target embeddings (InfoNCE, one way).

    Args:
        predicted: (N, D) of unit length.
        target: (N, D); equal in all numbers are those of one class.
        logit_scale: as in :func:`semantic_losses`.

    Returns:
        () float32, 0 without people.
    """
    if not len(target):
        return predicted.sum()
    classes, index = torch.unique(target, dim=0, return_inverse=True)
    return F.cross_entropy(predicted @ classes.T * logit_scale.exp(), index)


def weighted_sum(losses: dict[str, Tensor]) -> Tensor:
    """The sum of the losses with :data:`WEIGHTS`."""
    return sum((WEIGHTS[name] * loss for name, loss in losses.items()), torch.tensor(0.0))


def gaze_vectors(points: Tensor, head_box: Tensor) -> Tensor:
    """Directions from the centres of head boxes (N, 4) to points (N, 2), of unit length (N, 2).

    All in 0..1 of the picture's sides, as a model that is shown it as a square sees them: the proportions
    of the picture are lost.
    """
    return F.normalize(points - (head_box[:, :2] + head_box[:, 2:]) / 2, dim=-1)


def semgaze_targets(points: Tensor, size: int = 64, sigma: float = SIGMA) -> Tensor:
    """Target maps as the release makes them of one point: a Gaussian cut to a square, its maximum 1.

    Cell k is where a point k / size is. The square reaches from int(c - 3 sigma) to int(c + 3 sigma + 1), the
    latter excluded, c the point in cells.

    Args:
        points: (N, 2) x and y in 0..1; NaN, or a negative coordinate, gives an empty map.
        size: height and width of the maps in cells.
        sigma: standard deviation in cells.

    Returns:
        (N, size, size) float32 in [0, 1].
    """
    cells = torch.arange(size, device=points.device)

    def profile(coordinate: Tensor) -> Tensor:
        centre = coordinate.double() * size
        low, high = (torch.trunc(centre + side) for side in (-REACH * sigma, REACH * sigma + 1))
        shown = (cells >= low[:, None]) & (cells < high[:, None])  # NaN compares as false
        shown &= (coordinate >= 0)[:, None]
        return torch.where(shown, torch.exp(-(((cells - centre[:, None]) / sigma) ** 2) / 2), 0.0)

    return _peaked(profile(points[:, 1])[:, :, None] * profile(points[:, 0])[:, None, :])


def annotators_map(points: Tensor, size: int = 64, sigma: float = SIGMA) -> Tensor:
    """The map of several annotators: the mean of their Gaussians with full support, its maximum 1.

    Args:
        points: (A, 2) x and y in 0..1; rows of NaN or with a negative number do not count.
        size, sigma: as in :func:`semgaze_targets`.

    Returns:
        (size, size) float32; zeros without annotators.
    """
    known = points[(points >= 0).all(1)].double() * size
    away = torch.arange(size, device=points.device) - known[:, :, None]  # (A, 2, size)
    profile = torch.exp(-((away / sigma) ** 2) / 2)
    return _peaked((profile[:, 1, :, None] * profile[:, 0, None, :]).sum(0)[None])[0]


def _peaked(maps: Tensor) -> Tensor:
    peak = maps.amax((1, 2), keepdim=True)
    return torch.where(peak > 0, maps / peak, 0.0).float()


def _mean(values: Tensor) -> Tensor:
    return values.sum() / max(len(values), 1)
