"""Training the diffusion teacher on the few labels (paper, Sec. 3.3, Eq. 1 and 5)."""

from dataclasses import dataclass
from pathlib import Path

import torch

from gcdr.diffusion import Schedule, training_pair
from gcdr.models.denoiser import Denoiser
from gcdr.samples import Samples
from gcdr.seeds import torch_rng
from gcdr.training.batches import Targets, compose, training_batch
from gcdr.training.loop import Recipe, fit
from gcdr.training.resume import Checkpoint


@dataclass(frozen=True)
class DiffusionRecipe(Recipe):
    """A recipe with the number of noise draws made of every person in a batch.

    The context of a person is computed once for all its draws, which makes further draws cheap.
    """

    draws: int = 1


def train_denoiser(
    model: Denoiser,
    samples: Samples,
    labelled: Targets,
    schedule: Schedule,
    recipe: DiffusionRecipe,
    *,
    sigma: float,
    seed: int,
    device: torch.device,
    log: Path,
    checkpoint: Checkpoint | None = None,
) -> Denoiser:
    """Train the denoiser to predict the clean heatmap from a noised one.

    Timesteps are uniform over 1..T; the loss is the mean squared error of the heatmap itself.

    Args:
        model: the initialised denoiser.
        samples: the picture cache.
        labelled: people with a gaze point inside the frame.
        schedule: the noise schedule.
        recipe: the optimisation.
        sigma: standard deviation of a label's Gaussian in cells.
        seed: seed of order, augmentation, timesteps and noise.
        device: where to compute.
        log: CSV of the loss.
        checkpoint: where the state of a stopped run is kept.

    Raises:
        InputError: fewer people than places in a batch, or a loss that is not finite.
    """
    model = model.to(device, memory_format=torch.channels_last)
    people = compose(labelled, None, recipe.batch, None, seed)

    def loss_of_step(step: int) -> torch.Tensor:
        batch = training_batch(
            samples,
            labelled,
            people.ids(step),
            gradcams=None,
            map_size=model.config.map_size,
            sigma=sigma,
            device=device,
            rng=(seed, "augment diffusion", step),
        )
        rng = torch_rng(seed, "diffusion noise", step)
        target = batch.target.repeat(recipe.draws, 1, 1)
        timestep = torch.randint(1, schedule.timesteps + 1, (len(target),), generator=rng)
        noise = torch.randn(target.shape, generator=rng).to(device)
        noisy, time = training_pair(schedule, target, timestep.to(device), noise)
        predicted = model.predict(noisy, time, model.context(*batch.inputs))
        return recipe.loss_scale * torch.mean((predicted - target) ** 2)

    return fit(
        model,
        loss_of_step,
        recipe,
        log,
        "diffusion model",
        per_epoch=people.per_epoch,
        checkpoint=checkpoint,
    )
