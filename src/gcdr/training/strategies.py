"""What a model does with unlabelled people while it is trained on labels: one term of the loss a step.

Each strategy compares what the model says of a batch with something else that is said of the same people: by
the running average of its weights (Mean Teacher, Tarvainen & Valpola 2017), by itself in another view
(Π-Model), by itself before (Temporal Ensembling, both Laine & Aila 2017), or by itself in an easier view,
where it is sure (FixMatch, Sohn et al. 2020; FreeMatch, Wang et al. 2023, whose terms about classes have no
meaning for places). All views of a step share window and flip, so that maps agree cell by cell.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from gcdr.data.heatmaps import gaussians, peak_points
from gcdr.data.lookup import places
from gcdr.models.interface import GazeOutput, SeesPeople
from gcdr.refine.trust import blind_share, peak_share
from gcdr.training.batches import Batch, ViewKind
from gcdr.training.gaze import student_loss
from gcdr.training.loop import running_average
from gcdr.training.recipes import Consistency, MeanTeacher, OneModel, Recipe


@dataclass(frozen=True)
class Pair:
    """How models are asked about a batch of N people at a step.

    Attributes:
        student: (model, its view, step) -> outputs with a gradient.
        teacher: (model, its view, step) -> outputs that the student is held to.
    """

    student: Callable[[Any, Batch, int], GazeOutput]
    teacher: Callable[[Any, Batch, int], GazeOutput]


@dataclass(frozen=True)
class Seen:
    """A step, as a strategy sees it.

    Attributes:
        step: its number, counted from 0.
        sample_id: (N,) the people of the batch.
        batches: the batch, in a view for each of the strategy's views.
        predicted: what the model says of the first, with a gradient.
    """

    step: int
    sample_id: np.ndarray
    batches: list[Batch]
    predicted: GazeOutput


@dataclass(frozen=True)
class Trainee:
    """The training that a strategy is part of.

    Attributes:
        model: what is trained, in train mode.
        pair: how it is asked.
        recipe: its optimisation.
        sigma: standard deviation of a label's Gaussian in cells.
        unlabelled: (M,) ``sample_id`` of the people without a label, ascending.
        per_epoch: steps in a pass over them.
        device: where to compute.
    """

    model: SeesPeople
    pair: Pair
    recipe: Recipe
    sigma: float
    unlabelled: np.ndarray
    per_epoch: float
    device: torch.device


class Strategy(ABC):
    """What is done with the unlabelled people.

    Attributes:
        views: the views of each batch; the first is the one in which the model learns.
        average: the running average of the model's weights, if the loss needs one.
    """

    views: ClassVar[tuple[ViewKind, ...]] = ("random", "random")
    average: AveragedModel | None = None

    def __init__(self, trainee: Trainee, settings: Consistency) -> None:
        self.trainee, self.settings = trainee, settings

    @abstractmethod
    def loss(self, seen: Seen) -> Tensor:
        """What is added to the loss of labelled people, a scalar; of every step, in their order."""

    def memory(self) -> Mapping[str, nn.Module]:
        """What it remembers from step to step, beside ``average``."""
        return {}

    def result(self, trained: nn.Module) -> nn.Module:
        """The model that is the result of the training."""
        return trained

    def outcome(self) -> str:
        """A line for the log about how it went; empty for none."""
        return ""

    def _weighted(self, seen: Seen, distance: Tensor) -> Tensor:
        return self.settings.weight(seen.step, self.trainee.per_epoch) * distance

    def _apart(self, predicted: GazeOutput, held_to: GazeOutput) -> Tensor:
        """How far outputs are from others, of maps and of a further branch."""
        distance = self.settings.distance
        apart = consistency_loss(predicted.heatmap, held_to.heatmap, distance)
        branch = self.trainee.model.branch_distance(predicted, held_to, distance)
        return apart if branch is None else apart + branch


class RunningTeacher(Strategy):
    """Mean Teacher: everybody as the running average of the weights says it of another view.

    The teacher stays in train mode, so its batch statistics are those of its own view.
    """

    def __init__(self, trainee: Trainee, settings: MeanTeacher) -> None:
        super().__init__(trainee, settings)
        self.average = running_average(trainee.model, settings.decay, settings.warm_up)
        self.keep = settings.keep

    def loss(self, seen: Seen) -> Tensor:
        """See :class:`Strategy`."""
        with torch.no_grad():
            taught = self.trainee.pair.teacher(self.average.module, seen.batches[1], seen.step)
        return self._weighted(seen, self._apart(seen.predicted, taught))

    def result(self, trained: nn.Module) -> nn.Module:
        """The student or the average, as the settings say."""
        return trained if self.keep == "student" else self.average.module.eval()


class TwoViews(Strategy):
    """Π-Model: everybody as the model itself says it of another view; both get a gradient."""

    def loss(self, seen: Seen) -> Tensor:
        """See :class:`Strategy`."""
        again = self.trainee.pair.student(self.trainee.model, seen.batches[1], seen.step)
        return self._weighted(seen, self._apart(seen.predicted, again))


class Ensemble(nn.Module):
    """The running average of the maps that were predicted of each of M people; it is as large from the start.

    Args:
        people: M.
        size: side of the maps, G.
        decay: of the average.
        device: where it lies.

    Attributes:
        maps: (M, G, G) float16, averages that start at 0.
        count: (M,) int32, maps in each.
    """

    maps: Tensor
    count: Tensor

    def __init__(self, people: int, size: int, decay: float, device: torch.device) -> None:
        super().__init__()
        self.decay = decay
        half = torch.zeros(people, size, size, dtype=torch.float16, device=device)
        self.register_buffer("maps", half)
        self.register_buffer("count", torch.zeros(people, dtype=torch.int32, device=device))

    def average(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Averages (n, G, G) float32 of rows (n,), without their start at 0, and who has a map (n,) bool."""
        count = self.count[rows]
        weight = (1 - self.decay ** count.float()).where(count > 0, 1.0)
        return self.maps[rows].float() / weight[:, None, None], count > 0

    def add(self, rows: Tensor, maps: Tensor) -> None:
        """Take in maps (n, G, G) of rows (n,), each of which is there once."""
        before = self.decay * self.maps[rows].float()
        self.maps[rows] = (before + (1 - self.decay) * maps).half()
        self.count[rows] += 1


