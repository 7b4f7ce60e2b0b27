"""Training a gaze model (VAT, VAT-GC): a teacher on labels, a student on labels and pseudo-labels."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from gcdr.models.vat import VAT
from gcdr.samples import Samples
from gcdr.training.batches import Batch, Targets, compose, join, training_batch
from gcdr.training.loop import Recipe, fit
from gcdr.training.resume import Checkpoint

Relabel = Callable[[Batch, int], tuple[Tensor, Tensor]]
"""(batch, step) -> targets (N, G, G) in place of the batch's, and which of them count (N,) bool."""


def train_gaze(
    model: VAT,
    samples: Samples,
    labelled: Targets,
    pseudo: Targets | None,
    recipe: Recipe,
    *,
    labelled_per_batch: int | None,
    sigma: float,
    gradcams: Targets | None,
    seed: int,
    device: torch.device,
    log: Path,
    in_frame: float | None = None,
    relabel: Relabel | None = None,
    checkpoint: Checkpoint | None = None,
) -> tuple[VAT, dict[str, Any]]:
    """Train with the mean squared error of heatmaps (paper, Sec. 3.5: labels and pseudo-labels alike).

    Args:
        model: the initialised model.
        samples: the picture cache.
        labelled: people with a gaze point inside the frame; with ``in_frame`` also those who look out of
            it, who count for that loss alone.
        pseudo: people with a pseudo-label; None trains on labels alone.
        recipe: the optimisation. A teacher fills its batches with labelled people.
        labelled_per_batch: labelled people in a student's batch (the paper: 20 of 80); None mixes all.
        sigma: standard deviation of a label's Gaussian in cells.
        gradcams: Grad-CAM maps of all these people for VAT-GC, else None.
        seed: seed of order and augmentation.
        device: where to compute.
        log: CSV of the loss.
        in_frame: weight of the loss of :func:`in_frame_loss`; None leaves it out.
        relabel: makes the pseudo-labels of a batch from its own view, as the released code does.
        checkpoint: where the state of a stopped run is kept.

    Returns:
        the trained model and what the card says of the data.

    Raises:
        InputError: fewer people than places in a batch, or a loss that is not finite.
    """
    model = model.to(device, memory_format=torch.channels_last)
    targets = labelled if pseudo is None else join(labelled, pseudo)
    people = compose(labelled, pseudo, recipe.batch, labelled_per_batch, seed)

    def loss_of_step(step: int) -> Tensor:
        batch = training_batch(
            samples,
            targets,
            people.ids(step),
            gradcams=gradcams,
            map_size=model.config.heatmap_size,
            sigma=sigma,
            device=device,
            rng=(seed, "augment gaze", step),
        )
        output = model(*batch.inputs, batch.gradcam)
        heatmap, target, counts = output.heatmap, batch.target, None
        if relabel is not None:
            target, counts = relabel(batch, step)
        if in_frame is not None:
            inside = batch.in_frame != 0
            counts = inside if counts is None else inside & counts
        if counts is not None:
            heatmap, target = heatmap[counts], target[counts]
        error = recipe.loss_scale * torch.mean((heatmap - target) ** 2)
        if in_frame is None:
            return error
        if not len(heatmap):
            error = heatmap.sum()  # everybody looks out of the frame: no map to compare
        return error + in_frame * in_frame_loss(output.in_frame, batch.in_frame)

    kept = fit(
        model,
        loss_of_step,
        recipe,
        log,
        "gaze model",
        per_epoch=people.per_epoch,
        checkpoint=checkpoint,
    )
    counts = {"labelled": len(labelled.sample_id)}
    if pseudo is not None:
        counts["pseudo_labelled"] = len(pseudo.sample_id)
    if in_frame is not None:
        counts["out_of_frame"] = int((labelled.in_frame == 0).sum())
    return kept, counts


def in_frame_loss(logit: Tensor, in_frame: Tensor) -> Tensor:
    """Binary cross entropy of in or out of the frame, over the people of whom it is known.

    Args:
        logit: (N,) float, positive for inside.
        in_frame: (N,) 1 inside, 0 outside, NaN unknown.

    Returns:
        the mean, 0 where it is known of nobody.
    """
    known = ~torch.isnan(in_frame)
    total = F.binary_cross_entropy_with_logits(logit[known], in_frame[known], reduction="sum")
    return total / known.sum().clamp(min=1)
