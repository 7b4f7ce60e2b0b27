"""Prior stores and label stores: HDF5 files that are written whole and say whom they belong to.

A *prior store* holds raw maps on the VQA model's own grid, a *label store* heatmaps in [0, 1]. Both are
sorted by ``sample_id``, chunked by row, and carry a format version, what made them and a digest of the
people (never of labels). Readers open with mode "r" (any other would move the time stamp) and refuse
a file that does not fit.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from gcdr import __version__
from gcdr.base.errors import InputError
from gcdr.base.files import atomic
from gcdr.data.lookup import places

VERSION = 1
PRIOR, LABEL = "gcdr prior store", "gcdr label store"
TEXT = h5py.string_dtype()


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
    """
    data = {
        "sample_id": sample_id,
        "heatmap": heatmap.astype(np.float32, copy=False),  # GBs where all maps come at once
        "valid": valid,
        **columns,
    }
    _write(path, PRIOR, data, people, made_by, {"layers": np.asarray(layers, np.int64)})


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
    kept = heatmap[valid]
    if kept.size and not (np.isfinite(kept).all() and kept.min() >= 0 and kept.max() <= 1):
        raise ValueError("a heatmap leaves [0, 1]")
    data = {
        "sample_id": sample_id,
        "heatmap": heatmap.astype(np.float16),
        "valid": valid,
        **columns,
    }
    _write(path, LABEL, data, people, made_by, {})


def _write(
    path: str | Path,
    kind: str,
    data: Mapping[str, Any],
    people: str,
    made_by: Mapping[str, Any],
    attributes: Mapping[str, Any],
) -> None:
    ids = np.asarray(data["sample_id"])
    if (np.diff(ids) <= 0).any():
        raise ValueError("sample_id must ascend")
    with atomic(path) as temporary, h5py.File(temporary, "w") as file:
        for name, value in data.items():
            array = np.asarray(value)
            if len(array) != len(ids):
                raise ValueError(f"{name} has {len(array)} rows, sample_id has {len(ids)}")
            if array.dtype.kind in "OU":
                array = array.astype(object)
                file.create_dataset(name, data=array, dtype=TEXT)
            elif array.ndim > 1 and len(array):
                file.create_dataset(name, data=array, chunks=(1, *array.shape[1:]))
            else:
                file.create_dataset(name, data=array)
        _describe(file, kind, people, made_by, attributes)


def _describe(
    file: h5py.File,
    kind: str,
    people: str,
    made_by: Mapping[str, Any],
    attributes: Mapping[str, Any],
) -> None:
    file.attrs["format"], file.attrs["version"] = kind, VERSION
    file.attrs["gcdr"], file.attrs["people"] = __version__, people
    file.attrs["made_by"] = json.dumps(made_by, sort_keys=True)
    for name, value in attributes.items():
        file.attrs[name] = value