class EarlierPredictions(Strategy):
    """Temporal Ensembling: the unlabelled as the model said it of them in earlier passes, on average.

    Maps are remembered as of the whole image, of which the unlabelled are never cropped, and not flipped. Of
    a model with a further branch the maps alone are held. Who is seen for the first time adds nothing.
    """

    views: ClassVar[tuple[ViewKind, ...]] = ("random",)

    def __init__(self, trainee: Trainee, settings: OneModel) -> None:
        super().__init__(trainee, settings)
        people, size = len(trainee.unlabelled), trainee.model.map_size
        self.ensemble = Ensemble(people, size, settings.ensemble_decay, trainee.device)

    def loss(self, seen: Seen) -> Tensor:
        """See :class:`Strategy`."""
        (batch,) = seen.batches
        # Where one pass ends and the next begins, a person may be in a batch twice: the first time counts.
        ids, first = np.unique(seen.sample_id, return_index=True)
        hidden = np.isin(ids, self.trainee.unlabelled)
        chosen = torch.from_numpy(first[hidden]).to(self.trainee.device)
        found = places(self.trainee.unlabelled, ids[hidden], "the unlabelled people")
        rows = torch.from_numpy(found).to(self.trainee.device)
        predicted, flip = seen.predicted.heatmap[chosen], batch.flip[chosen]
        earlier, known = self.ensemble.average(rows)
        now = predicted.detach()
        self.ensemble.add(rows, _flipped(now, flip))
        held_to = torch.where(known[:, None, None], _flipped(earlier, flip), now)
        return self._weighted(seen, consistency_loss(predicted, held_to, self.settings.distance))

    def memory(self) -> Mapping[str, nn.Module]:
        """The averages."""
        return {"ensemble": self.ensemble}

    def outcome(self) -> str:
        """How often the average person was held to anything."""
        count = self.ensemble.count
        times = (count - 1).clamp_min(0).float().mean().item()
        return (
            f"temporal ensembling: an unlabelled person was held to earlier maps {times:.1f} times"
        )


