"""How long a model learns from a person on this machine, and which batch fits into its memory."""

import copy
import time
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor, nn

from gcdr.models.interface import SeesPeople
from gcdr.models.precision import set_precision
from gcdr.priors.inquiry import OUT_OF_MEMORY
from gcdr.training.recipes import Recipe

ENOUGH = 6.0  # seconds of measuring one thing
LARGE, FEW = 10**7, 4  # weights of a model of which so many people at a time are enough on a CPU
Timed = Callable[[], object]
T = TypeVar("T")


def learning_seconds(
    model: SeesPeople,
    recipe: Recipe,
    loss: Callable[[int], Callable[[], Tensor]],
    name: str,
    key: str,
    device: torch.device,
    too_large: list[str],
) -> float:
    """Seconds a person of a training step, of the batch or of as many as fit on the GPU.

    Args:
        model: what learns.
        recipe: how.
        loss: makes of a number of people what computes their loss.
        name: of the model, for what is told.
        key: of its recipe in the configuration.
        device: where.
        too_large: gets a line where the batch does not fit.
    """
    count = counted_together(model, recipe.batch, device)
    stepping = _prepared(model, recipe, loss)
    seconds, fits = _largest(lambda n: least_seconds(stepping(n), device), count)
    if fits < count:
        too_large.append(
            f"{name}: a batch of {count} is too large for the memory here; measured with {fits}: set "
            f"{key}.batch to that, and labelled_per_batch below it, in a further file of CONFIG, or take a "
            "larger GPU"
        )
    return seconds / fits


def try_batch(
    model: SeesPeople,
    recipe: Recipe,
    loss: Callable[[int], Callable[[], Tensor]],
    name: str,
    key: str,
    device: torch.device,
    too_large: list[str],
    twice: bool = False,
) -> None:
    """Take a step of another recipe's batch.

    Where memory is the machine's own, what a job asks for says whether it fits.

    Args:
        model, loss, name, key, device, too_large: as for :func:`learning_seconds`.
        recipe: whose batch.
        twice: whether a second model is there beside the one that learns, and is asked (Mean Teacher).
    """
    if device.type != "cuda":
        return
    stepping = _prepared(model, recipe, loss)
    held: nn.Module | None = copy.deepcopy(model) if twice else None

    def taken(count: int) -> None:
        if held is not None:
            with torch.no_grad():
                loss(count)()
        stepping(count)()

    _, fits = _largest(taken, recipe.batch)
    if fits < recipe.batch:
        too_large.append(
            f"{name}: a batch of {recipe.batch} is too large for the memory here; {fits} fit: set "
            f"{key}.batch to that in a further file of CONFIG, or take a larger GPU"
        )


def _prepared(
    model: SeesPeople, recipe: Recipe, loss: Callable[[int], Callable[[], Tensor]]
) -> Callable[[int], Timed]:
    """Steps of a model that learns, by the number of people."""
    model.to(memory_format=torch.channels_last).train()
    set_precision(model, recipe.precision)
    learned = model.stored_state()
    weights = [one for key, one in model.named_parameters() if key in learned]
    optimiser = torch.optim.Adam(weights, 1e-5)
    return lambda count: _step(optimiser, loss(count))


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
