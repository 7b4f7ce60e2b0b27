"""Training runs of the direct mapping from Grad-CAM maps to labels, from files to files."""

from pathlib import Path
from typing import Any

import torch

from gcdr.errors import InputError
from gcdr.gradcams import gradcam_maps
from gcdr.models.build import save_model
from gcdr.samples import Samples
from gcdr.training.batches import Targets, heatmap_targets
from gcdr.training.diffusion_runs import initial_denoiser
from gcdr.training.loop import Recipe
from gcdr.training.mapping import train_mapping
from gcdr.training.resume import code_of, resumable
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
    cache = Samples.open(samples)
    labelled = labelled_targets(labels, cache)
    model = initial_denoiser(settings, init, seed, settings["features"])
    size, ids = model.config.map_size, labelled.sample_id
    maps, valid = gradcam_maps(prior, cache.people, ids, settings["layer"], size)
    if not valid.any():
        raise InputError(f"{prior}: no labelled person has a valid map; expected at least one")
    recipe = Recipe.from_json(settings["recipe"], "diffusion.mapping")
    out.mkdir(parents=True, exist_ok=True)
    inputs = [samples, labels, prior, init]
    with resumable(out, [settings, seed], inputs, code_of(__file__)) as checkpoint:
        trained = train_mapping(
            model,
            cache,
            Targets(ids[valid], labelled.gaze[valid]),
            heatmap_targets(ids[valid], maps[valid]),
            recipe,
            sigma=settings["sigma"],
            seed=seed,
            device=device,
            log=out / "log.csv",
            checkpoint=checkpoint,
        )
        people = {"labelled": int(valid.sum())}
        save_model(out, trained, {"settings": settings, "seed": seed, "people": people})
