"""Training runs of Mean Teacher, for VAT and for the diffusion model, from files to files."""

from pathlib import Path
from typing import Any

import pandas as pd
import torch

from gcdr.diffusion import Schedule
from gcdr.errors import InputError
from gcdr.labelling import sampler_of
from gcdr.labels import UNLABELLED
from gcdr.models.build import save_model
from gcdr.samples import Samples
from gcdr.training.batches import unknown_targets
from gcdr.training.diffusion_runs import initial_denoiser
from gcdr.training.loop import Recipe
from gcdr.training.mean_teacher import (
    MeanTeacher,
    diffusion_pair,
    gaze_pair,
    train_mean_teacher,
)
from gcdr.training.resume import code_of, resumable
from gcdr.training.runs import initial_gaze_model, labelled_targets


def train_mean_teacher_model(
    family: str,
    samples: Path,
    labels: Path,
    init: Path | None,
    settings: dict[str, Any],
    seed: int,
    device: torch.device,
    out: Path,
) -> None:
    """Train VAT-MT or the diffusion teacher of GCDR-MT on labels and on everybody's pictures.

    Of the unlabelled people image and head box are used; whether they look into the frame is not
    known (the released code reads it).

    Args:
        family: "gaze" for VAT, "diffusion" for the denoiser.
        samples: the picture cache.
        labels: what the split shows.
        init: folder of a model whose towers the training starts from, or None.
        settings: as for the model without Mean Teacher, with ``mean_teacher``; for diffusion also
            the sampler's, see :func:`gcdr.labelling.sampler_of`.
        seed: seed of initial weights, order, augmentation and noise.
        device: where to compute.
        out: folder of the model; the loss goes to ``log.csv`` in it.

    Raises:
        InputError: nobody is unlabelled.
    """
    cache = Samples.open(samples)
    labelled = labelled_targets(labels, cache)
    table = pd.read_parquet(labels, columns=["sample_id", "role"])
    hidden = table.loc[table["role"] == UNLABELLED, "sample_id"].to_numpy()
    hidden = hidden[cache.readable(hidden, "unlabelled")]
    if not len(hidden):
        raise InputError(f"{labels}: no unlabelled people; Mean Teacher needs a share below 100 %")
    held = MeanTeacher.from_json(settings["mean_teacher"], "mean_teacher")
    if family == "gaze":
        model, pair = initial_gaze_model(settings, False, init, seed), gaze_pair()
        size = model.config.heatmap_size
    else:
        model = initial_denoiser(settings, init, seed)
        schedule = Schedule(settings["timesteps"], settings["schedule"])
        pair = diffusion_pair(schedule, sampler_of(settings), held.steps, seed)
        size = model.config.map_size
    recipe = Recipe.from_json(settings["recipe"], "mean_teacher.recipe")
    out.mkdir(parents=True, exist_ok=True)
    inputs = [samples, labels, init]
    with resumable(out, [family, settings, seed], inputs, code_of(__file__)) as checkpoint:
        trained = train_mean_teacher(
            model,
            pair,
            cache,
            labelled,
            unknown_targets(hidden),
            recipe,
            held,
            map_size=size,
            sigma=settings["sigma"],
            seed=seed,
            device=device,
            log=out / "log.csv",
            checkpoint=checkpoint,
        )
        people = {"labelled": len(labelled.sample_id), "unlabelled": len(hidden)}
        save_model(out, trained, {"settings": settings, "seed": seed, "people": people})
