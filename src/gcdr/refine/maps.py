"""Heatmaps of people from models: refined or sampled by diffusion, mapped, predicted, or drawn at a peak.

A pseudo-label is such a map, stretched to [0, 1] or at its own height. Which method makes which is a table in
:mod:`gcdr.methods`. A label that cannot be made (a flat map) is marked invalid and never trained on.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from gcdr.data.heatmaps import gaussians, minmax, peak_points
from gcdr.data.prior_maps import MapsOfPeople
from gcdr.data.tokens import Cache
from gcdr.models.denoiser import Denoiser, gaussian_matrix
from gcdr.models.folding import ready
from gcdr.models.interface import GazeInputs, TrackMemory
from gcdr.predictor.predictor import people_blocks
from gcdr.refine.diffusion import Predict, Sampling, draws, seeded_noise, trajectory


@dataclass(frozen=True)
class Refinement(Sampling):
    """How the diffusion model makes a label (paper, Sec. 3.4).

    Attributes:
        draws: noise draws of each person.
        seed: seed of the noise; each person has their own.
        average: whether the draws are averaged; else each one is a map by itself.
        expected: whether prior maps are noised as expected labels, see :func:`expected_labels`.
        stretch: whether a map becomes a label by stretching it, see :func:`pseudo_labels`.
    """

    draws: int
    seed: int
    average: bool = True
    expected: bool = False
    stretch: bool = True

    def noise(self, sample_id: np.ndarray, size: int) -> Tensor:
        """(draws, visits, N, size, size) noise of people."""
        visits = len(self.indices)
        return seeded_noise(self.seed, "refine", sample_id, self.draws, visits, size)

    def start(self, maps: Tensor | None, model: Denoiser) -> Tensor | None:
        """What is noised of prior maps (N, G, G) in [0, 1]; None where there are none."""
        if maps is None or not self.expected:
            return maps
        return expected_labels(maps, model.config.sigma)


class Refined(NamedTuple):
    """Maps that were made of N people.

    Attributes:
        heatmap: (N, G, G) float32, unstretched; (N, K, G, G) where the draws are not averaged.
        points: (N, K, 2) float64, the peak of each of the K noise draws; None where nothing is drawn.
    """

    heatmap: Tensor
    points: Tensor | None


def expected_labels(maps: Tensor, sigma: float) -> Tensor:
    """The mean label, if a person looked at each cell as often as a map says.

    Args:
        maps: (N, G, G) in [0, 1]; one without mass stays as it is.
        sigma: standard deviation of a label's Gaussian in cells.

    Returns:
        (N, G, G) in [0, 1]: a wide map comes out low, as a denoiser's mass head tells doubt.
    """
    blur = gaussian_matrix(maps.shape[-1], sigma).to(maps)
    mass = maps.flatten(1).sum(1)[:, None, None]
    return blur @ (maps / torch.where(mass > 0, mass, 1)) @ blur


def conditioned(model: Denoiser, inputs: GazeInputs) -> Predict:
    """The denoiser with its context: computed once for all draws and steps."""
    return partial(model.predict, context=model.context(inputs))


def conditioned_blocks(
    model: Denoiser,
    samples: Cache,
    sample_id: np.ndarray,
    device: torch.device,
    first: int = 0,
    memory: TrackMemory | None = None,
) -> Iterator[tuple[np.ndarray, Predict, TrackMemory | None]]:
    """The denoiser with the context of people, in blocks; that of tracks goes from block to block.

    Arguments as in :func:`refined_blocks`.
    """
    for part, inputs in people_blocks(model, samples, sample_id, device, first=first):
        context, memory = model.context_in_time(inputs.after(memory))
        yield part, partial(model.predict, context=context), memory


def _back(values: Tensor, parts: Sequence[np.ndarray], dim: int = 0) -> Tensor:
    """Values of people in the order of blocks, back in the order of the people."""
    order = torch.from_numpy(np.argsort(np.concatenate(parts)))
    return values.index_select(dim, order)


@torch.inference_mode()
def refine_maps(
    model: Denoiser,
    samples: Cache,
    sample_id: np.ndarray,
    gradcam: np.ndarray | None,
    refinements: list[Refinement],
    device: torch.device,
) -> list[Refined]:
    """Refine people's maps in several ways; the context of a person is computed once for all.

    Args:
        model: the diffusion teacher.
        samples: the picture cache.
        sample_id: (N,) ascending.
        gradcam: (N, G, G) Grad-CAM maps in [0, 1]; None where all refinements start from noise.
        refinements: the ways.
        device: where to compute.

    Returns:
        for each refinement its maps.
    """
    blocks = refined_blocks(model, samples, sample_id, gradcam, refinements, device)
    parts, results, _ = zip(*blocks, strict=True)
    return [
        Refined(*(_back(torch.cat(values), parts) for values in zip(*result, strict=True)))
        for result in zip(*results, strict=True)
    ]


@torch.inference_mode()
def refined_blocks(
    model: Denoiser,
    samples: Cache,
    sample_id: np.ndarray,
    gradcam: MapsOfPeople | None,
    refinements: list[Refinement],
    device: torch.device,
    first: int = 0,
    memory: TrackMemory | None = None,
) -> Iterator[tuple[np.ndarray, list[Refined], TrackMemory | None]]:
    """The same a block at a time, from any block on.

    Args:
        model, samples, sample_id, gradcam, refinements, device: as in :func:`refine_maps`.
        first: the block to begin with.
        memory: what was remembered of tracks after the block before it.

    Yields:
        places (n,) among the people, their maps by each refinement, and what is remembered after them.
    """
    model = ready(model, device)
    size = model.map_size
    for part, predict, after in conditioned_blocks(
        model, samples, sample_id, device, first, memory
    ):
        known = None if gradcam is None else torch.from_numpy(gradcam[part]).to(device)
        made = []
        for refinement in refinements:
            noise = refinement.noise(sample_id[part], size).to(device)
            start = refinement.start(known, model)
            drawn = draws(predict, start, noise, refinement).transpose(0, 1).cpu()
            points = peak_points(drawn.flatten(0, 1)).view(*drawn.shape[:2], 2)
            made.append(Refined(drawn.mean(1) if refinement.average else drawn, points))
        yield part, made, after


@torch.inference_mode()
def step_maps(
    model: Denoiser,
    samples: Cache,
    sample_id: np.ndarray,
    gradcam: np.ndarray | None,
    refinement: Refinement,
    device: torch.device,
) -> Tensor:
    """What the diffusion model predicts at every step of the first draw (Figures 5 and S3).

    Arguments as in :func:`refine_maps`.

    Returns:
        (visits, N, G, G) float32, unstretched, in the order of the steps.
    """
    model = ready(model, device)
    parts, made = [], []
    for part, predict, _ in conditioned_blocks(model, samples, sample_id, device):
        known = None if gradcam is None else torch.from_numpy(gradcam[part]).to(device)
        noise = refinement.noise(sample_id[part], model.map_size)[0].to(device)
        steps = trajectory(predict, refinement.start(known, model), noise, refinement)
        parts.append(part)
        made.append(torch.stack(list(steps)).cpu())
    return _back(torch.cat(made, 1), parts, dim=1)


@torch.inference_mode()
def mapped_blocks(
    model: Denoiser,
    samples: Cache,
    sample_id: np.ndarray,
    gradcam: MapsOfPeople,
    device: torch.device,
    first: int = 0,
) -> Iterator[tuple[np.ndarray, Tensor]]:
    """Maps that a network makes of Grad-CAM maps in one go ("Direct Mapping"), a block at a time.

    Arguments as in :func:`refined_blocks`.

    Yields:
        places (n,) among the people and their maps (n, G, G).
    """
    model = ready(model, device)
    for part, inputs in people_blocks(model, samples, sample_id, device, first=first):
        seen = torch.from_numpy(gradcam[part]).to(device)
        yield part, model(seen, seen.new_zeros(len(seen)), inputs).cpu()


def peak_maps(maps: Tensor, sigma: float) -> Tensor:
    """Gaussians at the peaks of maps (N, G, G); a map without a peak stays as it is."""
    drawn = gaussians(peak_points(maps), maps.shape[-1], sigma).to(maps)
    return torch.where(minmax(maps)[1][:, None, None], drawn, maps)


def pseudo_labels(
    maps: Tensor, valid: np.ndarray | None, stretch: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Maps as labels; what was invalid before stays so.

    Args:
        maps: (N, G, G), or (N, K, G, G) for K labels of each person.
        valid: (N,) bool: where what they were made of was valid; None for all.
        stretch: to [0, 1] (paper); else a map keeps its height, and doubt makes no confident label.

    Returns:
        labels of the maps' shape, float32 in [0, 1], zeros where invalid, and ``valid`` (N,) bool:
        false where one of a person's maps is flat or not finite.
    """
    labels, peaked = minmax(maps.flatten(0, -3))
    usable = peaked.view(len(maps), -1).all(1).numpy()
    usable = usable if valid is None else usable & valid
    labels = (labels.view(maps.shape) if stretch else maps).clamp(0, 1).numpy()
    blank = usable.reshape(-1, *[1] * (maps.ndim - 1))
    return np.where(blank, labels, 0).astype(np.float32), usable
