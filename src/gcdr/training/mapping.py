"""Training a network to turn a Grad-CAM map into a label at once ("Direct Mapping", paper, Sec. 4.3)."""

from pathlib import Path

import torch

from gcdr.models.denoiser import Denoiser
from gcdr.samples import Samples
from gcdr.training.batches import Targets, compose, training_batch
from gcdr.training.loop import Recipe, fit
from gcdr.training.resume import Checkpoint


def train_mapping(
    model: Denoiser,
    samples: Samples,
    labelled: Targets,
    gradcams: Targets,
    recipe: Recipe,
    *,
    sigma: float,
    seed: int,
    device: torch.device,
    log: Path,
    checkpoint: Checkpoint | None = None,
) -> Denoiser:
    """Train the denoiser's network with the map in the place of the noisy heatmap, at time 0.

    Args:
        model: the initialised network; without towers it sees the map alone.
        samples: the picture cache.
        labelled: people with a gaze point inside the frame and a valid Grad-CAM map.
        gradcams: their Grad-CAM maps.
        recipe: the optimisation.
        sigma: standard deviation of a label's Gaussian in cells.
        seed: seed of order and augmentation.
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
            gradcams=gradcams,
            map_size=model.config.map_size,
            sigma=sigma,
            device=device,
            rng=(seed, "augment mapping", step),
        )
        seen = batch.gradcam[:, 0]
        made = model(seen, seen.new_zeros(len(seen)), *batch.inputs)
        return recipe.loss_scale * torch.mean((made - batch.target) ** 2)

    return fit(
        model,
        loss_of_step,
        recipe,
        log,
        "direct mapping",
        per_epoch=people.per_epoch,
        checkpoint=checkpoint,
    )
