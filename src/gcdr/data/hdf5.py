"""HDF5 files: the one way in and the one way out.

*In:* a file may be anybody's. It holds plain arrays of its own and nothing else, or it is refused: links
(soft, hard ones to groups, to other files), raw storage elsewhere, arrays of other files (but the shards
that a store names), and arrays that claim more bytes than the file has. Whatever HDF5 says of a damaged
file becomes one line that names it.

*Out:* HDF5 writes through a Python file that remembers the first failure and keeps what follows in memory.
So a full disk is an exception at the next piece of a large array, and not a process that dies.

*Whole:* arrays of a row a person or image have a checksum a row, which is compared as rows are read; the
other arrays, those checksums and the attributes have one digest, ``content``, which is compared when the
file is opened. It says by itself which content a file has, as a shard is named in a merged store.
"""

import errno
import json
import math
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from gcdr import __version__
from gcdr.base.errors import InputError
from gcdr.base.files import atomic
from gcdr.data.checksums import check_rows, checksum_of, content_digest
from gcdr.data.sink import NewFile, Sink

HDF5_TEXT = h5py.string_dtype()
MEMBERS = 64  # arrays, or attributes, that a file may have
ROWS = 256  # that are read at once
DAMAGED = (OSError, RuntimeError, KeyError, ValueError, TypeError, MemoryError)


@dataclass(frozen=True)
class Held:
    """A file that is open, with all but its large arrays in memory and compared with their digest.

    Attributes:
        path: the file.
        file: its large arrays are in here.
        columns: every other array by name, text as ``str`` objects.
        attributes: the root attributes; ``made_by`` decoded.
    """

    path: Path
    file: h5py.File
    columns: dict[str, np.ndarray]
    attributes: dict[str, Any]

    def sums(self, name: str, count: int) -> np.ndarray:
        """Checksums (count,) of a large array's rows.

        Raises:
            InputError: they are not there, or others.
        """
        sums = self.columns.get(checksum_of(name))
        if sums is None or sums.shape != (count,):
            raise InputError(f"{self.path}: {name!r} has no checksum for each of its rows")
        return sums

    def rows(self, name: str, place: np.ndarray, pick: Any = slice(None)) -> np.ndarray:
        """Rows (n, ...) of a large array, each compared with its checksum.

        Args:
            name: of the array.
            place: (n,) the rows, in any order.
            pick: what of each row is kept.

        Raises:
            InputError: a row is not what was written.
        """
        with named_errors(self.path):
            dataset = self.file[name]
            sums = self.sums(name, len(dataset))
            empty = np.empty((0, *dataset.shape[1:]), dataset.dtype)[:, pick]
            out = np.empty((len(place), *empty.shape[1:]), dataset.dtype)
            order = np.argsort(place, kind="stable")
            first, ascending = 0, np.asarray(place)[order]
            while first < len(place):
                low = int(ascending[first])
                last = int(np.searchsorted(ascending, low + ROWS))
                block = ascending[first:last]
                part = dataset[low : int(block[-1]) + 1][block - low]
                check_rows(self.path, name, part, sums[block], block)
                out[order[first:last]] = part[:, pick]
                first = last
            return out


@contextmanager
def open_hdf5(
    path: str | Path,
    kind: str,
    version: int,
    large: tuple[str, ...],
    people: str | None = None,
    *,
    shards: bool = False,
) -> Iterator[Held]:
    """Open a file for reading and compare all that it says of itself.

    Args:
        path: the file.
        kind: what its ``format`` must be.
        version: what its ``version`` must be.
        large: names of its arrays whose rows are read on demand.
        people: digest of the people that it must be of; None where any will do.
        shards: whether its large arrays may be those of other files, which its attribute ``shards`` names:
            :func:`join_shards`.

    Raises:
        InputError: absent, empty, locked, truncated, damaged or changed; of another kind, version or people;
            or it holds what is not looked at, see above.
    """
    path = Path(path)
    file = _open(path)
    try:
        with named_errors(path):
            columns, attributes = _verified(path, file, kind, version, large, shards)
            if people is not None and attributes["people"] != people:
                raise InputError(
                    f"{path}: made for other people than the manifest's; make it again"
                )
            if "shards" in attributes:
                _check_shards(path, file, attributes, large)
        yield Held(path, file, columns, attributes)
    finally:
        file.close()


def kind_of_hdf5(path: str | Path) -> str:
    """What a file says that it is; empty where it says nothing.

    Raises:
        InputError: as :func:`open_hdf5`, where it cannot be opened.
    """
    path = Path(path)
    with named_errors(path):
        file = _open(path)
        try:
            return str(_plain(file.attrs.get("format", "")))
        finally:
            file.close()


