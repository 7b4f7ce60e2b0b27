"""Pseudo-labels: the paper's refinement of Grad-CAM maps by diffusion, and what it is compared with.

=================  ==========================================================================
method             pseudo-label
=================  ==========================================================================
``gcdr``           Grad-CAM map noised to a timestep and denoised by the diffusion model
``no-gradcam``     sampled from pure noise by the diffusion model (Table 2, "No Grad-CAM")
``raw``            the Grad-CAM map itself ("No Refine")
``argmax``         a Gaussian at the peak of the Grad-CAM map ("Argmax Refine")
``semi-vat``       the prediction of VAT trained on the labels ("Semi-VAT")
``semi-vat-gc``    the prediction of VAT-GC, which also sees the Grad-CAM map ("Semi-VAT-GC")
=================  ==========================================================================

Every label is stretched to [0, 1] alike. A label that cannot be made (a flat map) is marked invalid
and never trained on.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from gcdr.diffusion import (
    SamplerConfig,
    Schedule,
    refine,
    sample,
    seeded_noise,
    visited_indices,
)
from gcdr.heatmaps import gaussians, minmax, peak_points
from gcdr.models.denoiser import Denoiser
from gcdr.models.vat import VAT
from gcdr.samples import Samples
from gcdr.views import plain_view, view_pictures

BLOCK = (
    64  # people computed together, always the same ones, so that a result never depends on a batch
)


@dataclass(frozen=True)
class Refinement:
    """How the diffusion model makes a label (paper, Sec. 3.4).

    Attributes:
        timestep: how far the Grad-CAM map is noised, 1..T; None samples from pure noise.
        steps: DDIM steps.
        draws: noise draws that are averaged.
        schedule: the noise schedule the model was trained with.
        sampler: variant of the sampler.
        seed: seed of the noise; each person has their own.
    """

    timestep: int | None
    steps: int
    draws: int
    schedule: Schedule
    sampler: SamplerConfig
    seed: int


def blocks(
    samples: Samples, sample_id: np.ndarray, device: torch.device
) -> Iterator[tuple[slice, tuple]]:
    """Model inputs of people in fixed blocks of ``sample_id`` order, unaugmented."""
    for start in tqdm(range(0, len(sample_id), BLOCK), "people", unit="block", mininterval=5):
        part = slice(start, min(start + BLOCK, len(sample_id)))
        scene, head, box = samples.pictures(samples.rows(sample_id[part]), device)
        seen, crop, mask = view_pictures(scene, head, box, plain_view(len(scene), device))
        yield part, (seen, mask, crop)


@torch.inference_mode()
def refine_maps(
    model: Denoiser,
    samples: Samples,
    sample_id: np.ndarray,
    gradcam: np.ndarray | None,
    refinements: list[Refinement],
    device: torch.device,
) -> list[Tensor]:
    """Refine people's maps in several ways; the context of a person is computed once for all.

    Args:
        model: the diffusion teacher.
        samples: the picture cache.
        sample_id: (N,) ascending.
        gradcam: (N, G, G) Grad-CAM maps in [0, 1]; None where all refinements start from noise.
        refinements: the ways.
        device: where to compute.

    Returns:
        for each refinement (N, G, G) float32, unstretched.
    """
    model = model.to(device, memory_format=torch.channels_last).eval()
    size = model.config.map_size
    results = [torch.empty(len(sample_id), size, size) for _ in refinements]
    for part, inputs in blocks(samples, sample_id, device):
        context = model.context(*inputs)

        def predict(noisy: Tensor, time: Tensor, context: list[Tensor] = context) -> Tensor:
            return model.predict(noisy, time, context)

        for way, result in zip(refinements, results, strict=True):
            start = way.schedule.timesteps if way.timestep is None else way.timestep
            visits = len(visited_indices(start, way.steps))
            noise = seeded_noise(way.seed, "refine", sample_id[part], way.draws, visits, size)
            noise = noise.to(device)
            if way.timestep is None:
                maps = sample(predict, way.steps, noise, way.schedule, way.sampler)
            else:
                known = torch.from_numpy(gradcam[part]).to(device)
                maps = refine(predict, known, start, way.steps, noise, way.schedule, way.sampler)
            result[part] = maps.cpu()
    return results


@torch.inference_mode()
def predict_maps(
    model: VAT,
    samples: Samples,
    sample_id: np.ndarray,
    gradcam: np.ndarray | None,
    device: torch.device,
) -> Tensor:
    """A gaze model's heatmaps of people.

    Args:
        model: VAT or VAT-GC.
        samples: the picture cache.
        sample_id: (N,) ascending.
        gradcam: (N, G, G) Grad-CAM maps in [0, 1] for VAT-GC, else None.
        device: where to compute.

    Returns:
        (N, G, G) float32, as the model puts them out.
    """
    model = model.to(device, memory_format=torch.channels_last).eval()
    size = model.config.heatmap_size
    result = torch.empty(len(sample_id), size, size)
    for part, inputs in blocks(samples, sample_id, device):
        seen = None if gradcam is None else torch.from_numpy(gradcam[part]).to(device)[:, None]
        result[part] = model(*inputs, seen).heatmap.cpu()
    return result


def argmax_maps(gradcam: np.ndarray, sigma: float) -> Tensor:
    """Gaussians at the peaks of Grad-CAM maps (N, G, G)."""
    maps = torch.from_numpy(gradcam)
    return gaussians(peak_points(maps), maps.shape[-1], sigma)


def pseudo_labels(maps: Tensor, valid: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Stretch maps to labels; what was invalid before stays so.

    Returns:
        labels (N, G, G) float32 in [0, 1] and ``valid`` (N,) bool.
    """
    labels, peaked = minmax(maps)
    kept = peaked.numpy() if valid is None else peaked.numpy() & valid
    return np.where(kept[:, None, None], labels.clamp(0, 1).numpy(), 0).astype(np.float32), kept
