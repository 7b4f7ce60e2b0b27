"""Maps for labels, a block of people at a time; a block that is done is kept until the labels are whole.

Blocks are those in which a model computes anyway (:func:`gcdr.predictor.predictor.people_blocks`), and noise
is each person's own, so that a job which goes on after the last one ends in the same bits. What a model
of tracks remembers after it is kept with it.
"""

import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from gcdr.base.blocks import Blocks
from gcdr.base.errors import InputError
from gcdr.base.files import atomic
from gcdr.data.prior_maps import HeldMaps
from gcdr.data.stores import open_labels, read_labels, write_labels
from gcdr.data.tokens import Cache
from gcdr.models.denoiser import Denoiser
from gcdr.models.interface import GazeModel, TrackMemory
from gcdr.predictor.predictor import BLOCK, Predictor, blocks_of_people, people_blocks
from gcdr.refine.maps import Refined, Refinement, mapped_blocks, refined_blocks

LabelRows = Mapping[str, np.ndarray]
"""A block of a label store: ``sample_id``, ``heatmap``, ``valid`` and row-wise extras, (n, ...) each."""


class MadeMaps(NamedTuple):
    """Maps of a block of people.

    Attributes:
        place: (n,) who they are among all.
        maps: theirs.
        memory: what is remembered of tracks after them; None of a model of single pictures.
    """

    place: np.ndarray
    maps: Refined
    memory: TrackMemory | None


@dataclass(frozen=True)
class MapMaking:
    """Who gets maps, and how.

    Attributes:
        cache: the picture cache.
        ids: (N,) the people, ascending.
        prior: their prior maps; None where nothing is made of these.
        model: a gaze model, a diffusion model, or a mapping; None takes the prior maps themselves.
        parts: which of the people (n,) are refined how; None by anything but diffusion.
        device: where to compute.
    """

    cache: Cache
    ids: np.ndarray
    prior: HeldMaps | None
    model: GazeModel | Denoiser | None
    parts: list[tuple[Refinement | None, np.ndarray]]
    device: torch.device

    @cached_property
    def begins(self) -> list[int]:
        """Number of the first block of each part, and the number of all blocks."""
        return [0, *accumulate(self._count(rows) for _, rows in self.parts)]

    @property
    def remembers(self) -> bool:
        """Whether a block needs what the one before it left."""
        model, tracks = self.model, self.cache.tracks
        return model is not None and tracks is not None and model.needs.tracks

    def _count(self, rows: np.ndarray) -> int:
        if self.model is None:
            return -(-len(rows) // BLOCK)
        return len(blocks_of_people(self.model, self.cache, self.cache.rows(self.ids[rows])))

    def made(self, first: int = 0, memory: TrackMemory | None = None) -> Iterator[MadeMaps]:
        """Maps from a block on.

        Args:
            first: its number.
            memory: what was left by the block before it, unless a part begins there.
        """
        for begin, (refinement, rows) in zip(self.begins, self.parts, strict=False):
            start = max(0, first - begin)
            if start < self._count(rows):
                before = memory if start else None
                for place, maps, after in self._of_part(refinement, rows, start, before):
                    yield MadeMaps(rows[place], maps, after)

    def _of_part(
        self,
        refinement: Refinement | None,
        rows: np.ndarray,
        first: int,
        memory: TrackMemory | None,
    ) -> Iterator[MadeMaps]:
        model, ids = self.model, self.ids[rows]
        prior = None if self.prior is None else self.prior.of(rows)
        whose = (self.cache, ids)
        if isinstance(model, GazeModel):
            predictor = Predictor(model, self.device)
            blocks = people_blocks(predictor.model, *whose, self.device, prior, first=first)
            for place, output in predictor.outputs(blocks, memory):
                yield MadeMaps(place, Refined(output.heatmap.cpu(), None), output.memory)
        elif model is not None and refinement is not None:
            refined = refined_blocks(model, *whose, prior, [refinement], self.device, first, memory)
            for place, (maps,), after in refined:
                yield MadeMaps(place, maps, after)
        elif prior is None:
            raise InputError("labels out of prior maps: found no prior store, expected one")
        elif model is not None:
            for place, mapped in mapped_blocks(model, *whose, prior, self.device, first):
                yield MadeMaps(place, Refined(mapped, None), None)
        else:
            for start in range(first * BLOCK, len(rows), BLOCK):
                place = np.arange(start, min(start + BLOCK, len(rows)))
                yield MadeMaps(place, Refined(torch.from_numpy(prior[place]), None), None)


@dataclass(frozen=True)
class LabelBlocks:
    """The labels of blocks that are done, in a hidden folder beside the label store.

    Attributes:
        blocks: their files, each a label store.
        people: digest of the people.
        made_by: of the label store.
    """

    blocks: Blocks
    people: str
    made_by: Mapping[str, Any]

    @classmethod
    def of(
        cls, out: Path, count: int, key: str, people: str, made_by: Mapping[str, Any]
    ) -> "LabelBlocks":
        """Those of ``count`` blocks of a label store; ``key`` is of :func:`gcdr.base.blocks.work_key`."""
        return cls(Blocks.of(out, range(count), 1, key, ()), people, made_by)

    def all(
        self, making: MapMaking, labels: Callable[[MadeMaps], LabelRows]
    ) -> Iterator[LabelRows]:
        """Make the blocks that are left, and read all.

        Args:
            making: how maps are made.
            labels: what makes labels of a block's maps.
        """
        parts = self.blocks.parts
        first, memory = self._begun(making)
        for number, made in enumerate(making.made(first, memory), first):
            if making.remembers:
                self._keep(number, made.memory)
            columns = dict(labels(made))
            whose = [columns.pop(name) for name in ("sample_id", "heatmap", "valid")]
            write_labels(parts[number], *whose, columns, people=self.people, made_by=self.made_by)
            self._memory(number - 1).unlink(missing_ok=True)
        for part in parts.values():
            store = read_labels(part, self.people)
            rows = {"sample_id": store.sample_id, "heatmap": store.heatmap, "valid": store.valid}
            yield {**rows, **store.columns}

    def _begun(self, making: MapMaking) -> tuple[int, TrackMemory | None]:
        """The first block that is to be made, and what was remembered before it."""
        left = self.blocks.left(self._whole)
        first = left[0] if left else len(self.blocks.parts)
        if not making.remembers or first in making.begins:
            return first, None
        try:
            with np.load(self._memory(first - 1)) as held:
                tensors = {
                    name: torch.from_numpy(held[name]).to(making.device) for name in held.files
                }
            return first, TrackMemory(tensors.pop("track"), tensors) if tensors else None
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            print(f"{self._memory(first - 1)}: cannot be read, so its tracks begin again ({error})")
            return max(begin for begin in making.begins if begin < first), None

    def _whole(self, part: Path) -> bool:
        try:
            with open_labels(part, self.people, None, None):
                return True
        except InputError:
            return False

    def _memory(self, number: int) -> Path:
        return next(iter(self.blocks.parts.values())).with_name(f"{number:09d}.memory.npz")

    def _keep(self, number: int, memory: TrackMemory | None) -> None:
        tensors = {} if memory is None else {"track": memory.track, **memory.tensors}
        with atomic(self._memory(number)) as temporary, temporary.open("wb") as file:
            np.savez(file, **{name: value.cpu().numpy() for name, value in tensors.items()})
