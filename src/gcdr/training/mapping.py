"""Training a network to turn a Grad-CAM map into a label at once ("Direct Mapping", paper, Sec. 4.3)."""

import torch

from gcdr.models.denoiser import Denoiser
from gcdr.training.batches import Targets, compose
from gcdr.training.loop import Recipe
from gcdr.training.run import Run


def train_mapping(run: Run, labelled: Targets, gradcams: Targets, recipe: Recipe) -> Denoiser:
    """Train the denoiser's network with the map in the place of the noisy heatmap, at time 0.

    Args:
        run: the run of such a network; without towers it sees the map alone.
        labelled: people with a gaze point inside the frame and a valid Grad-CAM map.
        gradcams: their Grad-CAM maps.
        recipe: the optimisation.

    Raises:
        InputError: fewer people than places in a batch, or a loss that is not finite.
    """
    people = compose(labelled, None, recipe.batch, None, run.seed)

    def loss_of_step(step: int) -> torch.Tensor:
        (batch,) = run.batches(labelled, people.ids(step), step, gradcams=gradcams)
        seen = batch.gradcam[:, 0]
        made = run.model(seen, seen.new_zeros(len(seen)), *batch.inputs)
        return recipe.loss_scale * torch.mean((made - batch.target) ** 2)

    return run.fit(loss_of_step, recipe, people.per_epoch)
