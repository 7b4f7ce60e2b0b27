"""Students whose pseudo-labels are made again in every batch, as in the released code."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gcdr.base.provenance import code_of
from gcdr.base.seeds import torch_rng
from gcdr.data.heatmaps import minmax
from gcdr.data.shown import check_split, split_identity
from gcdr.models.build import read_card
from gcdr.models.denoiser import Denoiser
from gcdr.models.folding import ready
from gcdr.refine.choice import read_choice
from gcdr.refine.diffusion import draws
from gcdr.refine.labels import load_denoiser, refinement_of, with_choice
from gcdr.refine.maps import Refinement, conditioned
from gcdr.training.batches import Batch
from gcdr.training.gaze import Relabel, train_gaze_model
from gcdr.training.recipes import OnlineTraining


def online_labels(model: Denoiser, refinement: Refinement) -> Relabel:
    """Refine the Grad-CAM maps of a batch's unlabelled people with fresh noise, from the batch's view.

    A map that comes out flat or not finite does not count.
    """

    @torch.no_grad()
    def relabel(batch: Batch, step: int) -> tuple[Tensor, Tensor]:
        others, target = ~batch.labelled, batch.target.clone()
        counts = torch.ones_like(others)
        if others.any():
            share, maps = batch.share, target[others]
            rng = torch_rng(refinement.seed, "online refinement", step)
            shape = (refinement.draws, len(refinement.indices), *maps.shape)
            noise = torch.randn(shape, generator=rng).to(maps.device, non_blocking=True)
            mine, made = share.of(others), torch.zeros_like(share.of(target))
            if mine.any():
                which = share.of(others.cumsum(0) - 1)[mine]
                predict = conditioned(model, batch.inputs.people(mine))
                start = refinement.start(maps[which], model)
                made[mine] = draws(predict, start, noise[:, :, which], refinement).mean(0)
            made = share.whole(made)[others]
            labels, valid = minmax(made)
            labels = labels if refinement.stretch else made
            target[others], counts[others] = labels.clamp(0, 1), valid
        return target, counts

    return relabel


def train_online_student(
    samples: Path,
    originals: Path,
    labels: Path,
    pseudo: Path,
    teacher: Path,
    init: Path | None,
    settings: OnlineTraining,
    seed: int,
    device: torch.device,
    out: Path,
    choice: Path | None = None,
    pseudo_made_by: Mapping[str, Any] | None = None,
) -> None:
    """Train a student that a diffusion teacher sits beside.

    Args:
        pseudo: label store of the raw Grad-CAM maps.
        teacher: folder of the diffusion teacher.
        settings: of the student, and how its labels are made.
        choice: file of the chosen timestep, where the settings leave it open; that of the whole counts.
        pseudo_made_by: the settings that must have made the store, as far as they are known.
        samples, originals, labels, init, seed, device, out: as for ``train_gaze_model``.

    Raises:
        InputError: the folder holds no diffusion model.
    """
    check_split(teacher, read_card(teacher).get("split"), split_identity(labels), labels)
    if choice is not None:
        check_split(choice, read_choice(choice).split, split_identity(labels), labels)
    model = load_denoiser(teacher, settings.refine.precision)
    refinement = refinement_of(with_choice(settings.refine, choice), seed)
    relabel = online_labels(ready(model, device), refinement)
    made_of = [teacher] if choice is None else [teacher, choice]
    deciding = [*made_of, *code_of(__file__)]
    train_gaze_model(
        samples,
        originals,
        labels,
        pseudo,
        None,
        init,
        settings.student,
        seed,
        device,
        out,
        relabel=relabel,
        deciding=deciding,
        pseudo_made_by=pseudo_made_by,
    )
