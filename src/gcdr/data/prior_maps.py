"""Grad-CAM maps of a prior store as every consumer sees them: resized, then stretched to [0, 1]."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from gcdr.data.hdf5 import Held
from gcdr.data.heatmaps import minmax, resize
from gcdr.data.lookup import places
from gcdr.data.stores import check_finite_maps, layer_place, open_prior, read_prior

LOOKED_AT = 64  # people whose maps are read together


class MapsOfPeople(Protocol):
    """Maps (N, G, G) float32 in [0, 1], from which those of some people (n,) are asked for."""

    def __getitem__(self, place: Any, /) -> np.ndarray: ...


def prior_maps(
    path: str | Path,
    people: str,
    sample_id: np.ndarray,
    layer: int,
    size: int,
    made_by: Mapping[str, Any] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Maps of one decoder layer.

    Args:
        path: prior store.
        people: digest of the people it must be of.
        sample_id: (N,) the people wanted.
        layer: decoder layer, counted from 1.
        size: side of the maps in cells.
        made_by: the settings that must have made the store, as far as they are known.

    Returns:
        maps (N, size, size) float32 in [0, 1], zeros where invalid, and ``valid`` (N,) bool.
    """
    store = read_prior(path, people, sample_id, layer, made_by)
    return _as_seen(store.heatmap, store.valid, size)


def _as_seen(heatmap: np.ndarray, valid: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    maps, peaked = minmax(resize(torch.from_numpy(heatmap), size))
    seen = peaked.numpy() & valid
    return np.where(seen[:, None, None], maps.numpy(), 0).astype(np.float32), seen


class HeldMaps:
    """The same maps of people as they are asked for, of an open store: memory holds no more of them.

    Args:
        held: the store.
        sample_id: (N,) the people.
        pick: place of the decoder layer among those of the store.
        size: side of the maps in cells.

    Raises:
        InputError: somebody is not in it.
    """

    def __init__(self, held: Held, sample_id: np.ndarray, pick: int, size: int) -> None:
        self._held, self._sample_id, self._pick, self._size = held, sample_id, pick, size
        self._place = places(held.columns["sample_id"], sample_id, held.path)

    def of(self, place: np.ndarray) -> "HeldMaps":
        """Those of some of the people, by their places (n,)."""
        return HeldMaps(self._held, self._sample_id[place], self._pick, self._size)

    def read(self, place: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Maps (n, size, size) of people, zeros where invalid, and ``valid`` (n,), as :func:`prior_maps`."""
        rows = self._place[place]
        heatmap = self._held.rows("heatmap", rows, self._pick).astype(np.float32, copy=False)
        valid = self._held.columns["valid"][rows]
        check_finite_maps(self._held.path, heatmap, valid, self._sample_id[place])
        return _as_seen(heatmap, valid, self._size)

    def __getitem__(self, place: np.ndarray) -> np.ndarray:
        return self.read(place)[0]


@contextmanager
def held_maps(
    path: str | Path,
    people: str,
    sample_id: np.ndarray,
    layer: int,
    size: int,
    made_by: Mapping[str, Any] | None = None,
) -> Iterator[HeldMaps]:
    """Maps of one decoder layer that are read as they are asked for, from a store that is open meanwhile.

    Arguments and errors as for :func:`prior_maps`.
    """
    with open_prior(path, people, made_by) as held:
        yield HeldMaps(held, sample_id, layer_place(held, layer), size)


def is_one_map(held: HeldMaps, count: int) -> tuple[bool, np.ndarray]:
    """Whether all of ``count`` people who have a map have the same one, and who has one (count,) bool.

    Maps are read until one differs; who has a map is known of those who were looked at alone.
    """
    first, mapped = None, np.zeros(count, bool)
    for start in range(0, count, LOOKED_AT):
        place = np.arange(start, min(start + LOOKED_AT, count))
        maps, valid = held.read(place)
        mapped[place] = valid
        seen = maps[valid]
        if len(seen):
            first = seen[0] if first is None else first
            if (seen != first).any():
                return False, mapped
    return True, mapped
