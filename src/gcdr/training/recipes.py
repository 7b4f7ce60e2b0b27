"""How each kind of model is trained, as settings that travel as JSON. No torch: planning reads them."""

import math
from dataclasses import dataclass, replace
from typing import Literal

from gcdr.base.errors import InputError
from gcdr.base.jsonconfig import JsonConfig
from gcdr.base.plain import JsonTable
from gcdr.models.description import GazeModelSettings
from gcdr.refine.options import RefineSettings, SamplerSettings

SHARPNESS = 5.0  # of Mean Teacher's ramp-up (Laine & Aila 2017)


@dataclass(frozen=True)
class Recipe(JsonConfig):
    """How a model is trained.

    Attributes:
        steps: optimiser steps; None where ``epochs`` says how long.
        batch: people in a batch.
        lr: peak learning rate, or several, of which the training's loss chooses (:mod:`gcdr.training.rates`).
        weight_decay: decoupled for AdamW, added to the gradient for Adam.
        ema: decay of the running average of the weights that is kept in the end; None keeps the
            last weights.
        horizon: step at which the cosine would reach 0; training may stop before. None: the last.
        epochs: passes over the training people, in place of ``steps``.
        optimiser: AdamW, or Adam (paper's code).
        schedule: "cosine", linear warm-up over 5 % of the horizon and then a half cosine, "constant"
            (paper), or "warm_cosine", from 0 over ``warm_up`` epochs and then a half cosine to the end
            (semantic gaze paper).
        warm_up: epochs until the peak, for "warm_cosine".
        decay_at: epochs at which the learning rate is multiplied by ``decay``.
        decay: that factor.
        loss_scale: factor of the squared error of heatmaps (10,000 in the paper's code).
        precision: "bf16" computes products in half precision; weights stay float32.
        frames: of a clip, which a model that follows tracks learns from together; it remembers nothing of
            the frames before, and gradients go through all of it unless ``truncate`` says how far.
        truncate: frames after which a clip's memory goes on without its gradient; None: never. Not
            mentioned in JSON then.
        learned: "all" weights, or those "in_time": of a model that follows tracks its memory and what comes
            after it, with all batch norms as they are (VAT's released recipe for video).
    """

    steps: int | None
    batch: int
    lr: float | tuple[float, ...]
    weight_decay: float = 1e-4
    ema: float | None = 0.99
    horizon: int | None = None
    epochs: int | None = None
    optimiser: Literal["adamw", "adam"] = "adamw"
    schedule: Literal["cosine", "constant", "warm_cosine"] = "cosine"
    warm_up: float = 0.0
    decay_at: tuple[int, ...] = ()
    decay: float = 0.2
    loss_scale: float = 1.0
    precision: Literal["fp32", "bf16"] = "fp32"
    frames: int = 8
    truncate: int | None = None
    learned: Literal["all", "in_time"] = "all"

    def __post_init__(self) -> None:
        if (self.steps is None) == (self.epochs is None):
            raise InputError(
                f"found steps {self.steps} and epochs {self.epochs}, expected exactly one of them"
            )

    def to_json(self) -> JsonTable:
        """A whole gradient is not mentioned: what was made before there was another says nothing of it."""
        content = super().to_json()
        return {k: v for k, v in content.items() if k != "truncate" or v is not None}

    @property
    def rates(self) -> tuple[float, ...]:
        """The peak learning rates to train at, in most recipes one."""
        return self.lr if isinstance(self.lr, tuple) else (self.lr,)

    @property
    def rate(self) -> float:
        """The peak learning rate of a single training."""
        (rate,) = self.rates
        return rate

    def length(self, per_epoch: float) -> int:
        """Optimiser steps of the whole training, at ``per_epoch`` steps in an epoch."""
        if self.epochs is None:
            assert self.steps is not None  # one of the two is given
            return self.steps
        return max(1, round(self.epochs * per_epoch))

    def factor(self, step: int, per_epoch: float) -> float:
        """What the learning rate is multiplied by at a step, counted from 0."""
        factor = 1.0
        if self.schedule == "cosine":
            horizon = self.horizon or self.length(per_epoch)
            warm = max(1, horizon // 20)
            factor = min((step + 1) / warm, 0.5 * (1 + math.cos(math.pi * min(1, step / horizon))))
        elif self.schedule == "warm_cosine":
            rise, last = self.warm_up * per_epoch, self.horizon or self.length(per_epoch)
            done = min(1.0, (step - rise) / max(1, last - rise))
            factor = step / rise if step < rise else 0.5 * (1 + math.cos(math.pi * done))
        passed = sum(step >= round(epoch * per_epoch) for epoch in self.decay_at)
        return float(factor) * self.decay**passed


@dataclass(frozen=True)
class DiffusionRecipe(Recipe):
    """How a denoiser is trained.

    Attributes:
        draws: noise draws made of every person in a batch; their context is computed once, which makes
            further draws cheap.
        own: share of the steps in which the model's own earlier prediction is noised in place of the label,
            as a sampler's later visits do.
    """

    draws: int = 1
    own: float = 0.0


@dataclass(frozen=True)
class SemanticTraining(JsonConfig):
    """What a model that also says what is looked at learns beside its maps.

    Attributes:
        missing: "none", a labelled person without a name counts for no name; "reference", for a class of
            its own that lies at zero (released code).
        least: least confidence of a name that a VQA model's answer or a detector gave.
    """

    missing: Literal["none", "reference"] = "none"
    least: float = 0.5


@dataclass(frozen=True)
class GazeTraining(JsonConfig):
    """How a gaze model is trained.

    Attributes:
        model: which.
        recipe: the optimisation. A teacher fills its batches with labelled people.
        sigma: standard deviation of a label's Gaussian in cells.
        labelled_per_batch: a student's labelled people in a batch (the paper: 20 of 80); None mixes all.
        layer: decoder layer of the prior maps, for a model that sees them.
        in_frame: weight of the loss of :func:`in_frame_loss`; None leaves it out.
        in_frame_rate: what the learning rate of the in/out head is multiplied by (5 in VAT's video recipe).
        out_of_frame: whether labelled people who look out of the frame count with an empty heatmap, as in
            the released code's supervised models (``split.out_of_frame: reference``).
        semantics: directions and names that are learned too; None for maps alone.
        keep: share of the pseudo-labels that a student learns from, the surest ones.
    """

    model: GazeModelSettings
    recipe: Recipe
    sigma: float
    labelled_per_batch: int | None = None
    layer: int = 1
    in_frame: float | None = None
    in_frame_rate: float = 1.0
    out_of_frame: bool = False
    semantics: SemanticTraining | None = None
    keep: float = 1.0


@dataclass(frozen=True)
class TokenTraining(JsonConfig):
    """How a student of a teacher's tokens is trained, without any label.

    Attributes:
        model: the student.
        teacher: whose tokens it learns.
        recipe: the optimisation.
    """

    model: GazeModelSettings
    teacher: GazeModelSettings
    recipe: Recipe


@dataclass(frozen=True)
class NetworkSettings(JsonConfig):
    """The denoiser's network.

    Attributes:
        size: "world" or "paper".
        sigma: standard deviation of a label's Gaussian in cells.
        head: "plain" or "mass", see :class:`gcdr.models.sizes.DenoiserConfig`.
        features: "towers", or "none" for a network that does not see the picture.
        tracks: whether it follows people along films, see :class:`gcdr.models.video_denoiser.VideoDenoiser`.
        depth: whether its towers also see the depth of the picture (paper, S9).
    """

    size: Literal["world", "paper"]
    sigma: float
    head: Literal["plain", "mass"] = "plain"
    features: Literal["towers", "none"] = "towers"
    tracks: bool = False
    depth: bool = False


@dataclass(frozen=True)
class Fold(JsonConfig):
    """Which labelled people a model does not learn from, see :func:`gcdr.data.folds.labelled_folds`.

    Attributes:
        held_out: the fold that is held out, counted from 0.
        folds: how many there are.
    """

    held_out: int
    folds: int


@dataclass(frozen=True)
class DenoiserTraining(JsonConfig):
    """How the diffusion teacher is trained.

    Attributes:
        network: its network.
        timesteps, schedule: the noise, see :class:`gcdr.refine.diffusion.Schedule`.
        recipe: the optimisation.
        fold: labelled people that it does not learn from; None learns from all.
    """

    network: NetworkSettings
    timesteps: int
    recipe: DiffusionRecipe
    schedule: Literal["linear", "cosine"] = "linear"
    fold: Fold | None = None

    def without_fold(self, held_out: int, folds: int) -> "DenoiserTraining":
        """The same training on the labelled people of all folds but one (counted from 0).

        It takes as many steps, so that what it says of the timesteps is of a model as far trained: how small
        a timestep may be depends on that more than on how many labels there were (docs/method.md).
        """
        recipe, more = self.recipe, folds / (folds - 1)
        if recipe.epochs is not None:
            decay_at = tuple(round(epoch * more) for epoch in recipe.decay_at)
            recipe = replace(recipe, epochs=round(recipe.epochs * more), decay_at=decay_at)
        return replace(self, fold=Fold(held_out, folds), recipe=recipe)


@dataclass(frozen=True)
class MappingTraining(JsonConfig):
    """How a direct mapping is trained.

    Attributes:
        network: its network; the paper does not say whether it sees the picture (``features``).
        recipe: the optimisation.
        layer: decoder layer of the prior maps.
    """

    network: NetworkSettings
    recipe: Recipe
    layer: int = 1


@dataclass(frozen=True)
class Consistency(JsonConfig):
    """How a model is held to other predictions of the same people.

    Attributes:
        consistency: weight of the consistency loss after the ramp-up.
        labelled_per_batch: labelled people in a batch.
        ramp_up: epochs until then; 0 for none.
        distance: "kl", of the softmax over cells, or "mse".
    """

    consistency: float
    labelled_per_batch: int
    ramp_up: int = 5
    distance: Literal["kl", "mse"] = "kl"

    def weight(self, step: int, per_epoch: float) -> float:
        """Weight of the consistency loss at a step: it grows from epoch to epoch."""
        if not self.ramp_up:
            return self.consistency
        done = min(int(step / per_epoch), self.ramp_up) / self.ramp_up
        return self.consistency * math.exp(-SHARPNESS * (1 - done) ** 2)


@dataclass(frozen=True)
class MeanTeacher(Consistency):
    """How student and teacher are held together.

    Attributes:
        decay: decay of the teacher's weights.
        warm_up: steps after each of which that decay grows towards its value.
        keep: which of the two is the result: the "student" (released code) or the "ema" teacher.
        steps: sampling steps of a diffusion teacher.
    """

    decay: float = 0.99
    warm_up: int = 15
    keep: Literal["student", "ema"] = "student"
    steps: int = 10


@dataclass(frozen=True, kw_only=True)
class OneModel(Consistency):
    """How a gaze model learns from the unlabelled people without a second one.

    Attributes:
        strategy: how, see :mod:`gcdr.training.strategies`; ``consistency``, ``ramp_up`` and ``distance`` are
            of Π-Model and Temporal Ensembling.
        ensemble_decay: decay of Temporal Ensembling's average of predictions.
        pseudo_weight: weight of the loss on predictions that are taken for labels, by FixMatch and FreeMatch,
            beside that on labels.
        threshold: confidence above which FixMatch takes one.
        threshold_decay: decay of the running mean confidence above which FreeMatch does.
    """

    strategy: Literal["pi-model", "temporal-ensembling", "fixmatch", "freematch"]
    ensemble_decay: float = 0.6
    pseudo_weight: float = 1.0
    threshold: float = 0.5
    threshold_decay: float = 0.99


@dataclass(frozen=True)
class GazeConsistency(JsonConfig):
    """How a gaze model is trained on labels and on the unlabelled people's pictures.

    Attributes:
        model: which.
        recipe: the optimisation.
        unlabelled: what it does with them.
        sigma: standard deviation of a label's Gaussian in cells.
    """

    model: GazeModelSettings
    recipe: Recipe
    unlabelled: MeanTeacher | OneModel
    sigma: float


@dataclass(frozen=True)
class DiffusionConsistency(JsonConfig):
    """How a diffusion model and its running average are trained.

    Attributes:
        network: the network.
        recipe: the optimisation.
        unlabelled: how the two are held together.
        sampling: noise, and the sampler of the average.
    """

    network: NetworkSettings
    recipe: Recipe
    unlabelled: MeanTeacher
    sampling: SamplerSettings

    @property
    def sigma(self) -> float:
        """Standard deviation of a label's Gaussian in cells."""
        return self.network.sigma


CONSISTENCY: dict[str, type[GazeConsistency] | type[DiffusionConsistency]] = {
    "gaze": GazeConsistency,
    "diffusion": DiffusionConsistency,
}


@dataclass(frozen=True)
class OnlineTraining(JsonConfig):
    """How such a student is trained.

    Attributes:
        student: as any student.
        refine: how the maps of a batch are refined.
    """

    student: GazeTraining
    refine: RefineSettings
