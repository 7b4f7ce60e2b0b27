"""Training on labels and, at the same time, on the unlabelled people's pictures.

One loop, whatever is done with them (:mod:`gcdr.training.strategies`). The paper uses Mean Teacher for VAT
and for the diffusion model (S2), and names Π-Model and Temporal Ensembling as others that would do (S11).
"""

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from gcdr.base.errors import InputError
from gcdr.base.provenance import code_of
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
from gcdr.training.recipes import (
    DiffusionConsistency,
    GazeConsistency,
    MeanTeacher,
    OneModel,
    Recipe,
)
from gcdr.training.run import Run, training_run
from gcdr.training.strategies import Pair, Seen, Trainee, strategy_of
from gcdr.training.targets import Targets, join, labelled_targets, unlabelled_targets


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


def train_consistency_model(
    samples: Path,
    originals: Path,
    labels: Path,
    init: Path | None,
    settings: GazeConsistency | DiffusionConsistency,
    seed: int,
    device: torch.device,
    out: Path,
) -> None:
    """Train a gaze model (VAT-MT, VAT-Π, ...) or the diffusion teacher of GCDR-MT on labels and pictures.

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
    if isinstance(settings, GazeConsistency):
        model: SeesPeople = initial_gaze_model(settings.model, False, init, seed)
        pair = gaze_pair()
    else:
        model = initial_denoiser(settings.network, init, seed)
        sampling = settings.sampling
        steps, sampler = settings.unlabelled.steps, sampler_of(sampling)
        process = Sampling(None, steps, noise_of(sampling), sampler)
        pair = diffusion_pair(process, seed)
    named = settings.model.backbone if isinstance(settings, GazeConsistency) else None
    backbone = None if named is None else Path(named)
    deciding, sigma = [init, backbone, *code_of(__file__, model)], settings.sigma
    mean_teacher = isinstance(settings.unlabelled, MeanTeacher)
    with training_run(
        "mean teacher" if mean_teacher else settings.unlabelled.strategy,
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
        how = settings.recipe, settings.unlabelled
        trained = train_consistency(run, pair, labelled, others, *how)
        run.save(trained, named, labelled=labelled, unlabelled=others)


def train_consistency(
    run: Run,
    pair: Pair,
    labelled: Targets,
    others: Targets,
    recipe: Recipe,
    settings: MeanTeacher | OneModel,
) -> nn.Module:
    """Train on labels and on what a strategy makes of the others.

    Args:
        run: the run of the model that ``pair`` asks.
        pair: how models are asked.
        labelled: people with a gaze point inside the frame.
        others: people of whom only the picture is used.
        recipe: the optimisation; with Mean Teacher its own running average is not made.
        settings: what is done with the others.

    Raises:
        InputError: no places for labelled people in a batch, fewer people than places, or a loss that
            is not finite.
    """
    people = run.compose(labelled, others, recipe, settings.labelled_per_batch)
    model, hidden = run.model.train(), others.sample_id
    trainee = Trainee(model, pair, recipe, run.sigma, hidden, people.per_epoch, run.device)
    strategy = strategy_of(trainee, settings)
    batches = run.batches(join(labelled, others), people, views=strategy.views)

    def loss_of_step(step: int) -> Tensor:
        views = batches(step)
        first = views[0]
        if not first.labelled.any():
            raise InputError(
                f"step {step + 1}: no labelled person in the batch; expected at least one "
                "(labelled_per_batch)"
            )
        predicted = pair.student(run.model, first, step)
        known = predicted.people(first.labelled)
        error = student_loss(run.model, known, first.target[first.labelled], recipe.loss_scale)
        return error + strategy.loss(Seen(step, people.ids(step), views, predicted))

    def loss_of(model: SeesPeople, batch: Batch) -> Tensor:
        predicted = pair.student(model, batch, 0)  # at every look with the noise of the first step
        return student_loss(run.model, predicted, batch.target, recipe.loss_scale)

    trained = run.fit(
        loss_of_step,
        recipe,
        people.per_epoch,
        strategy.average,
        loss_of=loss_of,
        beside=strategy.memory(),
    )
    if outcome := strategy.outcome():
        print(outcome, flush=True)
    return strategy.result(trained)
