"""Students whose pseudo-labels are made again in every batch, as in the released code."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gcdr.base.errors import InputError
from gcdr.base.seeds import torch_rng
from gcdr.data.heatmaps import minmax
from gcdr.models.build import load_model
from gcdr.models.denoiser import Denoiser
from gcdr.refine.diffusion import draws
from gcdr.refine.labels import refinement_of
from gcdr.refine.maps import Refinement, conditioned
from gcdr.training.batches import Batch
from gcdr.training.gaze import Relabel
from gcdr.training.resume import code_of
from gcdr.training.runs import train_gaze_model


def online_labels(model: Denoiser, way: Refinement) -> Relabel:
    """Refine the Grad-CAM maps of a batch's unlabelled people with fresh noise, from the batch's view.

    A map that comes out flat or not finite does not count.
    """

    @torch.no_grad()
    def relabel(batch: Batch, step: int) -> tuple[Tensor, Tensor]:
        others, target = ~batch.labelled, batch.target.clone()
        counts = torch.ones_like(others)
        if others.any():
            maps = target[others]
            rng = torch_rng(way.seed, "online refinement", step)
            shape = (way.draws, len(way.indices), *maps.shape)
            noise = torch.randn(shape, generator=rng).to(maps.device)
            predict = conditioned(model, tuple(part[others] for part in batch.inputs))
            labels, valid = minmax(draws(predict, maps, noise, way).mean(0))
            target[others], counts[others] = labels.clamp(0, 1), valid
        return target, counts

    return relabel


def train_online_student(
    samples: Path,
    labels: Path,
    pseudo: Path,
    teacher: Path,
    init: Path | None,
    settings: dict[str, Any],
    seed: int,
    device: torch.device,
    out: Path,
) -> None:
    """Train a student that a diffusion teacher sits beside.

    Args:
        pseudo: label store of the raw Grad-CAM maps.
        teacher: folder of the diffusion teacher.
        settings: as for :func:`gcdr.training.runs.train_gaze_model`, with ``refine``, the settings of
            :func:`gcdr.refine.labels.make_labels`.
        samples, labels, init, seed, device, out: as for ``train_gaze_model``.

    Raises:
        InputError: the folder holds no diffusion model.
    """
    model = load_model(teacher)
    if not isinstance(model, Denoiser):
        raise InputError(f"{teacher}: found a {type(model).__name__}, expected a diffusion model")
    refine = settings["refine"]
    way = refinement_of(refine, refine["timestep"], seed)
    relabel = online_labels(model.to(device, memory_format=torch.channels_last).eval(), way)
    deciding = [teacher, *code_of(__file__)]
    train_gaze_model(
        samples,
        labels,
        pseudo,
        None,
        init,
        settings,
        seed,
        device,
        out,
        relabel=relabel,
        deciding=deciding,
    )
