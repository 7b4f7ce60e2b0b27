"""What a batch of people holds, and how it is put together from the cache and the labels."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gcdr.heatmaps import gaussians
from gcdr.samples import Samples
from gcdr.seeds import torch_rng
from gcdr.views import plain_view, random_view, view_maps, view_pictures, view_points


@dataclass(frozen=True)
class Batch:
    """Model inputs and targets of N people.

    Attributes:
        scene: (N, 3, S, S) normalised.
        head_mask: (N, 1, S, S).
        head_crop: (N, 3, S, S) normalised.
        gradcam: (N, 1, G, G) in [0, 1], or None.
        target: (N, G, G) in [0, 1].
    """

    scene: Tensor
    head_mask: Tensor
    head_crop: Tensor
    gradcam: Tensor | None
    target: Tensor

    @property
    def inputs(self) -> tuple[Tensor, Tensor, Tensor]:
        """Scene, head mask and head crop."""
        return self.scene, self.head_mask, self.head_crop


@dataclass(frozen=True)
class Targets:
    """What people are trained towards: a gaze point (labelled) or a stored heatmap (pseudo-label).

    Attributes:
        sample_id: (N,) int64, ascending.
        gaze: (N, 2) float32, NaN where the heatmap counts.
        heatmap: (N, G, G) float32 in [0, 1], or None where all are labelled.
    """

    sample_id: np.ndarray
    gaze: np.ndarray
    heatmap: np.ndarray | None = None

    def rows(self, sample_id: np.ndarray) -> np.ndarray:
        """Row numbers of people."""
        return np.searchsorted(self.sample_id, sample_id)

    def maps(self, sample_id: np.ndarray) -> Tensor:
        """Stored heatmaps (n, G, G) of people."""
        if self.heatmap is None:
            raise ValueError("these targets hold no heatmaps")
        return torch.from_numpy(self.heatmap[self.rows(sample_id)])


def heatmap_targets(sample_id: np.ndarray, heatmap: np.ndarray) -> Targets:
    """Stored heatmaps (N, G, G) as targets."""
    return Targets(sample_id, np.full((len(sample_id), 2), np.nan, np.float32), heatmap)


def join(labelled: Targets, pseudo: Targets) -> Targets:
    """Both as one; where a person is in both, the label counts."""
    keep = ~np.isin(pseudo.sample_id, labelled.sample_id)
    ids = np.concatenate([labelled.sample_id, pseudo.sample_id[keep]])
    order = np.argsort(ids)
    if pseudo.heatmap is None:
        raise ValueError("pseudo-labels need heatmaps")
    blank = np.zeros((len(labelled.sample_id), *pseudo.heatmap.shape[1:]), np.float32)
    return Targets(
        ids[order],
        np.concatenate([labelled.gaze, pseudo.gaze[keep]])[order],
        np.concatenate([blank, pseudo.heatmap[keep]])[order],
    )


def training_batch(
    samples: Samples,
    targets: Targets,
    sample_id: np.ndarray,
    *,
    gradcams: Targets | None,
    map_size: int,
    sigma: float,
    device: torch.device,
    rng: tuple[int, str, int] | None,
) -> Batch:
    """Assemble people, each in a random view (the plain one without ``rng``).

    Args:
        samples: the picture cache.
        targets: what the people are trained towards.
        sample_id: (n,) the people.
        gradcams: Grad-CAM maps of these people, or None.
        map_size: side of the heatmaps in cells.
        sigma: standard deviation of a label's Gaussian in cells.
        device: where the batch is computed.
        rng: seed, purpose and step of the augmentation.
    """
    rows, places = samples.rows(sample_id), targets.rows(sample_id)
    scene, head, box = samples.pictures(rows, device)
    gaze = torch.from_numpy(targets.gaze[places]).to(device)
    view = plain_view(len(rows), device)
    if rng is not None:
        view = random_view(box, gaze, torch_rng(rng[0], rng[1], rng[2]))
    target = gaussians(view_points(gaze, view), map_size, sigma)
    if targets.heatmap is not None:
        stored = view_maps(targets.maps(sample_id).to(device), view)
        target = torch.where(torch.isnan(gaze).any(1)[:, None, None], stored, target)
    gradcam = None
    if gradcams is not None:
        gradcam = view_maps(gradcams.maps(sample_id).to(device), view)[:, None]
    seen, crop, mask = view_pictures(scene, head, box, view)
    return Batch(seen, mask, crop, gradcam, target)