def write_prior_blocks(
    path: str | Path,
    blocks: Iterable[Mapping[str, np.ndarray]],
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
        ValueError: the blocks' ``sample_id`` do not ascend.
    """
    last = -1
    with atomic(path) as temporary, h5py.File(temporary, "w") as whole:
        for block in blocks:
            ids = block["sample_id"]
            if (np.diff(ids, prepend=last) <= 0).any():
                raise ValueError("sample_id must ascend from block to block")
            last = ids[-1] if len(ids) else last
            for name, value in block.items():
                array = np.asarray(value)
                _append(whole, name, array.astype(TEXT) if array.dtype.kind in "OU" else array)
        _describe(whole, PRIOR, people, made_by, {"layers": np.asarray(layers, np.int64)})


def concatenate_priors(parts: Sequence[str | Path], path: str | Path) -> None:
    """Copy prior stores, one after another, into one; memory holds a part at a time.

    Args:
        parts: at least one; of the same people, settings and layers, in ascending order.
        path: the store.

    Raises:
        ValueError: the parts' ``sample_id`` do not ascend.
    """
    last = -1
    with atomic(path) as temporary, h5py.File(temporary, "w") as whole:
        for part in parts:
            with _open(part, PRIOR) as file:
                ids = file["sample_id"][:]
                if (np.diff(ids, prepend=last) <= 0).any():
                    raise ValueError(f"{part}: sample_id must ascend from part to part")
                last = ids[-1] if len(ids) else last
                for name, value in file.attrs.items():
                    whole.attrs[name] = value
                for name, dataset in file.items():
                    _append(whole, name, dataset)


def _append(whole: h5py.File, name: str, part: h5py.Dataset | np.ndarray) -> None:
    row = part.shape[1:]
    if name not in whole:
        chunks = (1, *row) if row else (4096,)
        dtype = TEXT if h5py.check_string_dtype(part.dtype) else part.dtype
        whole.create_dataset(name, (0, *row), dtype, maxshape=(None, *row), chunks=chunks)
    target = whole[name]
    start = len(target)
    target.resize(start + len(part), 0)
    target[start:] = part[:]


def merge_priors(shards: Sequence[str | Path], path: str | Path) -> None:
    """Join prior shards, in order, into one store whose data sets are views of the shards.

    The views name the shards relative to the merged file, so the folder can be moved as a whole.

    Raises:
        InputError: the shards are of different people or settings, or are not in ascending order.
    """
    layouts: dict[str, list[tuple[str, h5py.Dataset]]] = {}
    files = [_open(shard, PRIOR) for shard in shards]
    try:
        first = files[0]
        for shard, file in zip(shards, files, strict=True):
            for name in ("people", "made_by", "gcdr"):
                if file.attrs[name] != first.attrs[name]:
                    raise InputError(f"{shard}: its {name!r} differs from that of {shards[0]}")
            for name, dataset in file.items():
                layouts.setdefault(name, []).append((Path(shard).name, dataset))
        ids = np.concatenate([file["sample_id"][:] for file in files])
        if (np.diff(ids) <= 0).any():
            raise InputError(f"{path}: the shards' sample_id do not ascend")
        with atomic(path) as temporary, h5py.File(temporary, "w") as merged:
            for name, parts in layouts.items():
                _join(merged, name, parts, Path(shards[0]).parent.name)
            for name, value in first.attrs.items():
                merged.attrs[name] = value
    finally:
        for file in files:
            file.close()


def _join(merged: h5py.File, name: str, parts: list[tuple[str, h5py.Dataset]], folder: str) -> None:
    rows = sum(dataset.shape[0] for _, dataset in parts)
    sample = parts[0][1]
    if h5py.check_string_dtype(sample.dtype):  # HDF5 views cannot hold text of variable length
        merged.create_dataset(name, data=np.concatenate([part[:] for _, part in parts]), dtype=TEXT)
        return
    layout = h5py.VirtualLayout((rows, *sample.shape[1:]), sample.dtype)
    start = 0
    for file, dataset in parts:
        if dataset.shape[0]:
            source = h5py.VirtualSource(f"{folder}/{file}", name, dataset.shape, dataset.dtype)
            layout[start : start + dataset.shape[0]] = source
        start += dataset.shape[0]
    merged.create_virtual_dataset(name, layout)


def read_prior(
    path: str | Path, people: str, sample_id: np.ndarray, layer: int | None = None
) -> Store:
    """Rows of a prior store; with ``layer`` the heatmap is (N, G, G) of that decoder layer.

    Raises:
        InputError: not a prior store, another version, other people, an id or a layer it lacks.
    """
    with _open(path, PRIOR, people) as file:
        layers = [int(value) for value in file.attrs["layers"]]
        if layer is not None and layer not in layers:
            raise InputError(f"{path}: decoder layer {layer} is not in it; it holds {layers}")
        pick = slice(None) if layer is None else layers.index(layer)
        return _rows(path, file, sample_id, pick)


def read_validity(path: str | Path) -> np.ndarray:
    """Which rows of a prior store are valid, (N,) bool.

    Raises:
        InputError: not a prior store, or another version.
    """
    with _open(path, PRIOR) as file:
        return file["valid"][:]


def read_labels(path: str | Path, people: str, sample_id: np.ndarray | None = None) -> Store:
    """Rows of a label store (all rows without ``sample_id``).

    Raises:
        InputError: not a label store, another version, other people, or an id it lacks.
    """
    with _open(path, LABEL, people) as file:
        wanted = file["sample_id"][:] if sample_id is None else sample_id
        return _rows(path, file, wanted, slice(None))


def read_label_ids(path: str | Path, people: str) -> np.ndarray:
    """Whom a label store holds, (N,) int64, ascending.

    Raises:
        InputError: not a label store, another version, or other people.
    """
    with _open(path, LABEL, people) as file:
        return file["sample_id"][:]


def _open(path: str | Path, kind: str, people: str | None = None) -> h5py.File:
    try:
        file = h5py.File(path, "r")
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except OSError as error:
        raise InputError(f"{path}: not an HDF5 file, or a damaged one ({error})") from error
    found = (file.attrs.get("format"), file.attrs.get("version"))
    if found != (kind, VERSION):
        file.close()
        raise InputError(f"{path}: found {found}, expected a {kind} of version {VERSION}")
    if people is not None and file.attrs["people"] != people:
        file.close()
        raise InputError(f"{path}: made for other people than the manifest's; make it again")
    if file["valid"].is_virtual:  # HDF5 would fill the rows of an absent shard with zeros
        for source in file["valid"].virtual_sources():
            shard = Path(path).parent / source.file_name
            if not shard.is_file():
                file.close()
                raise InputError(f"{path}: its shard {shard} is gone; make the store again")
    return file


def _rows(path: str | Path, file: h5py.File, sample_id: np.ndarray, pick: Any) -> Store:
    place = places(file["sample_id"][:], sample_id, path)
    columns = {}
    for name in file:
        if name not in ("sample_id", "heatmap", "valid"):
            dataset = file[name]
            text = h5py.check_string_dtype(dataset.dtype)
            columns[name] = (dataset.asstr()[:] if text else dataset[:])[place]
    low, high = (int(place.min()), int(place.max()) + 1) if len(place) else (0, 0)
    heatmap = (
        file["heatmap"][low:high, pick] if isinstance(pick, int) else file["heatmap"][low:high]
    )
    attributes = dict(file.attrs)
    attributes["made_by"] = json.loads(attributes["made_by"])
    return Store(
        np.asarray(sample_id),
        heatmap[place - low].astype(np.float32),
        file["valid"][:][place],
        columns,
        attributes,
    )
