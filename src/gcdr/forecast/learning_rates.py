"""How long a model learns from a person on this machine, and which batch fits into its memory."""

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from gcdr.models.interface import SeesPeople
from gcdr.models.precision import set_precision
from gcdr.priors.inquiry import OUT_OF_MEMORY
from gcdr.training.recipes import Recipe

ENOUGH = 6.0  # seconds of measuring one thing
LARGE, FEW = 10**7, 4  # weights of a model of which so many people at a time are enough on a CPU
Timed = Callable[[], object]
T = TypeVar("T")


@dataclass(frozen=True)
class Learner:
    """A model that is tried at learning.

    Attributes:
        model: what learns.
        name: its own, for what is told.
        loss: makes of a number of people what computes their loss.
        device: where.
        too_large: gets a line for each batch that does not fit.
    """

    model: SeesPeople
    name: str
    loss: Callable[[int], Callable[[], Tensor]]
    device: torch.device
    too_large: list[str]

    def seconds(self, recipe: Recipe, key: str) -> float:
        """Seconds a person of a training step, of a recipe's batch or of as many as fit on the GPU.

        Args:
            recipe: how it learns.
            key: of the recipe in the configuration.
        """
        count = counted_together(self.model, recipe.batch, self.device)
        stepping = self._stepping(recipe)
        seconds, fits = _largest(lambda n: least_seconds(stepping(n), self.device), count)
        self._say(self.name, key, count, fits)
        return seconds / fits

    def try_batch(self, recipe: Recipe, key: str, by: str, twice: bool = False) -> None:
        """Take a step of another recipe's batch.

        Where memory is the machine's own, what a job asks for says whether it fits.

        Args:
            recipe, key: as for :meth:`seconds`.
            by: what it learns by, for what is told.
            twice: whether a second model is in memory beside it, and is asked (Mean Teacher).
        """
        if self.device.type != "cuda":
            return
        stepping = self._stepping(recipe)
        beside = copy.deepcopy(self.model) if twice else None  # takes its room, no more

        def taken(count: int) -> None:
            if beside is not None:
                with torch.no_grad():
                    self.loss(count)()
            stepping(count)()

        _, fits = _largest(taken, recipe.batch)
        self._say(f"{self.name} by {by}", key, recipe.batch, fits)

    def _say(self, who: str, key: str, count: int, fits: int) -> None:
        if fits < count:
            self.too_large.append(
                f"{who}: a batch of {count} is too large for the memory here, {fits} fit: set {key}.batch to "
                "that, and labelled_per_batch below it, in a further file of CONFIG, or take a larger GPU"
            )

    def _stepping(self, recipe: Recipe) -> Callable[[int], Timed]:
        """Steps of the model, by the number of people."""
        self.model.to(memory_format=torch.channels_last).train()
        set_precision(self.model, recipe.precision)
        learned = self.model.stored_state()
        weights = [one for key, one in self.model.named_parameters() if key in learned]
        optimiser = torch.optim.Adam(weights, 1e-5)
        return lambda count: _step(optimiser, self.loss(count))


def _largest(work: Callable[[int], T], count: int) -> tuple[T, int]:
    """What the work gives with the most people that fit, and how many these are: halved until they do."""
    while True:
        try:
            return work(count), count
        except RuntimeError as error:
            if count == 1 or not OUT_OF_MEMORY.search(str(error)):
                raise
        count //= 2


def _step(optimiser: torch.optim.Optimizer, loss: Callable[[], Tensor]) -> Timed:
    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        loss().backward()
        optimiser.step()

    return step


def counted_together(model: SeesPeople, most: int, device: torch.device) -> int:
    """How many people are computed at once: a large model is no faster with more on a CPU."""
    large = sum(one.numel() for one in model.parameters()) > LARGE
    return min(most, FEW) if large and device.type == "cpu" else most


def least_seconds(work: Timed, device: torch.device) -> float:
    """Least seconds of a piece of work after one that warms up: CPU time, or of the GPU."""
    least, begun = float("inf"), time.monotonic()
    work()
    while least == float("inf") or time.monotonic() - begun < ENOUGH / 2:
        start = _now(device)
        work()
        least = min(least, _now(device) - start)
    return least


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        return time.perf_counter()
    return time.process_time()
