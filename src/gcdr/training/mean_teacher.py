"""Mean Teacher: a student on labels, and held to a running average of itself on everybody.

Tarvainen & Valpola 2017, as the paper uses it for VAT and for the diffusion model (S2): student and
teacher see the same person under colours and head boxes that are jittered apart.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from gcdr.diffusion import (
    SamplerConfig,
    Schedule,
    sample,
    to_network,
    training_pair,
    visited_indices,
)
from gcdr.errors import InputError
from gcdr.jsonconfig import JsonConfig
from gcdr.models.denoiser import Denoiser
from gcdr.models.vat import VAT
from gcdr.samples import Samples
from gcdr.seeds import torch_rng
from gcdr.training.batches import Batch, Targets, compose, join, two_views
from gcdr.training.loop import Recipe, fit, running_average
from gcdr.training.resume import Checkpoint

SHARPNESS = 5.0  # of the ramp-up (Laine & Aila 2017)


@dataclass(frozen=True)
class MeanTeacher(JsonConfig):
    """How student and teacher are held together.

    Attributes:
        consistency: weight of the consistency loss after the ramp-up.
        ramp_up: epochs until then; 0 for none.
        distance: "kl", of the softmax over cells, or "mse".
        decay: decay of the teacher's weights.
        warm_up: steps after each of which that decay grows towards its value.
        kept: which of the two is the result: the "student" (released code) or the "ema" teacher.
        steps: sampling steps of a diffusion teacher.
        labelled_per_batch: labelled people in a batch.
    """

    consistency: float
    labelled_per_batch: int
    ramp_up: int = 5
    distance: Literal["kl", "mse"] = "kl"
    decay: float = 0.99
    warm_up: int = 15
    kept: Literal["student", "ema"] = "student"
    steps: int = 10

    def weight(self, step: int, per_epoch: float) -> float:
        """Weight of the consistency loss at a step: it grows from epoch to epoch."""
        if not self.ramp_up:
            return self.consistency
        done = min(int(step / per_epoch), self.ramp_up) / self.ramp_up
        return self.consistency * math.exp(-SHARPNESS * (1 - done) ** 2)


@dataclass(frozen=True)
class Pair:
    """How the two models are asked for the heatmaps (N, G, G) of a batch at a step.

    Attributes:
        student: (model, its view, step) -> heatmaps with a gradient.
        teacher: (model, its view, step) -> heatmaps.
    """

    student: Callable[[nn.Module, Batch, int], Tensor]
    teacher: Callable[[nn.Module, Batch, int], Tensor]


def gaze_pair() -> Pair:
    """VAT-MT: both models predict (paper, S2)."""

    def heatmaps(model: VAT, batch: Batch, step: int) -> Tensor:
        return model(*batch.inputs).heatmap

    return Pair(heatmaps, heatmaps)


def diffusion_pair(schedule: Schedule, sampler: SamplerConfig, steps: int, seed: int) -> Pair:
    """GCDR-MT: the student denoises once, the teacher samples from pure noise.

    The student sees a labelled person's heatmap noised to a random timestep, and of the others pure
    noise at time T; as the released code does it, with the sampler ``reference`` that noise is not
    brought into the network's range.
    """

    def student(model: Denoiser, batch: Batch, step: int) -> Tensor:
        rng = torch_rng(seed, "student noise", step)
        count, device = len(batch.target), batch.target.device
        time = torch.randint(1, schedule.timesteps + 1, (count,), generator=rng).to(device)
        noise = torch.randn(batch.target.shape, generator=rng).to(device)
        noisy, time = training_pair(schedule, batch.target, time, noise)
        pure = noise if sampler.double_encoding else to_network(noise)
        noisy = torch.where(batch.labelled[:, None, None], noisy, pure)
        time = torch.where(batch.labelled, time, torch.full_like(time, schedule.timesteps))
        return model(noisy, time, *batch.inputs)

    def teacher(model: Denoiser, batch: Batch, step: int) -> Tensor:
        visits = len(visited_indices(schedule.timesteps, steps))
        noise = torch.randn(
            (1, visits, *batch.target.shape), generator=torch_rng(seed, "teacher noise", step)
        )
        context = model.context(*batch.inputs)

        def predict(noisy: Tensor, time: Tensor) -> Tensor:
            return model.predict(noisy, time, context)

        return sample(predict, steps, noise.to(batch.target.device), schedule, sampler)

    return Pair(student, teacher)


def consistency_loss(student: Tensor, teacher: Tensor, distance: str) -> Tensor:
    """How far heatmaps (N, G, G) of the student are from the teacher's, averaged over people.

    "kl" takes each map for the logits of a distribution over its cells: KL(teacher || student).
    """
    if distance == "mse":
        return torch.mean((student - teacher) ** 2)
    said, told = student.flatten(1).log_softmax(1), teacher.flatten(1).log_softmax(1)
    return (told.exp() * (told - said)).sum(1).mean()


def train_mean_teacher(
    model: nn.Module,
    pair: Pair,
    samples: Samples,
    labelled: Targets,
    others: Targets,
    recipe: Recipe,
    mean_teacher: MeanTeacher,
    *,
    map_size: int,
    sigma: float,
    seed: int,
    device: torch.device,
    log: Path,
    checkpoint: Checkpoint | None = None,
) -> nn.Module:
    """Train a student on labels and on agreement with the running average of its weights.

    The teacher stays in train mode, so its batch statistics are those of its own view.

    Args:
        model: the initialised model.
        pair: how student and teacher are asked.
        samples: the picture cache.
        labelled: people with a gaze point inside the frame.
        others: people of whom only the picture is used.
        recipe: the optimisation; its own running average is not made.
        mean_teacher: how the two are held together.
        map_size: side of the heatmaps in cells.
        sigma: standard deviation of a label's Gaussian in cells.
        seed: seed of order, augmentation and noise.
        device: where to compute.
        log: CSV of the loss.
        checkpoint: where the state of a stopped run is kept.

    Raises:
        InputError: no places for labelled people in a batch, fewer people than places, or a loss that
            is not finite.
    """
    model = model.to(device, memory_format=torch.channels_last).train()
    average = running_average(model, mean_teacher.decay, mean_teacher.warm_up)
    targets = join(labelled, others)
    people = compose(labelled, others, recipe.batch, mean_teacher.labelled_per_batch, seed)

    def loss_of_step(step: int) -> Tensor:
        first, second = two_views(
            samples,
            targets,
            people.ids(step),
            gradcams=None,
            map_size=map_size,
            sigma=sigma,
            device=device,
            rng=(seed, "augment mean teacher", step),
        )
        if not first.labelled.any():
            raise InputError(
                f"step {step + 1}: no labelled person in the batch; expected at least one "
                "(mean_teacher.labelled_per_batch)"
            )
        said = pair.student(model, first, step)
        with torch.no_grad():
            told = pair.teacher(average.module, second, step)
        error = torch.mean((said[first.labelled] - first.target[first.labelled]) ** 2)
        apart = consistency_loss(said, told, mean_teacher.distance)
        weight = mean_teacher.weight(step, people.per_epoch)
        return recipe.loss_scale * error + weight * apart

    student = fit(
        model,
        loss_of_step,
        recipe,
        log,
        "mean teacher",
        per_epoch=people.per_epoch,
        average=average,
        checkpoint=checkpoint,
    )
    return student if mean_teacher.kept == "student" else average.module.eval()
