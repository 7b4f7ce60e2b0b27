"""Training a gaze model (VAT, VAT-GC): a teacher on labels, a student on labels and pseudo-labels."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from gcdr.models.vat import VAT
from gcdr.training.batches import Batch, Targets, compose, join
from gcdr.training.loop import Recipe
from gcdr.training.run import Run

Relabel = Callable[[Batch, int], tuple[Tensor, Tensor]]
"""(batch, step) -> targets (N, G, G) in place of the batch's, and which of them count (N,) bool."""


def train_gaze(
    run: Run,
    labelled: Targets,
    pseudo: Targets | None,
    gradcams: Targets | None,
    recipe: Recipe,
    relabel: Relabel | None = None,
) -> VAT:
    """Train with the mean squared error of heatmaps (paper, Sec. 3.5: labels and pseudo-labels alike).

    Args:
        run: the run of VAT, or of VAT-GC where there are maps. Its settings say ``labelled_per_batch``,
            a student's labelled people in a batch (the paper: 20 of 80; None mixes all), and ``in_frame``,
            the weight of the loss of :func:`in_frame_loss` (None leaves it out).
        labelled: people with a gaze point inside the frame; with ``in_frame`` also those who look out of
            it, who count for that loss alone.
        pseudo: people with a pseudo-label; None trains on labels alone.
        gradcams: Grad-CAM maps of all these people for VAT-GC, else None.
        recipe: the optimisation. A teacher fills its batches with labelled people.
        relabel: makes the pseudo-labels of a batch from its own view, as the released code does.

    Raises:
        InputError: fewer people than places in a batch, or a loss that is not finite.
    """
    targets = labelled if pseudo is None else join(labelled, pseudo)
    places, in_frame = run.settings["labelled_per_batch"], run.settings.get("in_frame")
    people = compose(labelled, pseudo, recipe.batch, places, run.seed)

    def loss_of_step(step: int) -> Tensor:
        (batch,) = run.batches(targets, people.ids(step), step, gradcams=gradcams)
        output = run.model(*batch.inputs, batch.gradcam)
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

    return run.fit(loss_of_step, recipe, people.per_epoch)


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
