"""The loop that every training of this package runs, and the order in which people enter it.

A plain loop and no framework: the step, its order and its random numbers are functions of the step
number alone, which is what makes a stopped run end in the same bits; and importing a trainer would
cost every job longer than importing torch does.
"""

import csv
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from gcdr.base.compiler_later import compiler_later
from gcdr.base.errors import InputError
from gcdr.base.files import atomic
from gcdr.base.seeds import torch_rng
from gcdr.models.convlstm import ConvLSTM
from gcdr.models.precision import set_precision
from gcdr.training.ranks import ALONE, Ranks
from gcdr.training.recipes import Recipe
from gcdr.training.resume import Checkpoint

LOG_EVERY = 20
CHECKS = (
    20  # how often, at least, a long training is asked for its loss on people who are set aside
)
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
OPTIMISERS = {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam}


class RunningAverage(AveragedModel):
    """Torch's running average of weights and buffers, which lists them once and not at every step."""

    def update_parameters(self, model: nn.Module) -> None:
        """Take one step of the model in; it must be the same one every time."""
        if int(self.n_averaged) == 0:
            super().update_parameters(model)  # which copies it
            self._groups = None
            return
        if getattr(self, "_groups", None) is None:
            groups: dict[torch.dtype, tuple[list[Tensor], list[Tensor]]] = {}
            for mine, theirs in zip(_values(self.module), _values(model), strict=True):
                into, taken = groups.setdefault(mine.dtype, ([], []))
                into.append(mine.detach())
                taken.append(theirs.detach())
            self._groups = [*groups.values()]
        for into, taken in self._groups:
            self.multi_avg_fn(into, taken, self.n_averaged)
        self.n_averaged += 1


def _values(model: nn.Module) -> Iterator[Tensor]:
    return chain(model.parameters(), model.buffers())


