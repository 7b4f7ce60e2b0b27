"""One training run: what its parts share, from the picture cache to the model's folder."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from gcdr.base.errors import InputError
from gcdr.base.jsonconfig import JsonConfig
from gcdr.base.tensors import each_tensor
from gcdr.data.originals import Originals
from gcdr.data.scratch import near
from gcdr.data.shown import check_split, of_labelled, read_shown, split_identity
from gcdr.data.tokens import Cache, open_cache
from gcdr.models.build import backbone_card, describe, save_model
from gcdr.models.interface import SeesPeople
from gcdr.training.ahead import ahead
from gcdr.training.batches import (
    Batch,
    Clips,
    Composition,
    Drawn,
    ViewKind,
    batches_of,
    compose,
    draw_batch,
    plain_batches,
)
from gcdr.training.loop import Recipe, fit
from gcdr.training.ranks import ALONE, Ranks, joined, ranks_of
from gcdr.training.rates import at_best_rate
from gcdr.training.resume import Checkpoint, resumable
from gcdr.training.targets import Targets, validation_targets


@dataclass(frozen=True)
class Run:
    """A training run.

    Attributes:
        kind: what is trained, for messages, and for random views of its own.
        model: the initialised model, on the device.
        samples: the picture cache, or that of the tokens of the model's backbone.
        originals: larger pictures of the labelled people, which tokens have no use for.
        settings: kept in the model's card.
        sigma: standard deviation of a label's Gaussian in cells.
        seed: seed of order, augmentation and noise.
        device: where to compute.
        out: folder of the model; the loss goes to ``log.csv`` in it.
        checkpoint: where the state of a stopped run is kept.
        validation: the people set aside, whose loss is logged and decides nothing; None: there are none.
        split: which label split it learns from, see :func:`gcdr.data.shown.split_identity`.
        ranks: which of the processes this is.
    """

    kind: str
    model: SeesPeople
    samples: Cache
    originals: Originals
    settings: JsonConfig
    sigma: float
    seed: int
    device: torch.device
    out: Path
    checkpoint: Checkpoint
    split: Mapping[str, Any]
    validation: Targets | None = None
    ranks: Ranks = ALONE

    def batches(
        self,
        targets: Targets,
        people: Composition,
        *,
        priors: Targets | None = None,
        views: Sequence[ViewKind] = ("random",),
        named: Callable[[np.ndarray], np.ndarray] | None = None,
    ) -> Callable[[int], list[Batch]]:
        """From a step to its people in their views, see :func:`gcdr.training.batches.draw_batch`.

        The next step's are drawn and read while this one is computed.
        """

        def drawn(step: int) -> Drawn:
            ids, clip = people.ids(step), None if people.clip is None else people.clip(step)
            found = draw_batch(
                self.samples,
                self.originals,
                targets,
                ids,
                priors=priors,
                rng=(self.seed, f"augment {self.kind}", step),
                views=views,
                clip=clip,
                own=self.ranks.rows(len(ids), clip),
                named=named,
                padding=self.model.head_padding,
            )
            # Copies from pinned memory do not wait for the device.
            return each_tensor(found, Tensor.pin_memory) if self.device.type == "cuda" else found

        taken = ahead(drawn)
        return lambda step: batches_of(taken(step), self.model, self.sigma, self.device)

    def compose(
        self,
        labelled: Targets,
        others: Targets | None,
        recipe: Recipe,
        labelled_per_batch: int | None = None,
    ) -> Composition:
        """Who is in the batches, see :func:`gcdr.training.batches.compose`.

        A model that follows tracks learns from clips of ``recipe.frames`` frames, where people are in films;
        of one that sees windows of frames, from as many whole windows as these hold.
        """
        tracks, clips = self.samples.tracks, None
        if self.model.needs.tracks and tracks is not None:
            window = self.model.window
            frames = max(window, recipe.frames // window * window)

            def cut(ids: np.ndarray) -> list[np.ndarray]:
                return [ids[part] for part in tracks.clips(self.samples.rows(ids), frames)]

            clips = Clips(cut, frames)
        people = compose(labelled, others, recipe.batch, labelled_per_batch, self.seed, clips)
        if people.pieces < self.ranks.count:
            what = "people" if clips is None else f"clips of {recipe.frames} frames"
            raise InputError(
                f"processes: found {self.ranks.count}, expected at most {people.pieces}: a batch has "
                f"{people.pieces} {what}"
            )
        return people

    def fit(
        self,
        loss_of_step: Callable[[int], Tensor],
        recipe: Recipe,
        per_epoch: float,
        average: AveragedModel | None = None,
        *,
        priors: Targets | None = None,
        loss_of: Callable[[Any, Batch], Tensor] | None = None,
        beside: Mapping[str, nn.Module] | None = None,
    ) -> nn.Module:
        """Train the model, see :func:`gcdr.training.loop.fit`; of several rates the best is kept.

        Args:
            loss_of_step, recipe, per_epoch, average: as there.
            priors: prior maps of the people set aside too, for a model that needs them.
            loss_of: (model, batch) -> its loss on labelled people as they are, a mean over them; None of a
                training that looks at no labels, and logs no such loss.
            beside: as there.
        """

        ask = None if self.validation is None else loss_of

        def held_out(model: nn.Module) -> float:
            assert ask is not None  # else it is not called
            batches = plain_batches(
                self.samples,
                self.validation,
                priors=priors,
                model=model,
                sigma=self.sigma,
                device=self.device,
            )
            losses = [(ask(model, batch).item(), len(batch.target)) for batch in batches]
            values, people = np.transpose(losses)
            return float(np.average(values, weights=people))

        def at_rate(recipe: Recipe, log: Path, checkpoint: Checkpoint) -> nn.Module:
            return fit(
                self.model,
                loss_of_step,
                recipe,
                log,
                f"{self.kind} model",
                per_epoch=per_epoch,
                average=average,
                beside=beside,
                held_out=None if ask is None else held_out,
                checkpoint=checkpoint,
                ranks=self.ranks,
            )

        log = self.out / "log.csv"
        if len(recipe.rates) == 1:
            return at_rate(recipe, log, self.checkpoint)
        return at_best_rate(self.model, recipe, log, self.checkpoint, at_rate)

    def save(
        self,
        trained: SeesPeople,
        backbone: str | None = None,
        names: Mapping[str, Any] | None = None,
        **people: Targets | None,
    ) -> None:
        """Write the trained model; its card counts the people it learned from, by sort.

        Where in or out of the frame is learned, it also says how many of them look out; and of a frozen
        backbone, which file it is; and of names, in which text tower's space they were learned (``names``).
        """
        if not self.ranks.first:
            return
        present = {sort: kind for sort, kind in people.items() if kind is not None}
        counts = {sort: len(kind.sample_id) for sort, kind in present.items()}
        in_frame = [kind.in_frame for kind in present.values() if kind.in_frame is not None]
        if in_frame:
            counts["out_of_frame"] = int((np.concatenate(in_frame) == 0).sum())
        about = {"settings": self.settings.to_json(), "seed": self.seed, "people": counts}
        split = of_labelled(self.split) if set(present) == {"labelled"} else dict(self.split)
        about |= {"split": split, "pictures": self.samples.people}
        if backbone is not None:
            about["backbone"] = backbone_card(backbone)
        if names is not None:
            about["names"] = dict(names)
        save_model(self.out, trained, about)


@contextmanager
def training_run(
    kind: str,
    model: SeesPeople,
    samples: Path,
    originals: Path,
    labels: Path,
    settings: JsonConfig,
    sigma: float,
    seed: int,
    device: torch.device,
    out: Path,
    deciding: Sequence[Path | None],
) -> Iterator[Run]:
    """Open the picture cache and the state of a run; the state is removed when the block succeeds.

    A run that was stopped goes on from where it last kept its state (:mod:`gcdr.training.resume`).

    Args:
        samples: file of the picture cache.
        originals: file of the labelled people's larger pictures.
        labels: the label split, of the same people and seed.
        deciding: further files and folders that decide the result, the code among them (see
            :func:`gcdr.base.provenance.code_of`); None is skipped.
        kind, model, settings, sigma, seed, device, out: as in :class:`Run`; the model may be elsewhere still.

    Raises:
        InputError: the cache, the larger pictures or the split cannot be read, or they do not belong
            together.
    """
    cache = open_cache(near(samples))
    model.head_padding = cache.head_padding
    larger = Originals.open(near(originals), cache.people)
    read_shown(labels, cache.people)
    split = split_identity(labels)
    check_split(labels, split, {"seed": seed}, f"that of seed {seed}")
    ranks = ranks_of(os.environ)
    device = ranks.device(device)
    model = model.to(device, memory_format=torch.channels_last)
    decided = [describe(model), settings.to_json(), seed]
    read = [samples, originals, labels, *deciding]
    with joined(ranks, device), resumable(out, decided, read, ranks.first) as checkpoint:
        aside = validation_targets(labels, cache)
        how = (settings, sigma, seed, device, out, checkpoint, split, aside, ranks)
        yield Run(kind, model, cache, larger, *how)
