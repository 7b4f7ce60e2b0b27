"""Tensors of checkpoints whose pickle also holds objects: Lightning's configurations, argparse's arguments.

The pickle is read as an outline, in which nothing that it names is imported, called or made; tensors are then
read from the archive by the places that the outline tells.
"""

import io
import pickle
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from gcdr.base.errors import InputError
from gcdr.base.outlines import STATE_ENTRIES
from gcdr.base.picklenames import (
    ARCHIVE,
    BROKEN,
    TENSORS,
    Anything,
    Named,
    Outline,
    Refused,
    Sized,
)

OBJECTS = ("pytorch-lightning_version", "hyper_parameters", "args")
"""Entries at the top of files that hold objects beside their tensors."""

STORAGES = {
    f"{module}.{name}Storage": kind
    for module in ("torch", "torch.storage")
    for name, kind in (
        *(("Float", torch.float32), ("Double", torch.float64), ("Half", torch.float16)),
        *(("BFloat16", torch.bfloat16), ("Long", torch.int64), ("Int", torch.int32)),
        *(
            ("Short", torch.int16),
            ("Char", torch.int8),
            ("Byte", torch.uint8),
            ("Bool", torch.bool),
        ),
    )
}


class Placed(Sized):
    """In place of a tensor: where in the archive it lies."""

    def __init__(self, storage: Any, offset: int, shape: tuple[int, ...], stride: Any) -> None:
        super().__init__(shape)
        self.storage, self.offset, self.stride = storage, offset, stride


class Placing(Outline):
    """Reads a pickle of PyTorch's as dictionaries in which a :class:`Placed` stands for each tensor."""

    def find_class(self, module: str, name: str) -> Any:
        full = f"{module}.{name}"
        return Named(full) if full in STORAGES else super().find_class(module, name)

    def _load_set(self) -> None:
        """A set of whatever is hashed nowhere: it stands in settings, which nobody looks at."""
        self.append(Anything())

    def _load_frozen(self) -> None:
        self.pop_mark()
        self._load_set()

    def _load_call_with_names(self) -> None:
        self.stack.pop()
        self._load_call()

    dispatch: ClassVar[dict[int, Callable[..., None]]] = dict(Outline.dispatch)
    dispatch[pickle.NEWOBJ_EX[0]] = _load_call_with_names
    dispatch[pickle.EMPTY_SET[0]] = _load_set
    dispatch[pickle.FROZENSET[0]] = _load_frozen

    def persistent_load(self, pid: Any) -> Any:
        return pid

    def made(self, function: Any, arguments: Any) -> Any:
        """What stands for the result of a call."""
        found = super().made(function, arguments)
        if isinstance(found, Sized) and function.name in TENSORS:
            return Placed(arguments[0], arguments[1], found.shape, arguments[3])
        return found


def is_archive(path: str | Path) -> bool:
    """Whether a file begins as archives by ``torch.save`` do."""
    try:
        with Path(path).open("rb") as file:
            return file.read(len(ARCHIVE)) == ARCHIVE
    except OSError:
        return False


def holds_objects(path: str | Path) -> bool:
    """Whether an archive by ``torch.save`` has one of the entries ``OBJECTS``."""
    if not is_archive(path):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            content = _outlined(archive, Placing)
    except (Refused, *BROKEN):
        return False
    return isinstance(content, Mapping) and any(name in content for name in OBJECTS)


def read_placed(path: str | Path) -> dict[str, Any]:
    """The numbers at the top of such a file, and its tensors by name under the entry that they stand under.

    Raises:
        InputError: the file is truncated or damaged, or has no entry of tensors.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            content = _outlined(archive, Placing)
            entry = next((e for e in STATE_ENTRIES if isinstance(content.get(e), Mapping)), None)
            if entry is None:
                raise InputError(
                    f"{path}: found the entries {list(content)[:8]}, expected tensors by name under one of "
                    f"{', '.join(STATE_ENTRIES)}"
                )
            numbers = {k: v for k, v in content.items() if type(v) in (int, float)}
            placed = {k: v for k, v in content[entry].items() if isinstance(v, Placed)}
            known: dict[str, Tensor] = {}
            return numbers | {entry: {k: _tensor(archive, v, known) for k, v in placed.items()}}
    except (Refused, *BROKEN) as error:
        raise InputError(
            f"{path}: not a readable checkpoint, or a truncated one ({error}); fetch it again"
        ) from error


def _outlined(archive: zipfile.ZipFile, reader: type[Outline]) -> Any:
    name = next(one for one in archive.namelist() if one.endswith("data.pkl"))
    return reader(io.BytesIO(archive.read(name))).load()


def _tensor(archive: zipfile.ZipFile, placed: Placed, known: dict[str, Tensor]) -> Tensor:
    _, kind, key, _, count = placed.storage
    if key not in known:
        folder = next(one for one in archive.namelist() if one.endswith("data.pkl"))
        content = bytearray(archive.read(f"{folder.removesuffix('data.pkl')}data/{key}"))
        known[key] = torch.frombuffer(content, dtype=STORAGES[kind.name], count=count)
    # as_strided checks that nothing lies outside the storage.
    return known[key].as_strided(placed.shape, placed.stride, placed.offset)
