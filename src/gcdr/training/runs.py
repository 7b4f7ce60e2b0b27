"""Training runs from files to files: what the rules for teachers and students call."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from gcdr.errors import InputError
from gcdr.gradcams import gradcam_maps
from gcdr.labels import LABELLED, targets
from gcdr.models.build import save_model
from gcdr.models.config import VATConfig
from gcdr.models.released import start_from
from gcdr.models.vat import VAT
from gcdr.samples import Samples
from gcdr.seeds import derive
from gcdr.stores import read_labels
from gcdr.training.batches import Targets, heatmap_targets
from gcdr.training.gaze import Relabel, train_gaze
from gcdr.training.loop import Recipe
from gcdr.training.resume import code_of, resumable


def labelled_targets(labels: Path, samples: Samples) -> Targets:
    """The labelled people that look into the frame of a picture that can be read.

    Raises:
        InputError: there are none.
    """
    ids, gaze = targets(pd.read_parquet(labels), LABELLED)
    seen = samples.readable(ids, "labelled")
    if not seen.any():
        raise InputError(
            f"{labels}: no labelled person looks into the frame of a readable picture; expected one"
        )
    return Targets(ids[seen], gaze[seen])


def pseudo_targets(path: Path, samples: Samples) -> Targets:
    """The valid pseudo-labels of a label store, of people whose picture can be read.

    Raises:
        InputError: there are none.
    """
    store = read_labels(path, samples.people)
    kept = store.valid & samples.readable(store.sample_id, "pseudo-labelled")
    if not kept.any():
        raise InputError(f"{path}: no valid pseudo-label in it; expected at least one")
    return heatmap_targets(store.sample_id[kept], store.heatmap[kept])


def gradcam_targets(prior: Path, people: str, ids: np.ndarray, layer: int, size: int) -> Targets:
    """Grad-CAM maps of people; zeros where the VQA model gave none."""
    return heatmap_targets(ids, gradcam_maps(prior, people, ids, layer, size)[0])


def gaze_config(size: str, gradcam: bool) -> VATConfig:
    """Sizes by name, ``"world"`` or ``"paper"``."""
    sizes = {"world": VATConfig.world, "paper": VATConfig.paper}
    return sizes[size](gradcam)


def initial_gaze_model(
    settings: dict[str, Any], gradcam: bool, init: Path | None, seed: int
) -> VAT:
    """VAT (or VAT-GC) of the configured size, with its first weights."""
    torch.manual_seed(derive(seed, "gaze weights"))
    model = VAT(gaze_config(settings["model"], gradcam))
    if init is not None:
        start_from(model, init)
    return model


def train_gaze_model(
    samples: Path,
    labels: Path,
    pseudo: Path | None,
    prior: Path | None,
    init: Path | None,
    settings: dict[str, Any],
    seed: int,
    device: torch.device,
    out: Path,
    *,
    relabel: Relabel | None = None,
    deciding: Sequence[Path] = (),
) -> None:
    """Train VAT (or, with a prior, VAT-GC) on labels and, if given, pseudo-labels.

    A run that was stopped goes on from where it last kept its state (:mod:`gcdr.training.resume`).

    Args:
        samples: the picture cache.
        labels: what the split shows.
        pseudo: label store of pseudo-labels; None trains a supervised teacher.
        prior: prior store; given for VAT-GC.
        init: folder or checkpoint that the model starts from, or None.
        settings: ``model``, ``recipe``, ``labelled_per_batch``, ``sigma`` and, with a prior, ``layer``.
        seed: seed of initial weights, order and augmentation.
        device: where to compute.
        out: folder of the model; the loss goes to ``log.csv`` in it.
        relabel: see :func:`gcdr.training.gaze.train_gaze`.
        deciding: what ``relabel`` is made of, files and folders.
    """
    cache = Samples.open(samples)
    labelled = labelled_targets(labels, cache)
    model = initial_gaze_model(settings, prior is not None, init, seed)
    extra = None if pseudo is None else pseudo_targets(pseudo, cache)
    ids = labelled.sample_id if extra is None else np.union1d(labelled.sample_id, extra.sample_id)
    gradcams = None
    if prior is not None:
        size = model.config.heatmap_size
        gradcams = gradcam_targets(prior, cache.people, ids, settings["layer"], size)
    recipe = Recipe.from_json(settings["recipe"], "gaze recipe")
    out.mkdir(parents=True, exist_ok=True)
    inputs = [samples, labels, pseudo, prior, init, *deciding]
    with resumable(out, [settings, seed], inputs, code_of(__file__)) as checkpoint:
        trained, counts = train_gaze(
            model,
            cache,
            labelled,
            extra,
            recipe,
            labelled_per_batch=settings["labelled_per_batch"],
            sigma=settings["sigma"],
            gradcams=gradcams,
            seed=seed,
            device=device,
            log=out / "log.csv",
            relabel=relabel,
            checkpoint=checkpoint,
        )
        save_model(out, trained, {"settings": settings, "seed": seed, "people": counts})
