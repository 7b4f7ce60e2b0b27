"""Training a gaze model (VAT, VAT-GC): a teacher on labels, a student on labels and pseudo-labels."""

from collections.abc import Callable

import torch
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
            a student's labelled people in a batch (the paper: 20 of 80); None mixes all.
        labelled: people with a gaze point inside the frame.
        pseudo: people with a pseudo-label; None trains on labels alone.
        gradcams: Grad-CAM maps of all these people for VAT-GC, else None.
        recipe: the optimisation. A teacher fills its batches with labelled people.
        relabel: makes the pseudo-labels of a batch from its own view, as the released code does.

    Raises:
        InputError: fewer people than places in a batch, or a loss that is not finite.
    """
    targets = labelled if pseudo is None else join(labelled, pseudo)
    places = run.settings["labelled_per_batch"]
    people = compose(labelled, pseudo, recipe.batch, places, run.seed)

    def loss_of_step(step: int) -> Tensor:
        (batch,) = run.batches(targets, people.ids(step), step, gradcams=gradcams)
        heatmap = run.model(*batch.inputs, batch.gradcam).heatmap
        target = batch.target
        if relabel is not None:
            made, counts = relabel(batch, step)
            heatmap, target = heatmap[counts], made[counts]
        return recipe.loss_scale * torch.mean((heatmap - target) ** 2)

    return run.fit(loss_of_step, recipe, people.per_epoch)
