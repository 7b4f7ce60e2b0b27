"""Training a gaze model (VAT, VAT-GC): a teacher on labels, a student on labels and pseudo-labels."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from gcdr.models.vat import VAT
from gcdr.samples import Samples
from gcdr.training.batches import Targets, join, training_batch
from gcdr.training.loop import Recipe, fit, shuffled


def train_gaze(
    model: VAT,
    samples: Samples,
    labelled: Targets,
    pseudo: Targets | None,
    recipe: Recipe,
    *,
    labelled_per_batch: int,
    sigma: float,
    gradcams: Targets | None,
    seed: int,
    device: torch.device,
    log: Path,
) -> tuple[VAT, dict[str, Any]]:
    """Train with the mean squared error of heatmaps (paper, Sec. 3.4: labels and pseudo-labels alike).

    Args:
        model: the initialised model.
        samples: the picture cache.
        labelled: people with a gaze point inside the frame.
        pseudo: people with a pseudo-label; None trains on labels alone.
        recipe: the optimisation. A teacher fills its batches with labelled people, so it gets as many
            steps and samples as a student of the same recipe.
        labelled_per_batch: labelled people in a student's batch (the paper: 20 of 80).
        sigma: standard deviation of a label's Gaussian in cells.
        gradcams: Grad-CAM maps of all these people for VAT-GC, else None.
        seed: seed of order and augmentation.
        device: where to compute.
        log: CSV of the loss.

    Returns:
        the trained model and what the card says of the data.
    """
    model = model.to(device, memory_format=torch.channels_last)
    first = recipe.batch if pseudo is None else labelled_per_batch
    known = shuffled(labelled.sample_id, first, seed, "labelled")
    targets, others = labelled, None
    if pseudo is not None:
        targets = join(labelled, pseudo)
        others = shuffled(pseudo.sample_id, recipe.batch - first, seed, "pseudo-labelled")

    def loss_of_step(step: int) -> torch.Tensor:
        ids = next(known)
        if others is not None:
            ids = np.concatenate([ids, next(others)])
        batch = training_batch(
            samples,
            targets,
            ids,
            gradcams=gradcams,
            map_size=model.config.heatmap_size,
            sigma=sigma,
            device=device,
            rng=(seed, "augment gaze", step),
        )
        output = model(*batch.inputs, batch.gradcam)
        return torch.mean((output.heatmap - batch.target) ** 2)

    kept = fit(model, loss_of_step, recipe, log, "gaze model")
    counts = {"labelled": len(labelled.sample_id)}
    if pseudo is not None:
        counts["pseudo_labelled"] = len(pseudo.sample_id)
    return kept, counts
