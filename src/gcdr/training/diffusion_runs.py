"""Training runs of the diffusion teacher, from files to files."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from gcdr.base.seeds import derive
from gcdr.models.denoiser import Denoiser
from gcdr.models.released import start_from
from gcdr.models.sizes import DenoiserConfig
from gcdr.refine.diffusion import Schedule
from gcdr.training.denoising import DiffusionRecipe, train_denoiser
from gcdr.training.resume import code_of
from gcdr.training.run import training_run
from gcdr.training.runs import labelled_targets


def initial_denoiser(
    settings: dict[str, Any], init: Path | None, seed: int, features: str = "towers"
) -> Denoiser:
    """A denoiser of the configured size, with its first weights.

    Args:
        settings: ``model``, ``head`` and ``sigma``.
        init: folder or checkpoint that the denoiser or its towers start from, or None.
        seed: seed of the weights.
        features: "towers", or "none" for a network that does not see the picture.
    """
    torch.manual_seed(derive(seed, "denoiser weights"))
    sizes = {"world": DenoiserConfig.world, "paper": DenoiserConfig.paper}
    config = replace(
        sizes[settings["model"]](),
        head=settings["head"],
        sigma=settings["sigma"],
        features=features,
    )
    model = Denoiser(config)
    if init is not None and features == "towers":
        start_from(model, init)
    return model


def train_diffusion_model(
    samples: Path,
    labels: Path,
    init: Path | None,
    settings: dict[str, Any],
    seed: int,
    device: torch.device,
    out: Path,
) -> None:
    """Train the diffusion teacher on the labels.

    Args:
        samples: the picture cache.
        labels: what the split shows.
        init: folder of a model whose towers the feature extractor starts from, or None.
        settings: ``model``, ``head``, ``recipe``, ``timesteps``, ``schedule`` and ``sigma``.
        seed: seed of initial weights, order, augmentation and noise.
        device: where to compute.
        out: folder of the model; the loss goes to ``log.csv`` in it.
    """
    model = initial_denoiser(settings, init, seed)
    schedule = Schedule(settings["timesteps"], settings["schedule"])
    recipe = DiffusionRecipe.from_json(settings["recipe"], "diffusion.recipe")
    deciding = [labels, init, *code_of(__file__)]
    with training_run("diffusion", model, samples, settings, seed, device, out, deciding) as run:
        labelled = labelled_targets(labels, run.samples)
        trained = train_denoiser(run, labelled, schedule, recipe)
        run.save(trained, labelled=labelled)
