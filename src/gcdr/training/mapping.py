"""Training a network to turn a Grad-CAM map into a label at once ("Direct Mapping", paper, Sec. 4.3)."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gcdr.base.errors import InputError
from gcdr.base.provenance import code_of
from gcdr.data.prior_maps import prior_maps
from gcdr.models.denoiser import Denoiser
from gcdr.training.batches import Batch
from gcdr.training.denoising import initial_denoiser
from gcdr.training.recipes import MappingTraining, Recipe
from gcdr.training.run import Run, training_run
from gcdr.training.targets import Targets, heatmap_targets, labelled_targets


def train_mapping_model(
    samples: Path,
    originals: Path,
    labels: Path,
    prior: Path,
    init: Path | None,
    settings: MappingTraining,
    seed: int,
    device: torch.device,
    out: Path,
    prior_made_by: Mapping[str, Any] | None = None,
) -> None:
    """Train a direct mapping on the labelled people that have a valid Grad-CAM map.

    Args:
        samples: the picture cache.
        originals: larger pictures of the labelled people (:mod:`gcdr.data.originals`).
        labels: what the split shows.
        prior: prior store.
        init: folder or checkpoint that the denoiser or its towers start from, or None.
        settings: the network and the optimisation.
        seed: seed of initial weights, order and augmentation.
        device: where to compute.
        out: folder of the model; the loss goes to ``log.csv`` in it.
        prior_made_by: the settings that must have made the prior store, as far as they are known.

    Raises:
        InputError: the prior store was made by other settings, or no labelled person has a valid map.
    """
    model = initial_denoiser(settings.network, init, seed)
    deciding, sigma = [prior, init, *code_of(__file__)], settings.network.sigma
    with training_run(
        "mapping", model, samples, originals, labels, settings, sigma, seed, device, out, deciding
    ) as run:
        labelled = labelled_targets(labels, run.samples)
        aside = () if run.validation is None else run.validation.sample_id
        ids = np.union1d(labelled.sample_id, aside).astype(np.int64)
        people, size = run.samples.people, model.map_size
        maps, valid = prior_maps(prior, people, ids, settings.layer, size, prior_made_by)
        known = labelled.within(ids[valid])
        if known is None:
            raise InputError(f"{prior}: no labelled person has a valid map; expected at least one")
        priors = heatmap_targets(ids[valid], maps[valid])
        seen = None if run.validation is None else run.validation.within(ids[valid])
        run = replace(run, validation=seen)
        trained = train_mapping(run, known, priors, settings.recipe)
        run.save(trained, labelled=known)


def train_mapping(run: Run, labelled: Targets, priors: Targets, recipe: Recipe) -> Denoiser:
    """Train the denoiser's network with the map in the place of the noisy heatmap, at time 0.

    Args:
        run: the run of such a network; without towers it sees the map alone.
        labelled: people with a gaze point inside the frame and a valid Grad-CAM map.
        priors: their Grad-CAM maps.
        recipe: the optimisation.

    Raises:
        InputError: fewer people than places in a batch, or a loss that is not finite.
    """
    people = run.compose(labelled, None, recipe)
    batches = run.batches(labelled, people, priors=priors)

    def loss_of_step(step: int) -> torch.Tensor:
        (batch,) = batches(step)
        return loss_of(run.model, batch)

    def loss_of(model: Denoiser, batch: Batch) -> torch.Tensor:
        seen = batch.prior[:, 0]
        with batch.share:
            made = batch.share.whole(model(seen, seen.new_zeros(len(seen)), batch.inputs))
        return recipe.loss_scale * torch.mean((made - batch.target) ** 2)

    return run.fit(loss_of_step, recipe, people.per_epoch, priors=priors, loss_of=loss_of)
