"""A large HDF5 array that grows in a hidden folder beside its file; a killed job goes on after its last rows.

The array lies in its place in the file from the beginning, so that nothing is copied in the end and the disk
needs room for it once. Rows go there past HDF5, and a journal says which are done; HDF5 itself is asked when
the file is begun and when it is sealed. Its own few bytes are kept as they were at first: a job that was
killed while it sealed the file begins with them again.
"""

import json
import math
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from gcdr.base.blocks import begun_folder, begun_folders, digest_of_stats
from gcdr.base.errors import InputError
from gcdr.base.files import atomic, disk_trouble, state_size, take_place
from gcdr.data.checksums import row_checksums
from gcdr.data.sink import NewFile, Sink

FILE, FRAME, JOURNAL = "file.h5", "frame.npz", "journal.jsonl"


@dataclass(frozen=True)
class BegunArray:
    """An array of which some rows are there.

    Attributes:
        folder: where its file grows.
        name: of the array.
        shape: of it.
        dtype: of it.
        offset: its first byte in the file.
        done: what the journal says of each block that is done, by its first row.
    """

    folder: Path
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype
    offset: int
    done: dict[int, dict[str, Any]] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder / FILE

    def left(self, block: int, pictures: Sequence[Path]) -> list[int]:
        """First rows of the blocks that are to be made: those that are not done, had a problem, or whose
        pictures are others now.

        Args:
            block: rows that are made together.
            pictures: the picture of each row.
        """
        starts = range(0, self.shape[0], block)
        for start in starts:
            stats = digest_of_stats(pictures[start : start + block])
            if self.done.get(start, {}).get("pictures") != stats or self.done[start]["problem"]:
                self.done.pop(start, None)
        left = [start for start in starts if start not in self.done]
        if len(left) < len(starts):
            print(f"going on: {len(starts) - len(left)} of {len(starts)} blocks are done")
        return left

    def put(
        self, start: int, rows: np.ndarray, pictures: Sequence[Path], problem: dict[int, str]
    ) -> None:
        """Keep a block.

        Args:
            start: its first row.
            rows: (n, ...) its rows.
            pictures: the picture of each, (n,).
            problem: why rows, by their number, have none.
        """
        rows = np.ascontiguousarray(rows, self.dtype)
        width = math.prod(self.shape[1:]) * self.dtype.itemsize
        with open(self.path, "r+b", buffering=0) as raw:
            raw.seek(self.offset + start * width)
            left = rows.data.cast("B")
            while left:
                left = left[raw.write(left) :]
            os.fsync(raw.fileno())
        entry = {
            "start": start,
            "sums": row_checksums(rows).tolist(),
            "pictures": digest_of_stats(pictures),
            "problem": {str(row): text for row, text in problem.items()},
        }
        with open(self.folder / JOURNAL, "a") as journal:
            journal.write(json.dumps(entry) + "\n")
            journal.flush()
            os.fsync(journal.fileno())
        self.done[start] = entry

    def problems(self) -> dict[int, str]:
        """Why rows have nothing."""
        entries = (entry["problem"].items() for entry in self.done.values())
        return {int(row): text for pairs in entries for row, text in pairs}

    def checksums(self) -> np.ndarray:
        """(N,) uint32, one a row."""
        sums = [np.asarray(self.done[start]["sums"], np.uint32) for start in sorted(self.done)]
        return np.concatenate([np.zeros(0, np.uint32), *sums])


@contextmanager
def begun_array(
    out: Path,
    key: str,
    name: str,
    shape: tuple[int, ...],
    dtype: Any,
    seal: Callable[[NewFile, BegunArray], None],
) -> Iterator[BegunArray]:
    """An array that an earlier try may have begun; its file is sealed, and is ``out``, if the block succeeds.

    Args:
        out: the file.
        key: of all that decides its rows, but the pictures: :func:`gcdr.base.blocks.work_key`.
        name, shape, dtype: of the array.
        seal: what writes all else into the file.

    Raises:
        InputError: the disk has no room, or does not take it.
    """
    folder = begun_folder(out, key)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for other in begun_folders(out):
            if other != folder:
                shutil.rmtree(other)
        array = _begin(folder, out, name, shape, np.dtype(dtype))
        yield array
        with open(array.path, "r+b", buffering=0) as raw:
            sink = Sink(raw)
            try:
                with NewFile(sink, "r+") as file:
                    seal(file, array)
            finally:
                sink.check()
            os.fsync(raw.fileno())
        take_place(array.path, out)
        shutil.rmtree(folder)
    except OSError as error:
        if reason := disk_trouble(error):
            raise InputError(f"{out}: cannot be written ({reason})") from error
        raise


def _begin(
    folder: Path, out: Path, name: str, shape: tuple[int, ...], dtype: np.dtype
) -> BegunArray:
    """The array as it was left, or a new one without rows."""
    size = math.prod(shape) * dtype.itemsize
    file, frame = folder / FILE, folder / FRAME
    if not (frame.exists() and file.exists()):
        for stale in (frame, folder / JOURNAL):  # of a file that is gone
            stale.unlink(missing_ok=True)
        state_size(out, size)
        with open(file, "w+b", buffering=0) as raw:
            offset = _empty_array(raw, name, shape, dtype)
            ends = os.fstat(raw.fileno()).st_size
            before, behind = (
                os.pread(raw.fileno(), offset, 0),
                os.pread(raw.fileno(), ends - offset - size, offset + size),
            )
        with atomic(frame) as temporary, temporary.open("wb") as held:
            both = (np.frombuffer(value, np.uint8) for value in (before, behind))
            np.savez(held, before=next(both), behind=next(both))
    with np.load(frame) as held:
        before, behind = held["before"].tobytes(), held["behind"].tobytes()
    with open(file, "r+b", buffering=0) as raw:
        os.pwrite(raw.fileno(), before, 0)
        os.pwrite(raw.fileno(), behind, len(before) + size)
        raw.truncate(len(before) + size + len(behind))
    return BegunArray(folder, name, shape, dtype, len(before), _journal(folder / JOURNAL))


def _empty_array(raw: Any, name: str, shape: tuple[int, ...], dtype: np.dtype) -> int:
    """Begin an HDF5 file with an array that has its place and no rows; the array's first byte."""
    sink = Sink(raw)
    try:
        with NewFile(sink) as file:
            layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            layout.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
            layout.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
            layout.set_obj_track_times(False)
            space, kind = h5py.h5s.create_simple(shape), h5py.h5t.py_create(dtype, logical=True)
            made = h5py.h5d.create(file.id, name.encode(), kind, space, layout)
            return int(made.get_offset())
    finally:
        sink.check()


def _journal(path: Path) -> dict[int, dict[str, Any]]:
    """Entries by their first row, the last one of each; what a kill broke off ends the journal."""
    done: dict[int, dict[str, Any]] = {}
    whole = 0
    for line in path.read_bytes().splitlines(keepends=True) if path.exists() else []:
        try:
            entry = json.loads(line) if line.endswith(b"\n") else None
        except ValueError:
            entry = None
        if entry is None:
            os.truncate(path, whole)
            break
        done[entry["start"]], whole = entry, whole + len(line)
    return done
