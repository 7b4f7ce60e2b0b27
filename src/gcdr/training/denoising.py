"""Training the diffusion teacher on the few labels (paper, Sec. 3.3, Eq. 4 and 5)."""

from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gcdr.base.errors import InputError
from gcdr.base.files import read_json
from gcdr.base.provenance import code_of
from gcdr.base.seeds import derive, torch_rng
from gcdr.data.folds import labelled_folds
from gcdr.data.manifest import people_digest, read_people
from gcdr.data.shown import read_shown
from gcdr.models.denoiser import Denoiser
from gcdr.models.sizes import CARD_FILE, DenoiserConfig, VideoDenoiserConfig, beginning
from gcdr.models.starting import start_from
from gcdr.models.video_denoiser import VideoDenoiser
from gcdr.refine.diffusion import Predict, Schedule, denoising_loss, training_pair
from gcdr.training.batches import Batch
from gcdr.training.loop import check_held
from gcdr.training.recipes import DenoiserTraining, DiffusionRecipe, Fold, NetworkSettings
from gcdr.training.run import Run, training_run
from gcdr.training.targets import Targets, labelled_targets


def initial_denoiser(settings: NetworkSettings, init: Path | None, seed: int) -> Denoiser:
    """A denoiser with its first weights.

    Args:
        settings: its network.
        init: folder or checkpoint that the denoiser or its towers start from, or None.
        seed: seed of the random ones.
    """
    torch.manual_seed(derive(seed, "denoiser weights"))
    sort = VideoDenoiserConfig if settings.tracks else DenoiserConfig
    sizes = {"world": sort.world, "paper": sort.paper}[settings.size]()
    config = replace(
        sizes,
        towers=replace(sizes.towers, depth=settings.depth),
        head=settings.head,
        sigma=settings.sigma,
        features=settings.features,
    )
    follows = isinstance(config, VideoDenoiserConfig)
    model = VideoDenoiser(beginning(config)) if follows else Denoiser(config)
    if init is not None and settings.features == "towers":
        start_from(model, init)
    return model


def train_diffusion_model(
    samples: Path,
    originals: Path,
    labels: Path,
    init: Path | None,
    settings: DenoiserTraining,
    seed: int,
    device: torch.device,
    out: Path,
    manifest: Path | None = None,
) -> None:
    """Train the diffusion teacher on the labels, or on those of all folds but one.

    Args:
        samples: the picture cache.
        originals: larger pictures of the labelled people (:mod:`gcdr.data.originals`).
        labels: what the split shows.
        init: folder of a model whose towers the feature extractor starts from, or None.
        settings: the network, the noise and the optimisation.
        seed: seed of initial weights, order, augmentation and noise.
        device: where to compute.
        out: folder of the model; the loss goes to ``log.csv`` in it.
        manifest: the manifest, which says who is in one picture; needed where a fold is held out.

    Raises:
        InputError: fewer images of labelled people than folds; or a fold is held out and ``init`` has
            learned from labels of these people.
    """
    model = initial_denoiser(settings.network, init, seed)
    if settings.recipe.learned == "in_time" and model.needs.tracks:
        with redirect_stdout(None):  # what starts has been said
            check_held(model, initial_denoiser(settings.network, init, seed + 1), True)
    schedule = Schedule(settings.timesteps, settings.schedule)
    deciding, sigma = [init, *code_of(__file__)], settings.network.sigma
    with training_run(
        "diffusion", model, samples, originals, labels, settings, sigma, seed, device, out, deciding
    ) as run:
        labelled = labelled_targets(labels, run.samples)
        if settings.fold is not None and manifest is not None:
            check_unseen(init, run.samples.people)
            labelled = labelled.without(held_out(manifest, labels, settings.fold, seed))
        trained = train_denoiser(run, labelled, schedule, settings.recipe)
        run.save(trained, labelled=labelled)


def check_unseen(init: Path | None, people: str) -> None:
    """Refuse to judge a fold's people by what started from a model that has seen their labels.

    Args:
        init: weights that a training starts from, or None.
        people: digest of the data set's people.

    Raises:
        InputError: the card beside the weights says that the model has learned from people of this data set.
    """
    folder = None if init is None else init if init.is_dir() else init.parent
    if folder is None or not (folder / CARD_FILE).exists():
        return
    if read_json(folder / CARD_FILE).get("pictures") == people:
        raise InputError(
            f"{init}: has learned from labels of this data set, by which refine.timestep: auto judges what "
            "starts from it; expected a diffusion.init that has seen none, or refine.timestep by number"
        )


def held_out(manifest: Path, labels: Path, fold: Fold, seed: int) -> np.ndarray:
    """``sample_id`` of the labelled people of a fold."""
    people = read_people(manifest)
    shown = read_shown(labels, people_digest(people))
    ids, number = labelled_folds(people, shown, fold.folds, seed)
    return ids[number == fold.held_out]


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
    people = run.compose(labelled, None, recipe)
    batches = run.batches(labelled, people)

    def loss_of_step(step: int) -> torch.Tensor:
        (batch,) = batches(step)
        rng = torch_rng(run.seed, "diffusion noise", step)
        target = batch.target.repeat(recipe.draws, 1, 1)
        timestep = torch.randint(1, schedule.timesteps + 1, (len(target),), generator=rng)
        noise = torch.randn(target.shape, generator=rng).to(run.device, non_blocking=True)
        predict, noised = prediction_of(run.model, batch), target
        if torch.rand((), generator=rng) < recipe.own:
            noised = earlier_prediction(predict, schedule, target, timestep, rng)
        predicted = predict(*training_pair(schedule, noised, timestep, noise))
        return recipe.loss_scale * denoising_loss(predicted, target)

    def loss_of(model: Denoiser, batch: Batch) -> Tensor:
        """The same noise and timesteps at every look, so that looks can be compared."""
        rng, target = torch_rng(run.seed, "validation noise"), batch.target
        timestep = torch.randint(1, schedule.timesteps + 1, (len(target),), generator=rng)
        noise = torch.randn(target.shape, generator=rng).to(run.device)
        noisy, time = training_pair(schedule, target, timestep, noise)
        return recipe.loss_scale * denoising_loss(model(noisy, time, batch.inputs), target)

    return run.fit(loss_of_step, recipe, people.per_epoch, loss_of=loss_of)


def prediction_of(model: Denoiser, batch: Batch) -> Predict:
    """The denoiser with the context of a batch, for maps (k*N, H, W) of all of its N people."""
    share = batch.share
    with share:
        context = model.context(batch.inputs)

    def predict(noisy: Tensor, time: Tensor) -> Tensor:
        with share:
            return share.whole(model.predict(share.of(noisy), share.of(time), context))

    return predict


@torch.no_grad()
def earlier_prediction(
    predict: Predict,
    schedule: Schedule,
    target: Tensor,
    timestep: Tensor,
    rng: torch.Generator,
) -> Tensor:
    """What the model predicts at an earlier visit, which a sampler of Eq. 3 noises anew at this one.

    Args:
        predict: the denoiser with the context of the N people.
        schedule: the noise schedule.
        target: (N, H, W) labels.
        timestep: (N,) int in 1..T of this visit; the earlier one is uniform between it and T.
        rng: source of the earlier time and noise.

    Returns:
        (N, H, W) float in [0, 1].
    """
    left = schedule.timesteps - timestep
    before = timestep + (torch.rand(len(target), generator=rng) * (left + 1)).long()
    noise = torch.randn(target.shape, generator=rng).to(target, non_blocking=True)
    noisy, time = training_pair(schedule, target, before, noise)
    return predict(noisy, time).clamp(0, 1)
