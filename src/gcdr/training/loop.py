"""The loop that every training of this package runs, and the order in which people enter it.

A plain loop and no framework: the step, its order and its random numbers are functions of the step
number alone, and importing a trainer would cost every job longer than importing torch does.
"""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from gcdr.errors import InputError
from gcdr.files import atomic
from gcdr.models.config import JsonConfig
from gcdr.seeds import torch_rng

LOG_EVERY = 20


@dataclass(frozen=True)
class Recipe(JsonConfig):
    """How a model is trained.

    Attributes:
        steps: optimiser steps.
        batch: people in a batch.
        lr: peak learning rate of AdamW; linear warm-up over 5 % of the horizon, then a half cosine.
        horizon: step at which the cosine would reach 0; training may stop before. None: ``steps``.
        weight_decay: decoupled weight decay.
        ema: decay of the running average of the weights that is kept in the end.
    """

    steps: int
    batch: int
    lr: float
    weight_decay: float = 1e-4
    ema: float = 0.99
    horizon: int | None = None


def fit(
    model: nn.Module,
    loss_of_step: Callable[[int], Tensor],
    recipe: Recipe,
    log: Path,
    name: str,
) -> nn.Module:
    """Minimise a loss and return the running average of the weights, in eval mode.

    Args:
        model: the module whose parameters are trained (those that require a gradient).
        loss_of_step: the loss of step 0, 1, ...; it must depend on nothing but the step and the model.
        recipe: the optimisation.
        log: CSV of ``step,loss,lr``, the loss averaged since the line before.
        name: what is trained, for the progress bar and messages.

    Raises:
        InputError: the loss is not finite.
    """
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(parameters, recipe.lr, weight_decay=recipe.weight_decay)
    horizon = recipe.horizon or recipe.steps
    warm = max(1, horizon // 20)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser,
        lambda step: min((step + 1) / warm, 0.5 * (1 + np.cos(np.pi * min(1, step / horizon)))),
    )
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(recipe.ema), use_buffers=True)
    model.train()
    recent: list[float] = []
    with atomic(log) as temporary, temporary.open("w", newline="") as handle:
        lines = csv.writer(handle)
        lines.writerow(["step", "loss", "lr"])
        bar = tqdm(range(recipe.steps), name, unit="step", mininterval=5)
        for step in bar:
            loss = loss_of_step(step)
            value = loss.item()
            if not np.isfinite(value):
                raise InputError(f"{name}: the loss is {value} at step {step + 1}")
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            lr = optimiser.param_groups[0]["lr"]
            optimiser.step()
            schedule.step()
            average.update_parameters(model)
            recent.append(value)
            if (step + 1) % LOG_EVERY == 0 or step + 1 == recipe.steps:
                lines.writerow([step + 1, f"{np.mean(recent):.6g}", f"{lr:.4g}"])
                bar.set_postfix(loss=f"{np.mean(recent):.4g}", refresh=False)
                recent.clear()
    return average.module.eval()


def shuffled(ids: np.ndarray, count: int, seed: int, purpose: str) -> Iterator[np.ndarray]:
    """Batches of ``count`` from an endless sequence of shuffles of ``ids``.

    Args:
        ids: (N,) what is drawn from, N > 0.
        count: size of each batch; with 0 the batches are empty.
        seed: seed of the shuffles.
        purpose: which pool this is, so that two pools are shuffled apart.
    """
    if count and not len(ids):
        raise InputError(f"{purpose}: no people to train on; expected at least one")
    queue, epoch = np.empty(0, ids.dtype), 0
    while True:
        while len(queue) < count:
            order = torch.randperm(len(ids), generator=torch_rng(seed, f"order {purpose}", epoch))
            queue, epoch = np.concatenate([queue, ids[order.numpy()]]), epoch + 1
        yield queue[:count]
        queue = queue[count:]
