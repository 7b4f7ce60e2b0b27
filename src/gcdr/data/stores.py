"""Prior stores and label stores: HDF5 files that are written whole and say whom they belong to.

A *prior store* holds raw maps on the VQA model's own grid, chunked by row, a *label store* heatmaps in
[0, 1], contiguous, so that training can map them into memory. Both are sorted by ``sample_id``, and carry a
format version, what made them, a digest of the people (never of labels) and checksums of their content
(:mod:`gcdr.data.hdf5`). Readers open with mode "r" (any other would move the time stamp), compare all of it,
and refuse a file that does not fit.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gcdr.base.errors import InputError
from gcdr.data.checksums import checksum_of, row_checksums
from gcdr.data.hdf5 import HDF5_TEXT, Held, new_hdf5, open_hdf5
from gcdr.data.lookup import places
from gcdr.data.made_by import check_made_by
from gcdr.data.sink import NewFile

VERSION = 2
PRIOR, LABEL = "gcdr prior store", "gcdr label store"
MAPS = ("heatmap",)
SUMS = checksum_of("heatmap")


@dataclass(frozen=True)
class Store:
    """A store read into memory, rows in the order that was asked for.

    Attributes:
        sample_id: (N,) int64.
        heatmap: (N, L, G, G) float32 for a prior store; for a label store (N, H, W) float32, or
            (N, K, H, W) where K draws of each person are kept.
        valid: (N,) bool.
        columns: every other row-wise field (``answer``, ``noun``, ``peak``, ...), (N,) each.
        attributes: the root attributes, ``made_by`` decoded.
    """

    sample_id: np.ndarray
    heatmap: np.ndarray
    valid: np.ndarray
    columns: dict[str, np.ndarray]
    attributes: dict[str, Any]

    @property
    def layers(self) -> list[int]:
        """Decoder layers of a prior store, counted from 1."""
        return [int(layer) for layer in self.attributes["layers"]]


def write_prior(
    path: str | Path,
    sample_id: np.ndarray,
    heatmap: np.ndarray,
    valid: np.ndarray,
    columns: Mapping[str, Sequence[Any] | np.ndarray],
    *,
    layers: Sequence[int],
    people: str,
    made_by: Mapping[str, Any],
) -> None:
    """Write a prior store (or a shard of one).

    Args:
        path: the file.
        sample_id: (N,) int64, ascending.
        heatmap: (N, L, G, G) float32, raw.
        valid: (N,) bool; false where no map could be made.
        columns: row-wise extras such as ``answer`` (text) and ``token_index``.
        layers: the L decoder layers, counted from 1.
        people: digest of the people, :func:`gcdr.data.manifest.people_digest`.
        made_by: the settings that made it.

    Raises:
        ValueError: ``sample_id`` do not ascend, or a valid map is not finite.
    """
    heatmap = heatmap.astype(np.float32, copy=False)  # GBs where all maps come at once
    block = {"sample_id": sample_id, "heatmap": heatmap, "valid": valid, **columns}
    write_prior_blocks(path, [block], layers=layers, people=people, made_by=made_by)


def write_labels(
    path: str | Path,
    sample_id: np.ndarray,
    heatmap: np.ndarray,
    valid: np.ndarray,
    columns: Mapping[str, np.ndarray],
    *,
    people: str,
    made_by: Mapping[str, Any],
) -> None:
    """Write a label store; the rest is as in a prior store.

    Args:
        path: the file.
        sample_id: (N,) int64, ascending.
        heatmap: (N, H, W), or (N, K, H, W) for K draws of each person, in [0, 1]; kept as float16.
        valid: (N,) bool; what is invalid may hold anything.
        columns: row-wise extras.
        people: digest of the people.
        made_by: the settings that made it.

    Raises:
        ValueError: a valid heatmap holds NaN or leaves [0, 1].
    """
    block = {"sample_id": sample_id, "heatmap": heatmap, "valid": valid, **columns}
    write_label_blocks(path, sample_id, [block], people=people, made_by=made_by)


def write_label_blocks(
    path: str | Path,
    sample_id: np.ndarray,
    blocks: Iterable[Mapping[str, Any]],
    *,
    people: str,
    made_by: Mapping[str, Any],
) -> None:
    """Write a label store whose maps come a block of people at a time, whoever is in which.

    Args:
        path: the file.
        sample_id: (N,) int64, ascending: everybody.
        blocks: each with ``sample_id``, ascending, ``heatmap``, ``valid`` and the same row-wise extras as
            in :func:`write_labels`; everybody is in one of them.
        people, made_by: see :func:`write_labels`.

    Raises:
        ValueError: a valid heatmap holds NaN or leaves [0, 1], or ids do not ascend or are not everybody's.
    """
    columns: dict[str, np.ndarray] = {}
    missing = np.ones(len(sample_id), bool)
    with new_store(path, LABEL, people, made_by) as file:
        for block in blocks:
            shown = block["heatmap"][block["valid"]]
            if shown.size and not (
                np.isfinite(shown).all() and shown.min() >= 0 and shown.max() <= 1
            ):
                raise ValueError("a heatmap leaves [0, 1]")
            arrays = _checked_block({**block, "heatmap": block["heatmap"].astype(np.float16)}, -1)
            maps, place = arrays.pop("heatmap"), places(sample_id, arrays["sample_id"], path)
            if not columns:
                whole = file.create_dataset(
                    "heatmap", (len(sample_id), *maps.shape[1:]), maps.dtype
                )
                columns = {name: np.empty(len(sample_id), a.dtype) for name, a in arrays.items()}
            runs = np.split(np.arange(len(place)), np.flatnonzero(np.diff(place) != 1) + 1)
            for run in runs if len(place) else []:
                whole[place[run[0]] : place[run[-1]] + 1] = maps[run]
                file.check()
            for name, array in arrays.items():
                columns[name][place] = array
            missing[place] = False
        if missing.any() or (np.diff(sample_id) <= 0).any():
            raise ValueError("sample_id must ascend, and everybody be in a block")
        for name, array in columns.items():
            append_rows(file, name, array)


@contextmanager
def new_store(
    path: str | Path,
    kind: str,
    people: str,
    made_by: Mapping[str, Any],
    **attributes: Any,
) -> Iterator[NewFile]:
    with new_hdf5(path, kind, VERSION, people, made_by, attributes, large=MAPS) as file:
        yield file


@contextmanager
def open_store(path: str | Path, kind: str, people: str | None = None) -> Iterator[Held]:
    with open_hdf5(path, kind, VERSION, MAPS, people, shards=kind == PRIOR) as held:
        columns = held.columns
        ids, valid = columns["sample_id"], columns.get("valid")
        for name, column in {**columns, **{name: held.file[name] for name in MAPS}}.items():
            if column.shape[:1] != ids.shape:
                raise InputError(f"{path}: {name!r} has shape {column.shape} for {len(ids)} people")
        if valid is None or valid.dtype != bool or held.file["heatmap"].dtype.kind != "f":
            raise InputError(f"{path}: expected 'valid' of bool and 'heatmap' of float")
        yield held


def append_rows(whole: NewFile, name: str, part: np.ndarray) -> None:
    """Rows of an array behind those that are there; text as a data set of text."""
    row = part.shape[1:]
    if name not in whole:
        chunks = (1, *row) if row else (1024,)
        dtype = HDF5_TEXT if part.dtype.kind in "OU" else part.dtype
        whole.create_dataset(name, (0, *row), dtype, maxshape=(None, *row), chunks=chunks)
    target = whole[name]
    start = len(target)
    target.resize(start + len(part), 0)
    target[start:] = part.astype(object) if part.dtype.kind == "U" else part
    whole.check()


def _checked_block(block: Mapping[str, Any], last: int) -> dict[str, np.ndarray]:
    """A block of people, whose ``sample_id`` come after ``last``, with the checksums of their maps."""
    arrays = {name: np.asarray(value) for name, value in block.items()}
    ids, valid, heatmap = arrays["sample_id"], arrays["valid"], arrays["heatmap"]
    if (np.diff(ids, prepend=last) <= 0).any():
        raise ValueError("sample_id must ascend, within blocks and from one to the next")
    for row in np.flatnonzero(valid):
        if not np.isfinite(heatmap[row]).all():
            raise ValueError(f"the map of sample_id {ids[row]} is valid and not finite")
    arrays[SUMS] = row_checksums(heatmap)
    for name, array in arrays.items():
        if len(array) != len(ids):
            raise ValueError(f"{name} has {len(array)} rows, sample_id has {len(ids)}")
    return arrays


def write_prior_blocks(
    path: str | Path,
    blocks: Iterable[Mapping[str, Any]],
    *,
    layers: Sequence[int],
    people: str,
    made_by: Mapping[str, Any],
) -> None:
    """Write a prior store whose maps come a block of people at a time; memory holds one block.

    Args:
        path: the file.
        blocks: at least one, each with ``sample_id``, ``heatmap``, ``valid`` and the same row-wise
            extras as in :func:`write_prior`.
        layers, people, made_by: see :func:`write_prior`.

    Raises:
        ValueError: the blocks' ``sample_id`` do not ascend, or a valid map is not finite.
    """
    with new_store(path, PRIOR, people, made_by, layers=np.asarray(layers, np.int64)) as whole:
        last = -1
        for block in blocks:
            arrays = _checked_block(block, last)
            for name, array in arrays.items():
                append_rows(whole, name, array)
            last = int(max(arrays["sample_id"], default=last))


def read_prior(
    path: str | Path,
    people: str,
    sample_id: np.ndarray,
    layer: int | None = None,
    made_by: Mapping[str, Any] | None = None,
) -> Store:
    """Rows of a prior store; with ``layer`` the heatmap is (N, G, G) of that decoder layer.

    Raises:
        InputError: not a prior store, damaged, another version, other people, other settings than
            ``made_by`` (:func:`check_made_by`), an id or a layer it lacks, or a valid map that is not finite.
    """
    with open_prior(path, people, made_by) as held:
        return _rows(held, sample_id, slice(None) if layer is None else layer_place(held, layer))


@contextmanager
def open_prior(path: str | Path, people: str, made_by: Mapping[str, Any] | None) -> Iterator[Held]:
    """A prior store, open; arguments and errors as for :func:`read_prior`."""
    with open_store(path, PRIOR, people) as held:
        check_made_by(path, held.attributes["made_by"], made_by)
        yield held


def layer_place(held: Held, layer: int) -> int:
    """Where a decoder layer stands among those of an open prior store.

    Raises:
        InputError: it holds others.
    """
    layers = held.attributes["layers"]
    if layer not in layers:
        raise InputError(f"{held.path}: decoder layer {layer} is not in it; it holds {layers}")
    return int(layers.index(layer))


def read_columns(path: str | Path) -> dict[str, np.ndarray]:
    """All of a prior store but its maps, (N,) each by name.

    Raises:
        InputError: not a prior store, damaged, or another version.
    """
    with open_store(path, PRIOR) as held:
        return held.columns


def read_labels(
    path: str | Path,
    people: str,
    sample_id: np.ndarray | None = None,
    split: str | None = None,
    made_by: Mapping[str, Any] | None = None,
) -> Store:
    """Rows of a label store (all rows without ``sample_id``).

    Args:
        path: the file.
        people: digest of the people that it must be of.
        sample_id: (N,) the people wanted.
        split: digest of the split that it must have been made under, where it names one.
        made_by: the settings that must have made it, as far as they are known (:func:`check_made_by`).

    Raises:
        InputError: not a label store, damaged, another version, other people, split or settings, an id it
            lacks, or a valid map that is not finite.
    """
    with open_labels(path, people, split, made_by) as held:
        asked = held.columns["sample_id"] if sample_id is None else sample_id
        return _rows(held, asked, slice(None))


@contextmanager
def open_labels(
    path: str | Path, people: str, split: str | None, made_by: Mapping[str, Any] | None
) -> Iterator[Held]:
    """A label store, open; arguments and errors as for :func:`read_labels`."""
    with open_store(path, LABEL, people) as held:
        made_under = held.attributes["made_by"].get("split")
        found = made_under.get("digest") if isinstance(made_under, dict) else made_under
        if split is not None and found is not None and found != split:
            raise InputError(f"{path}: made under another label split; make it again")
        check_made_by(path, held.attributes["made_by"], made_by)
        yield held


def read_label_people(path: str | Path, people: str | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Whom a label store holds, without their maps.

    Args:
        path: the file.
        people: digest of the people that it must be of; None where they are not known.

    Returns:
        ``sample_id`` (N,) int64, ascending, and whose map is valid, (N,) bool.

    Raises:
        InputError: not a label store, damaged, another version, or other people.
    """
    with open_store(path, LABEL, people) as held:
        return held.columns["sample_id"], held.columns["valid"]


def _rows(held: Held, sample_id: np.ndarray, pick: Any) -> Store:
    place = places(held.columns["sample_id"], sample_id, held.path)
    columns = {name: column[place] for name, column in held.columns.items()}
    for name in ("sample_id", SUMS):
        del columns[name]
    valid = columns.pop("valid")
    heatmap = held.rows("heatmap", place, pick).astype(np.float32, copy=False)
    check_finite_maps(held.path, heatmap, valid, sample_id)
    return Store(np.asarray(sample_id), heatmap, valid, columns, held.attributes)


def check_finite_maps(
    path: Path, maps: np.ndarray, valid: np.ndarray, sample_id: np.ndarray
) -> None:
    """Refuse maps (n, ...) of people (n,) that are valid, (n,) bool, and not finite.

    Raises:
        InputError: names the first of them.
    """
    for row in np.flatnonzero(valid):
        if not np.isfinite(maps[row]).all():
            raise InputError(
                f"{path}: the map of sample_id {sample_id[row]} is valid and holds NaN or infinity; "
                "make the store again"
            )