def running_average(model: nn.Module, decay: float, warm_up: int = 0) -> AveragedModel:
    """The exponential running average of a model's weights and buffers.

    Args:
        model: the model; the average starts as a copy of it.
        decay: its decay.
        warm_up: with k the number of whole ``warm_up`` steps so far, the decay is at most
            1 - 1 / (k + 1), so the average copies the model at first (Mean Teacher).
    """

    def average(averaged: list[Tensor], current: list[Tensor], count: Tensor | int) -> None:
        least = 1 - 1 / (int(count) // warm_up + 1) if warm_up else decay
        get_ema_multi_avg_fn(min(decay, least))(averaged, current, count)

    return RunningAverage(model, multi_avg_fn=average, use_buffers=True)


@compiler_later()
def fit(
    model: nn.Module,
    loss_of_step: Callable[[int], Tensor],
    recipe: Recipe,
    log: Path,
    name: str,
    *,
    per_epoch: float = 1.0,
    average: AveragedModel | None = None,
    beside: Mapping[str, nn.Module] | None = None,
    held_out: Callable[[nn.Module], float] | None = None,
    checkpoint: Checkpoint | None = None,
    ranks: Ranks = ALONE,
) -> nn.Module:
    """Minimise a loss.

    Args:
        model: the module whose parameters are trained (those that require a gradient).
        loss_of_step: the loss of step 0, 1, ...; it must depend on nothing but the step, the model,
            ``average``, ``beside`` and torch's own random state.
        recipe: the optimisation, at a single rate.
        log: CSV of ``step,loss,lr``, the loss averaged since the line before, and with ``held_out`` of
            ``validation_loss`` in ``CHECKS`` of the lines or somewhat more, blank in the others.
        name: what is trained, for the progress bar and messages.
        per_epoch: steps in an epoch, where the recipe counts in epochs.
        average: a running average that the loss needs too (Mean Teacher); it is updated after every
            step, and the recipe's own one is not made.
        beside: what else the loss remembers from step to step, by name: its state goes with that of the run.
        held_out: the loss of a model, in eval mode, on people who are set aside; of the recipe's running
            average where it makes one. It decides nothing: no bit of the weights depends on it.
        checkpoint: where the state of a stopped run is kept; a run that finds one goes on from there
            and ends in the same bits.
        ranks: which of the processes this is that minimise it together; ``loss_of_step`` has the same value
            in all, and a gradient of this one's share. The first writes the log.

    Returns:
        the recipe's running average of the weights, or the trained model where there is none, in
        eval mode.

    Raises:
        InputError: the loss, or a weight in the end, is not finite; or a GPU is too small for a batch.
    """
    if recipe.learned == "in_time":
        learn_in_time(model)
    truncate_gradients(model, recipe.truncate)
    parameters = [p for p in model.parameters() if p.requires_grad]
    groups = by_rate(model)
    # All at once, which halves what the calls cost on a CPU, with the same bits. Not fused: torch 2 walks
    # memory there, and a gradient whose strides differ from its weight's (channels last beside contiguous,
    # as in VAT) then moves other elements, without a word.
    optimiser = OPTIMISERS[recipe.optimiser](
        groups, recipe.rate, weight_decay=recipe.weight_decay, foreach=True
    )
    own = average is None and recipe.ema is not None
    if own:
        average = running_average(model, recipe.ema)
    _train_mode(model)
    trained = [model] if average is None else [model, average.module]
    for one in trained:  # the average may take part in the loss
        set_precision(one, recipe.precision)
    if average is not None:
        _hold_alike(model, average.module)
    parts = {"model": model, "optimiser": optimiser, **(beside or {})}
    if average is not None:
        parts["average"] = average
    hold = getattr(model, "before_step", None)
    start, recent, lines = 0, [], [["step", "loss", "lr"]]
    unseen: list[Tensor] = []
    if held_out is not None:
        lines[0].append("validation_loss")
    if checkpoint is not None and (state := checkpoint.read(parts)) is not None:
        start, recent, lines = state["step"], state["recent"], state["lines"]
    ranks.check_alike(start)
    length = recipe.length(per_epoch)
    check_every = LOG_EVERY * max(1, length // (LOG_EVERY * CHECKS))
    steps, quiet = range(start, length), not ranks.first
    bar = tqdm(steps, name, length, initial=start, unit="step", mininterval=5, disable=quiet)
    with _enough_memory(name, recipe.batch):
        for step in bar:
            lr = recipe.rate * recipe.factor(step, per_epoch)
            for group in optimiser.param_groups:
                group["lr"] = lr * group["factor"]
            loss = loss_of_step(step)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            ranks.add_gradients(parameters)
            if hold is not None:
                hold()
            optimiser.step()
            if average is not None:
                average.update_parameters(model)
            unseen.append(loss.detach())
            logged = (step + 1) % LOG_EVERY == 0 or step + 1 == length
            saved = checkpoint is not None and ranks.any(checkpoint.due())
            # A GPU that is asked must be waited for.
            if logged or saved or loss.device.type == "cpu":
                recent += _finite_losses(unseen, step, name)
                unseen.clear()
            if logged:
                lines.append([f"{step + 1}", f"{np.mean(recent):.6g}", f"{lr:.4g}"])
                if held_out is not None:
                    due = (step + 1) % check_every == 0 or step + 1 == length
                    kept = average.module if own else model
                    lines[-1].append(f"{_asked(kept, held_out):.6g}" if due else "")
                bar.set_postfix(loss=f"{np.mean(recent):.4g}", refresh=False)
                recent.clear()
            if saved:
                checkpoint.write(parts, {"step": step + 1, "recent": recent, "lines": lines})
    for one in trained:
        set_precision(one, "fp32")
        _check_finite(one, f"{name}, after {length} steps")
    if ranks.first:
        with atomic(log) as temporary, temporary.open("w", newline="") as handle:
            csv.writer(handle).writerows(lines)
    return (average.module if own else model).eval()


@contextmanager
def _enough_memory(name: str, batch: int) -> Iterator[None]:
    """Say of a GPU that is full what helps: nothing is gained by trying the same again."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise InputError(
            f"{name}: found a GPU whose memory does not suffice for a batch of {batch}; expected a larger "
            f"one, or a smaller batch in the recipe, such as {max(batch // 2, 1)} (gcdr forecast says "
            "what fits)"
        ) from error


def by_rate(model: nn.Module) -> list[dict[str, Any]]:
    """The parameters that are trained in groups of one learning rate, see ``SeesPeople.rates``."""
    rates: dict[str, float] = getattr(model, "rates", {})
    groups: dict[float, list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            factor = next((rates[start] for start in rates if name.startswith(start)), 1.0)
            groups.setdefault(factor, []).append(parameter)
    return [{"params": held, "factor": factor} for factor, held in groups.items()]


def _finite_losses(losses: list[Tensor], last: int, name: str) -> list[float]:
    """The losses of the steps up to ``last``, counted from 0."""
    values = torch.stack(losses).tolist()
    for step, value in enumerate(values, last + 2 - len(values)):
        if not np.isfinite(value):
            raise InputError(f"{name}: the loss is {value} at step {step}")
    return values


def truncate_gradients(model: nn.Module, frames: int | None) -> None:
    """Let a model's memory of tracks go on without its gradient after so many frames; None: never.

    Raises:
        InputError: frames, of a model that has no memory of tracks.
    """
    memories = [part for part in model.modules() if isinstance(part, ConvLSTM)]
    if frames is not None and not memories:
        raise InputError(
            f"truncate: found {frames} for a {type(model).__name__}, which remembers nothing of tracks; "
            "expected null"
        )
    for memory in memories:
        memory.truncate = frames


def check_held(model: nn.Module, other: nn.Module, in_frame: bool) -> None:
    """Refuse to hold weights that nothing has started: what is learned would stand on noise for good.

    Args:
        model: with its first weights, of which ``learn_in_time`` will hold some.
        other: the same model, started alike but from another seed: what differs is random.
        in_frame: whether in or out of the frame is learned; else what serves that alone may be as it is.

    Raises:
        InputError: names what would be held at random.
    """
    drawn = dict(other.named_parameters())
    random = [
        name
        for name, value in model.named_parameters()
        if not name.startswith(getattr(model, "in_time", ()))
        and (in_frame or "inout" not in name)
        and not torch.equal(value, drawn[name])
    ]
    if random:
        more = f" and {len(random) - 3} more" if len(random) > 3 else ""
        raise InputError(
            f"learned: in_time would hold {', '.join(random[:3])}{more} at random values; expected first "
            "weights that have them (init of the entry in gaze.models, or diffusion.init), or learned: all"
        )


def learn_in_time(model: nn.Module) -> None:
    """Hold all weights but those of a model's memory and of what comes after it; batch norms are held too.

    Raises:
        InputError: the model follows no tracks.
    """
    names = getattr(model, "in_time", ())
    if not names:
        raise InputError(
            f"learned: found in_time for a {type(model).__name__}, which follows no tracks; expected all"
        )
    held = {
        id(parameter)
        for part in model.modules()
        if isinstance(part, NORMS)
        for parameter in part.parameters()
    }
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name.startswith(names) and id(parameter) not in held)


def _train_mode(model: nn.Module) -> None:
    """A batch norm that is not trained keeps its statistics too."""
    model.train()
    for part in model.modules():
        if isinstance(part, NORMS) and not any(p.requires_grad for p in part.parameters()):
            part.eval()


def _hold_alike(model: nn.Module, average: nn.Module) -> None:
    """The norms that a model holds are held in its average, which was copied before."""
    for part, same in zip(model.modules(), average.modules(), strict=True):
        if isinstance(part, NORMS) and not part.training:
            same.eval()


@torch.no_grad()
def _asked(model: nn.Module, held_out: Callable[[nn.Module], float]) -> float:
    """The loss of a model in eval mode; every part is left in the mode in which it was."""
    modes = {part: part.training for part in model.modules()}
    value = held_out(model.eval())
    for part, mode in modes.items():
        part.training = mode
    return value


def _check_finite(model: nn.Module, name: str) -> None:
    """No loss is computed after the last update, which may be the one that diverges."""
    for part, value in model.state_dict().items():
        if not torch.isfinite(value).all():
            raise InputError(f"{name}: {part} is not finite; expected a smaller learning rate")


def shuffled(ids: np.ndarray, count: int, seed: int, purpose: str) -> Callable[[int], np.ndarray]:
    """Batches of ``count`` from an endless sequence of shuffles of ``ids``.

    Args:
        ids: (N,) what is drawn from, N > 0.
        count: size of each batch; with 0 the batches are empty.
        seed: seed of the shuffles.
        purpose: which pool this is, so that two pools are shuffled apart.

    Returns:
        a function from the step to its batch (count,).
    """
    if count and not len(ids):
        raise InputError(f"{purpose}: no people to train on; expected at least one")

    @lru_cache(maxsize=2)
    def shuffle(epoch: int) -> np.ndarray:
        order = torch.randperm(len(ids), generator=torch_rng(seed, f"order {purpose}", epoch))
        return ids[order.numpy()]

    def batch(step: int) -> np.ndarray:
        first, last = step * count, (step + 1) * count
        epochs = range(first // max(1, len(ids)), -(-last // max(1, len(ids))))
        parts = [
            shuffle(epoch)[max(0, first - epoch * len(ids)) : last - epoch * len(ids)]
            for epoch in epochs
        ]
        return np.concatenate([ids[:0], *parts])

    return batch