class Limit(nn.Module):
    """The confidence above which predictions are taken for labels.

    Args:
        share: at the beginning.
        decay: of the running mean confidence that takes its place; None: it is fixed.
        device: where it lies.

    Attributes:
        share: () float64, of :func:`gcdr.refine.trust.peak_share`.
        asked, taken: () int64, predictions that were held to it, and those that were above.
    """

    share: Tensor
    asked: Tensor
    taken: Tensor

    def __init__(self, share: float, decay: float | None, device: torch.device) -> None:
        super().__init__()
        self.decay = decay
        self.register_buffer("share", torch.tensor(share, dtype=torch.float64, device=device))
        for name in ("asked", "taken"):
            self.register_buffer(name, torch.zeros((), dtype=torch.int64, device=device))

    def passed(self, confidence: Tensor) -> Tensor:
        """Which of the predictions of a step, of confidences (n,) in [0, 1], are above it (n,) bool.

        A running mean takes them in first; nothing is above 1.
        """
        if self.decay is not None and len(confidence):
            mean = confidence.double().mean()
            self.share.mul_(self.decay).add_((1 - self.decay) * mean)
        above = confidence > self.share
        self.asked += len(above)
        self.taken += above.sum()
        return above


class SureOnes(Strategy):
    """FixMatch and FreeMatch: a label's Gaussian where the model says that the unlabelled look, if sure.

    It says so of a weakly changed view, and learns it of a strongly changed one. The loss is a mean over all
    unlabelled people of a batch, to which those add nothing of whom it is not sure.
    """

    views: ClassVar[tuple[ViewKind, ...]] = ("strong", "weak")

    def __init__(self, trainee: Trainee, settings: OneModel) -> None:
        super().__init__(trainee, settings)
        self.pseudo_weight, self.name = settings.pseudo_weight, settings.strategy
        limit: tuple[float, float | None] = (settings.threshold, None)
        if settings.strategy == "freematch":  # which begins at what knowing nothing gives
            blind = blind_share(trainee.model.map_size, trainee.sigma)
            limit = (blind, settings.threshold_decay)
        self.limit = Limit(*limit, trainee.device)

    def loss(self, seen: Seen) -> Tensor:
        """See :class:`Strategy`."""
        strong, weak = seen.batches
        trainee = self.trainee
        with torch.no_grad():
            easy = trainee.pair.student(trainee.model, weak, seen.step).heatmap
            hidden = torch.nonzero(~strong.labelled)[:, 0]
            sure = hidden[self.limit.passed(peak_share(easy[hidden], trainee.sigma))]
            points = peak_points(easy[sure]).float()
            target = gaussians(points, trainee.model.map_size, trainee.sigma)
        of_sure = seen.predicted.people(sure)
        error = student_loss(trainee.model, of_sure, target, trainee.recipe.loss_scale)
        return self.pseudo_weight * error * (len(sure) / max(1, len(hidden)))

    def memory(self) -> Mapping[str, nn.Module]:
        """The limit."""
        return {"limit": self.limit}

    def outcome(self) -> str:
        """How many were sure enough."""
        asked, taken = self.limit.asked.item(), self.limit.taken.item()
        return (
            f"{self.name}: took {taken} of {asked} predictions ({taken / max(1, asked):.0%}) for labels; "
            f"in the end those above {self.limit.share.item():.3f}"
        )


STRATEGIES: dict[str, type[Strategy]] = {
    "pi-model": TwoViews,
    "temporal-ensembling": EarlierPredictions,
    "fixmatch": SureOnes,
    "freematch": SureOnes,
}


def strategy_of(trainee: Trainee, settings: MeanTeacher | OneModel) -> Strategy:
    """What settings say is done with the unlabelled people."""
    if isinstance(settings, MeanTeacher):
        return RunningTeacher(trainee, settings)
    return STRATEGIES[settings.strategy](trainee, settings)


def consistency_loss(student: Tensor, teacher: Tensor, distance: str) -> Tensor:
    """How far heatmaps (N, G, G) of the student are from the teacher's, averaged over people.

    "kl" takes each map for the logits of a distribution over its cells: KL(teacher || student).
    """
    if distance == "mse":
        return torch.mean((student - teacher) ** 2)
    of_student, of_teacher = student.flatten(1).log_softmax(1), teacher.flatten(1).log_softmax(1)
    return (of_teacher.exp() * (of_teacher - of_student)).sum(1).mean()


def _flipped(maps: Tensor, flip: Tensor) -> Tensor:
    """Maps (n, G, G), those of ``flip`` (n,) with left and right exchanged."""
    return torch.where(flip[:, None, None], maps.flip(-1), maps)
