"""Training runs of Mean Teacher, for VAT and for the diffusion model, from files to files."""

from pathlib import Path
from typing import Any

import pandas as pd
import torch

from gcdr.base.errors import InputError
from gcdr.data.cache import Samples
from gcdr.data.split import UNLABELLED
from gcdr.refine.diffusion import Sampling, Schedule
from gcdr.refine.labels import sampler_of
from gcdr.training.batches import Targets, heatmap_targets
from gcdr.training.diffusion_runs import initial_denoiser
from gcdr.training.loop import Recipe
from gcdr.training.mean_teacher import (
    MeanTeacher,
    diffusion_pair,
    gaze_pair,
    train_mean_teacher,
)
from gcdr.training.resume import code_of
from gcdr.training.run import training_run
from gcdr.training.runs import initial_gaze_model, labelled_targets


def unlabelled_targets(labels: Path, samples: Samples) -> Targets:
    """The unlabelled people, of whom only the picture is used, if it can be read.

    Raises:
        InputError: there are none.
    """
    table = pd.read_parquet(labels, columns=["sample_id", "role"])
    ids = table.loc[table["role"] == UNLABELLED, "sample_id"].to_numpy()
    ids = ids[samples.readable(ids, "unlabelled")]
    if not len(ids):
        raise InputError(f"{labels}: no unlabelled people; Mean Teacher needs a share below 100 %")
    return heatmap_targets(ids, None)


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
            the sampler's, see :func:`gcdr.refine.labels.sampler_of`.
        seed: seed of initial weights, order, augmentation and noise.
        device: where to compute.
        out: folder of the model; the loss goes to ``log.csv`` in it.

    Raises:
        InputError: nobody is unlabelled.
    """
    held = MeanTeacher.from_json(settings["mean_teacher"], "mean_teacher")
    if family == "gaze":
        model, pair = initial_gaze_model(settings, False, init, seed), gaze_pair()
    else:
        model = initial_denoiser(settings, init, seed)
        schedule = Schedule(settings["timesteps"], settings["schedule"])
        way = Sampling(None, held.steps, schedule, sampler_of(settings))
        pair = diffusion_pair(way, seed)
    recipe = Recipe.from_json(settings["recipe"], "mean_teacher.recipe")
    deciding = [labels, init, *code_of(__file__)]
    with training_run("mean teacher", model, samples, settings, seed, device, out, deciding) as run:
        labelled = labelled_targets(labels, run.samples)
        others = unlabelled_targets(labels, run.samples)
        trained = train_mean_teacher(run, pair, labelled, others, recipe, held)
        run.save(trained, labelled=labelled, unlabelled=others)
