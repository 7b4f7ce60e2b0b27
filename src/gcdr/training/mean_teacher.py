"""Mean Teacher: a student on labels, and held to a running average of itself on everybody.

Tarvainen & Valpola 2017, as the paper uses it for VAT and for the diffusion model (S2): student and
teacher see the same person under colours and head boxes that are jittered apart.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gcdr.base.errors import InputError
from gcdr.base.seeds import torch_rng
from gcdr.base.tensors import each_tensor
from gcdr.models.denoiser import Denoiser
from gcdr.models.encoding import check_backbone
from gcdr.models.interface import GazeModel, GazeOutput, SeesPeople
from gcdr.models.named import initial_gaze_model
from gcdr.refine.diffusion import Sampling, draws, to_network, training_pair
from gcdr.refine.labels import noise_of, sampler_of
from gcdr.training.batches import Batch
from gcdr.training.denoising import initial_denoiser, prediction_of
from gcdr.training.gaze import student_loss
from gcdr.training.loop import running_average
from gcdr.training.recipes import DiffusionMeanTeacher, GazeMeanTeacher, MeanTeacher, Recipe
from gcdr.training.resume import code_of
from gcdr.training.run import Run, training_run
from gcdr.training.targets import Targets, join, labelled_targets, unlabelled_targets


@dataclass(frozen=True)
class Pair:
    """How the two models are asked about a batch of N people at a step.

    Attributes:
        student: (model, its view, step) -> outputs with a gradient.
        teacher: (model, its view, step) -> outputs.
    """

    student: Callable[[Any, Batch, int], GazeOutput]
    teacher: Callable[[Any, Batch, int], GazeOutput]


def gaze_pair() -> Pair:
    """A gaze model, as VAT-MT: both models predict (paper, S2)."""

    def outputs(model: GazeModel, batch: Batch, step: int) -> GazeOutput:
        with batch.share as share:
            return each_tensor(replace(model(batch.inputs), memory=None), share.whole)

    return Pair(outputs, outputs)


def diffusion_pair(sampling: Sampling, seed: int) -> Pair:
    """GCDR-MT: the student denoises once, the teacher samples; ``sampling`` starts from pure noise.

    The student sees a labelled person's heatmap noised to a random timestep, and of the others pure
    noise at time T; as the released code does it, with the sampler ``reference`` that noise is not
    brought into the network's range.
    """

    def student(model: Denoiser, batch: Batch, step: int) -> GazeOutput:
        rng = torch_rng(seed, "student noise", step)
        count, device = len(batch.target), batch.target.device
        time = torch.randint(1, sampling.schedule.timesteps + 1, (count,), generator=rng)
        noise = torch.randn(batch.target.shape, generator=rng).to(device, non_blocking=True)
        noisy, time = training_pair(sampling.schedule, batch.target, time, noise)
        pure = noise if sampling.sampler.double_encoding else to_network(noise)
        noisy = torch.where(batch.labelled[:, None, None], noisy, pure)
        time = torch.where(batch.labelled, time, torch.full_like(time, sampling.schedule.timesteps))
        return GazeOutput(heatmap=prediction_of(model, batch)(noisy, time))

    def teacher(model: Denoiser, batch: Batch, step: int) -> GazeOutput:
        rng = torch_rng(seed, "teacher noise", step)
        noise = torch.randn((1, len(sampling.indices), *batch.target.shape), generator=rng)
        noise = noise.to(batch.target.device, non_blocking=True)
        return GazeOutput(heatmap=draws(prediction_of(model, batch), None, noise, sampling)[0])

    return Pair(student, teacher)


def consistency_loss(student: Tensor, teacher: Tensor, distance: str) -> Tensor:
    """How far heatmaps (N, G, G) of the student are from the teacher's, averaged over people.

    "kl" takes each map for the logits of a distribution over its cells: KL(teacher || student).
    """
    if distance == "mse":
        return torch.mean((student - teacher) ** 2)
    of_student, of_teacher = student.flatten(1).log_softmax(1), teacher.flatten(1).log_softmax(1)
    return (of_teacher.exp() * (of_teacher - of_student)).sum(1).mean()


def train_mean_teacher_model(
    samples: Path,
    originals: Path,
    labels: Path,
    init: Path | None,
    settings: GazeMeanTeacher | DiffusionMeanTeacher,
    seed: int,
    device: torch.device,
    out: Path,
) -> None:
    """Train a gaze model (VAT-MT) or the diffusion teacher of GCDR-MT on labels and on everybody's pictures.

    Of the unlabelled people image and head box are used; whether they look into the frame is not
    known (the released code reads it).

    Args:
        samples: the picture cache.
        originals: larger pictures of the labelled people (:mod:`gcdr.data.originals`).
        labels: what the split shows.
        init: folder of a model whose towers the training starts from, or None.
        settings: which of the two, and how.
        seed: seed of initial weights, order, augmentation and noise.
        device: where to compute.
        out: folder of the model; the loss goes to ``log.csv`` in it.

    Raises:
        InputError: nobody is unlabelled.
    """
    if isinstance(settings, GazeMeanTeacher):
        model: SeesPeople = initial_gaze_model(settings.model, False, init, seed)
        pair = gaze_pair()
    else:
        model = initial_denoiser(settings.network, init, seed)
        sampling = settings.sampling
        steps, sampler = settings.mean_teacher.steps, sampler_of(sampling)
        process = Sampling(None, steps, noise_of(sampling), sampler)
        pair = diffusion_pair(process, seed)
    named = settings.model.backbone if isinstance(settings, GazeMeanTeacher) else None
    backbone = None if named is None else Path(named)
    deciding, sigma = [init, backbone, *code_of(__file__, model)], settings.sigma
    with training_run(
        "mean teacher",
        model,
        samples,
        originals,
        labels,
        settings,
        sigma,
        seed,
        device,
        out,
        deciding,
    ) as run:
        check_backbone(run.samples, named, samples)
        labelled = labelled_targets(labels, run.samples)
        others = unlabelled_targets(labels, run.samples)
        held, recipe = settings.mean_teacher, settings.recipe
        trained = train_mean_teacher(run, pair, labelled, others, recipe, held)
        run.save(trained, named, labelled=labelled, unlabelled=others)


def train_mean_teacher(
    run: Run,
    pair: Pair,
    labelled: Targets,
    others: Targets,
    recipe: Recipe,
    mean_teacher: MeanTeacher,
) -> nn.Module:
    """Train a student on labels and on agreement with the running average of its weights.

    The teacher stays in train mode, so its batch statistics are those of its own view.

    Args:
        run: the run of the model that ``pair`` asks.
        pair: how student and teacher are asked.
        labelled: people with a gaze point inside the frame.
        others: people of whom only the picture is used.
        recipe: the optimisation; its own running average is not made.
        mean_teacher: how the two are held together.

    Raises:
        InputError: no places for labelled people in a batch, fewer people than places, or a loss that
            is not finite.
    """
    average = running_average(run.model.train(), mean_teacher.decay, mean_teacher.warm_up)
    targets = join(labelled, others)
    people = run.compose(labelled, others, recipe, mean_teacher.labelled_per_batch)
    batches = run.batches(targets, people, views=2)

    def loss_of_step(step: int) -> Tensor:
        first, second = batches(step)
        if not first.labelled.any():
            raise InputError(
                f"step {step + 1}: no labelled person in the batch; expected at least one "
                "(mean_teacher.labelled_per_batch)"
            )
        predicted = pair.student(run.model, first, step)
        with torch.no_grad():
            taught = pair.teacher(average.module, second, step)
        known = predicted.people(first.labelled)
        error = student_loss(run.model, known, first.target[first.labelled], recipe.loss_scale)
        apart = consistency_loss(predicted.heatmap, taught.heatmap, mean_teacher.distance)
        branch = run.model.branch_distance(predicted, taught, mean_teacher.distance)
        weight = mean_teacher.weight(step, people.per_epoch)
        return error + weight * (apart if branch is None else apart + branch)

    def loss_of(model: SeesPeople, batch: Batch) -> Tensor:
        predicted = pair.student(model, batch, 0)  # at every look with the noise of the first step
        return student_loss(run.model, predicted, batch.target, recipe.loss_scale)

    student = run.fit(loss_of_step, recipe, people.per_epoch, average, loss_of=loss_of)
    return student if mean_teacher.keep == "student" else average.module.eval()
