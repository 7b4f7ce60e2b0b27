"""Training the diffusion teacher on the few labels (paper, Sec. 3.3, Eq. 1 and 5)."""

from dataclasses import dataclass

import torch

from gcdr.base.seeds import torch_rng
from gcdr.models.denoiser import Denoiser
from gcdr.refine.diffusion import Schedule, training_pair
from gcdr.training.batches import Targets, compose
from gcdr.training.loop import Recipe
from gcdr.training.run import Run


@dataclass(frozen=True)
class DiffusionRecipe(Recipe):
    """A recipe with the number of noise draws made of every person in a batch.

    The context of a person is computed once for all its draws, which makes further draws cheap.
    """

    draws: int = 1


def train_denoiser(
    run: Run, labelled: Targets, schedule: Schedule, recipe: DiffusionRecipe
) -> Denoiser:
    """Train the denoiser to predict the clean heatmap from a noised one.

    Timesteps are uniform over 1..T; the loss is the mean squared error of the heatmap itself.

    Args:
        run: the run of a denoiser.
        labelled: people with a gaze point inside the frame.
        schedule: the noise schedule.
        recipe: the optimisation.

    Raises:
        InputError: fewer people than places in a batch, or a loss that is not finite.
    """
    people = compose(labelled, None, recipe.batch, None, run.seed)

    def loss_of_step(step: int) -> torch.Tensor:
        (batch,) = run.batches(labelled, people.ids(step), step)
        rng = torch_rng(run.seed, "diffusion noise", step)
        target = batch.target.repeat(recipe.draws, 1, 1)
        timestep = torch.randint(1, schedule.timesteps + 1, (len(target),), generator=rng)
        noise = torch.randn(target.shape, generator=rng).to(run.device)
        noisy, time = training_pair(schedule, target, timestep.to(run.device), noise)
        predicted = run.model.predict(noisy, time, run.model.context(*batch.inputs))
        return recipe.loss_scale * torch.mean((predicted - target) ** 2)

    return run.fit(loss_of_step, recipe, people.per_epoch)
