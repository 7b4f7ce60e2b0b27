"""The learning rate of a teacher, chosen among several by the loss of its own training (paper, S1)."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from gcdr.base.files import atomic
from gcdr.training.recipes import Recipe
from gcdr.training.resume import Checkpoint

LAST = 0.25  # of a log's lines, those over which losses are compared
WEIGHTS, LOG = "model.safetensors", "log.csv"

Fit = Callable[[Recipe, Path, Checkpoint], nn.Module]
"""(recipe of a single rate, where its log goes, where its state is kept) -> the trained model."""


def at_best_rate(
    model: nn.Module,
    recipe: Recipe,
    log: Path,
    checkpoint: Checkpoint,
    fit: Fit,
) -> nn.Module:
    """Train at each rate from the same first weights, and keep the model whose loss is smallest in the end.

    It is the loss on the people who are learned from: nobody is set aside for it, no hidden label is seen. A
    run that was stopped goes on at the rate that it was at.

    Args:
        model: with its first weights.
        recipe: the optimisation; its ``lr`` are the rates.
        log: log of the training that is kept; its column ``lr`` shows which that is.
        checkpoint: where the state of a stopped run is kept; what rates before gave lies beside it. A process
            that keeps none trains along and chooses nothing.
        fit: trains the model.

    Returns:
        the trained model, in eval mode.
    """
    first = {name: value.clone() for name, value in model.state_dict().items()}
    random, folder = torch.get_rng_state(), checkpoint.path.parent
    made = {rate: folder / f"at-{rate:g}" for rate in recipe.rates}
    for rate, done in made.items():
        if done.exists():
            continue
        model.load_state_dict(first)
        torch.set_rng_state(random)
        own = Checkpoint(folder / f"at-{rate:g}.pt", checkpoint.seconds, checkpoint.keeps)
        if not checkpoint.keeps:
            fit(replace(recipe, lr=rate), log, own)
            continue
        with atomic(done) as temporary:
            temporary.mkdir()
            trained = fit(replace(recipe, lr=rate), temporary / LOG, own)
            save_file(_contiguous(trained), temporary / WEIGHTS)
    if not checkpoint.keeps:
        return model.eval()
    losses = {rate: last_loss(done / LOG) for rate, done in made.items()}
    best = min(losses, key=losses.__getitem__)
    said = ", ".join(f"{loss:.4g} at {rate:g}" for rate, loss in losses.items())
    print(f"loss in the end: {said}; kept {best:g}", flush=True)
    model.load_state_dict(load_file(made[best] / WEIGHTS))
    with atomic(log) as temporary:
        shutil.copyfile(made[best] / LOG, temporary)
    return model.eval()


def last_loss(log: Path) -> float:
    """Mean loss of the last quarter of a log's lines, at least of the last one."""
    losses = pd.read_csv(log)["loss"].to_numpy()
    return float(np.mean(losses[-max(1, int(LAST * len(losses))) :]))


def _contiguous(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.cpu().contiguous() for name, value in model.state_dict().items()}
