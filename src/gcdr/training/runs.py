"""Training runs from files to files: what the rules for teachers and students call."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from gcdr.base.errors import InputError
from gcdr.base.seeds import derive
from gcdr.data.cache import Samples
from gcdr.data.prior_maps import gradcam_maps
from gcdr.data.split import LABELLED, targets
from gcdr.data.stores import read_labels
from gcdr.models.released import start_from
from gcdr.models.sizes import VATConfig
from gcdr.models.vat import VAT
from gcdr.training.batches import Targets, heatmap_targets
from gcdr.training.gaze import Relabel, train_gaze
from gcdr.training.loop import Recipe
from gcdr.training.resume import code_of
from gcdr.training.run import training_run


def labelled_targets(labels: Path, samples: Samples, in_frame: bool = False) -> Targets:
    """The labelled people that look into the frame of a picture that can be read.

    Args:
        labels: what the split shows.
        samples: the picture cache.
        in_frame: those who look out of the frame too.

    Raises:
        InputError: nobody looks into the frame or, with ``in_frame``, out of it.
    """
    ids, gaze = targets(pd.read_parquet(labels), LABELLED, outside=in_frame)
    seen = samples.readable(ids, "labelled")
    ids, gaze = ids[seen], gaze[seen]
    inside = np.isfinite(gaze).all(1)
    if not inside.any():
        raise InputError(
            f"{labels}: no labelled person looks into the frame of a readable picture; expected one"
        )
    if not in_frame:
        return Targets(ids, gaze)
    if inside.all():
        raise InputError(
            f"{labels}: no labelled person looks out of the frame; expected some, or gaze.in_frame null"
        )
    return Targets(ids, gaze, in_frame=inside.astype(np.float32))


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


def initial_gaze_model(
    settings: dict[str, Any], gradcam: bool, init: Path | None, seed: int
) -> VAT:
    """VAT (or VAT-GC) of the configured size, with its first weights."""
    torch.manual_seed(derive(seed, "gaze weights"))
    sizes = {"world": VATConfig.world, "paper": VATConfig.paper}
    config = sizes[settings["model"]](gradcam)
    if settings.get("in_frame") is not None:  # the paper's has the in/out head, trained or not
        config = replace(config, inout=True)
    model = VAT(config)
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

    Args:
        samples: the picture cache.
        labels: what the split shows.
        pseudo: label store of pseudo-labels; None trains a supervised teacher.
        prior: prior store; given for VAT-GC.
        init: folder or checkpoint that the model starts from, or None.
        settings: ``model``, ``recipe``, ``labelled_per_batch``, ``sigma``; with a prior ``layer``; and
            ``in_frame``, the weight of the in/out loss, if the model is to learn that.
        seed: seed of initial weights, order and augmentation.
        device: where to compute.
        out: folder of the model; the loss goes to ``log.csv`` in it.
        relabel: see :func:`gcdr.training.gaze.train_gaze`.
        deciding: what ``relabel`` is made of, files and folders.
    """
    weight = settings.get("in_frame")
    model = initial_gaze_model(settings, prior is not None, init, seed)
    recipe = Recipe.from_json(settings["recipe"], "gaze recipe")
    deciding = [labels, pseudo, prior, init, *deciding, *code_of(__file__)]
    with training_run("gaze", model, samples, settings, seed, device, out, deciding) as run:
        labelled = labelled_targets(labels, run.samples, weight is not None)
        ids, size = labelled.sample_id, model.config.map_size
        extra = gradcams = None
        if pseudo is not None:
            extra = pseudo_targets(pseudo, run.samples)
            ids = np.union1d(ids, extra.sample_id)
        if prior is not None:
            maps, _ = gradcam_maps(prior, run.samples.people, ids, settings["layer"], size)
            gradcams = heatmap_targets(ids, maps)
        trained = train_gaze(run, labelled, extra, gradcams, recipe, relabel)
        run.save(trained, labelled=labelled, pseudo_labelled=extra)