def attributes_of_hdf5(path: str | Path) -> dict[str, Any]:
    """What a file says of itself, ``made_by`` decoded, by its attributes alone: its arrays are not looked at.

    Raises:
        InputError: as :func:`open_hdf5`, where it cannot be opened, or its attributes are damaged.
    """
    path = Path(path)
    with named_errors(path):
        file = _open(path)
        try:
            attributes = {name: _plain(value) for name, value in file.attrs.items()}
            return attributes | {"made_by": json.loads(attributes.get("made_by", "{}"))}
        finally:
            file.close()


def _verified(
    path: Path, file: h5py.File, kind: str, version: int, large: tuple[str, ...], shards: bool
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Columns and attributes of a file that is what it says of itself; see :class:`Held`."""
    found = [_plain(file.attrs.get(key)) for key in ("format", "version")]
    if found != [kind, version]:
        raise InputError(_other_kind(path, found, kind, version))
    _check_layout(path, file, large, shards)
    columns = {name: _column(file[name]) for name in file if name not in large}
    attributes = {name: _plain(value) for name, value in file.attrs.items()}
    content = attributes.pop("content", None)
    if content != content_digest(columns, attributes):
        raise InputError(
            f"{path}: is not what was written (its digest differs): damaged, or changed by other code; "
            "make it again"
        )
    _check_ids(path, columns["sample_id"])
    made_by = json.loads(attributes["made_by"])
    if not isinstance(made_by, dict):
        raise InputError(f"{path}, made_by: found {made_by!r:.80}, expected a table of settings")
    return columns, attributes | {"content": content, "made_by": made_by}


def _open(path: Path) -> h5py.File:
    try:
        return h5py.File(path, "r")
    except OSError as error:
        if not path.exists():
            raise InputError(f"{path}: no such file") from error
        size = path.stat().st_size
        text = str(error)
        if path.is_dir():
            what = "a folder; expected an HDF5 file"
        elif not size:
            what = "an empty file of 0 bytes; make it again"
        elif error.errno in (errno.EAGAIN, errno.EACCES) and "lock" in text:
            what = "locked by a process that is writing it; run again when that is done"
        elif error.errno in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP):
            what = (
                "on a disk that gives no locks; files here are written whole and need none, so set the "
                "environment variable HDF5_USE_FILE_LOCKING=FALSE"
            )
        elif error.errno in (errno.EACCES, errno.EPERM):
            what = "may not be read (permission denied)"
        elif match := re.search(r"stored_eof = (\d+)", text):
            what = f"truncated: found {size} of {match[1]} bytes; make it again"
        elif "signature" in text:
            what = f"not an HDF5 file; found {size} bytes of something else"
        else:
            what = f"a damaged HDF5 file ({_first_line(error)}); make it again"
        raise InputError(f"{path}: {what}") from error


@contextmanager
def named_errors(path: Path) -> Iterator[None]:
    """What h5py raises on the way becomes a line that names the file."""
    try:
        yield
    except InputError:
        raise
    except DAMAGED as error:
        raise InputError(
            f"{path}: a damaged HDF5 file ({_first_line(error)}); make it again"
        ) from error


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0][:200]


def _other_kind(path: Path, found: list[Any], kind: str, version: int) -> str:
    expected = f"expected a {kind} of version {version}"
    if found[0] == kind and isinstance(found[1], int) and found[1] < version:
        return (
            f"{path}: found version {found[1]}, which has no checksums, {expected}; make it again"
        )
    return f"{path}: found {tuple(found)}, {expected}"


def _check_layout(path: Path, file: h5py.File, large: tuple[str, ...], shards: bool) -> None:
    """Refuse what no file of this package holds; nothing of it is followed or read."""
    if max(len(file), len(file.attrs)) > MEMBERS:
        raise InputError(f"{path}: found more than {MEMBERS} arrays or attributes")
    if lacking := [name for name in ("sample_id", *large) if name not in file]:
        raise InputError(f"{path}: found no array {lacking[0]!r}")
    room = path.stat().st_size
    for name in file:
        if not isinstance(file.get(name, getlink=True), h5py.HardLink):
            raise InputError(f"{path}: {name!r} is a link; links are not followed")
        dataset = file[name]
        if not isinstance(dataset, h5py.Dataset):
            raise InputError(f"{path}: {name!r} is not an array")
        if dataset.external:
            raise InputError(
                f"{path}: the numbers of {name!r} lie in another file, which is not read"
            )
        if not (dataset.dtype.kind in "biuf" or h5py.check_string_dtype(dataset.dtype)):
            raise InputError(f"{path}: {name!r} holds {dataset.dtype}; expected numbers or text")
        if dataset.is_virtual:
            if not (shards and name in large):
                raise InputError(f"{path}: {name!r} is of other files, which are not read")
            continue
        claimed = math.prod(dataset.shape)
        if claimed and dataset.chunks:
            claimed = max(claimed, math.prod(dataset.chunks))
        claimed *= dataset.dtype.itemsize
        held = min(dataset.id.get_storage_size(), room)
        if claimed > held:
            raise InputError(
                f"{path}: {name!r} claims {claimed:,} bytes, and the file holds {held:,} of it"
            )


def _check_ids(path: Path, ids: np.ndarray) -> None:
    if ids.ndim != 1 or ids.dtype.kind not in "iu" or (np.diff(ids) <= 0).any():
        raise InputError(f"{path}: its sample_id are not whole numbers that ascend")


def join_shards(file: h5py.File, name: str, shards: Mapping[str, h5py.Dataset]) -> None:
    """Make a large array that is a view of those of shards, one after another.

    Args:
        file: the file, beside which the shards lie in a folder.
        name: of the array.
        shards: the shards' arrays by ``folder/name`` of the shard.
    """
    parts = list(shards.values())
    layout = h5py.VirtualLayout((sum(map(len, parts)), *parts[0].shape[1:]), parts[0].dtype)
    layout.dcpl.set_obj_track_times(False)  # the hour would stand in the file, as in no other array
    start = 0
    for place, part in shards.items():
        if len(part):
            source = h5py.VirtualSource(place, name, part.shape, part.dtype)
            layout[start : start + len(part)] = source
        start += len(part)
    file.create_virtual_dataset(name, layout)


def _check_shards(
    path: Path, file: h5py.File, about: Mapping[str, Any], large: tuple[str, ...]
) -> None:
    """The shards are those that were joined; HDF5 itself would fill the rows of an absent one with zeros."""
    rows, shards = dict.fromkeys(large, 0), json.loads(about["shards"])
    for place, content in shards.items():
        if not re.fullmatch(r"[^/%]+/[^/%]+", place) or ".." in place.split("/"):
            raise InputError(
                f"{path}: names the shard {place!r}; expected one in a folder beside it"
            )
        shard = path.parent / place
        if not shard.is_file():
            raise InputError(f"{path}: its shard {shard} is gone; make the store again")
        part = _open(shard)
        try:
            kind = (about["format"], about["version"], large)
            with named_errors(shard):
                found = _verified(shard, part, *kind, shards=False)[1]["content"]
            if found != content:
                raise InputError(
                    f"{shard}: another shard than the one that {path} was merged of; merge again"
                )
            for name in large:
                rows[name] += len(part[name])
        finally:
            part.close()
    for name in large:
        sources = {source.file_name for source in file[name].virtual_sources()}
        if not sources <= set(shards) or len(file[name]) != rows[name]:
            raise InputError(f"{path}: {name!r} is a view of other files than its shards")


def _column(dataset: h5py.Dataset) -> np.ndarray:
    return dataset.asstr()[:] if h5py.check_string_dtype(dataset.dtype) else dataset[:]


def _plain(value: Any) -> Any:
    """An attribute as Python has it."""
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


@contextmanager
def new_hdf5(
    path: str | Path,
    kind: str,
    version: int,
    people: str,
    made_by: Mapping[str, Any],
    attributes: Mapping[str, Any] | None = None,
    *,
    large: tuple[str, ...],
) -> Iterator[NewFile]:
    """A file to be written by the block, whole or not at all; it is then described and sealed.

    Args:
        path: the file.
        kind, version: what it is.
        people: digest of the people that it is of.
        made_by: what made it, ready for ``json.dumps``.
        attributes: further root attributes.
        large: as for :func:`open_hdf5`; the block also writes their :func:`checksum_of`.

    Raises:
        InputError: the disk does not take it.
    """
    with atomic(path) as temporary, open(temporary, "w+b", buffering=0) as raw:
        sink = Sink(raw)
        try:
            with NewFile(sink) as file:
                yield file
                say_content(file, kind, version, people, made_by, attributes, large=large)
        finally:
            sink.check()  # what HDF5 makes of a write that failed is of no interest


def say_content(
    file: h5py.File,
    kind: str,
    version: int,
    people: str,
    made_by: Mapping[str, Any],
    attributes: Mapping[str, Any] | None = None,
    *,
    large: tuple[str, ...],
) -> None:
    """Let a file that is written say what it is and what it holds; arguments as for :func:`new_hdf5`."""
    file.attrs["format"], file.attrs["version"] = kind, version
    file.attrs["gcdr"], file.attrs["people"] = __version__, people
    file.attrs["made_by"] = json.dumps(made_by, sort_keys=True)
    for name, value in (attributes or {}).items():
        file.attrs[name] = value
    columns = {name: _column(file[name]) for name in file if name not in large}
    plain = {name: _plain(value) for name, value in file.attrs.items()}
    file.attrs["content"] = content_digest(columns, plain)
