"""Training runs of the direct mapping from Grad-CAM maps to labels, from files to files."""

from pathlib import Path
from typing import Any

import torch

from gcdr.base.errors import InputError
from gcdr.data.prior_maps import gradcam_maps
from gcdr.training.batches import Targets, heatmap_targets
from gcdr.training.diffusion_runs import initial_denoiser
from gcdr.training.loop import Recipe
from gcdr.training.mapping import train_mapping
from gcdr.training.resume import code_of
from gcdr.training.run import training_run
from gcdr.training.runs import labelled_targets


def train_mapping_model(
    samples: Path,
    labels: Path,
    prior: Path,
    init: Path | None,
    settings: dict[str, Any],
    seed: int,
    device: torch.device,
    out: Path,
) -> None:
    """Train a direct mapping on the labelled people that have a valid Grad-CAM map.

    Args:
        samples: the picture cache.
        labels: what the split shows.
        prior: prior store.
        init: folder or checkpoint that the denoiser or its towers start from, or None.
        settings: ``model``, ``head``, ``recipe``, ``sigma``, ``layer`` and ``features`` ("towers" or
            "none", the paper does not say which).
        seed: seed of initial weights, order and augmentation.
        device: where to compute.
        out: folder of the model; the loss goes to ``log.csv`` in it.

    Raises:
        InputError: no labelled person has a valid map.
    """
    model = initial_denoiser(settings, init, seed, settings["features"])
    recipe = Recipe.from_json(settings["recipe"], "diffusion.mapping")
    deciding = [labels, prior, init, *code_of(__file__)]
    with training_run("mapping", model, samples, settings, seed, device, out, deciding) as run:
        labelled = labelled_targets(labels, run.samples)
        ids, people, size = labelled.sample_id, run.samples.people, model.config.map_size
        maps, valid = gradcam_maps(prior, people, ids, settings["layer"], size)
        if not valid.any():
            raise InputError(f"{prior}: no labelled person has a valid map; expected at least one")
        known = Targets(ids[valid], labelled.gaze[valid])
        trained = train_mapping(run, known, heatmap_targets(ids[valid], maps[valid]), recipe)
        run.save(trained, labelled=known)
