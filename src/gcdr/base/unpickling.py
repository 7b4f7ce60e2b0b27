"""Reading pickled files that others made, without running anything they hold.

A pickle names functions and calls them. Here every name is refused but the few below, and behind
those stands code of this module (or PyTorch's own ``weights_only`` reader), never the code named.
"""

import io
import os
import pickle
import re
import warnings
import zipfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from gcdr.base.errors import InputError
from gcdr.base.picklenames import (
    ARCHIVE,
    BROKEN,
    OLD_PARTS,
    OLD_PICKLE,
    CarefulReader,
    Refused,
    Scan,
    check_key,
)

NUMBERS = "?bhilqBHILQefd"
MOST = 50_000_000  # values that a file may come to when somebody walks over it


class StandIn:
    """In place of an object of a foreign class: its attributes, and none of its code."""

    def __init__(self, *args: Any) -> None:
        self.args = args


def attributes(value: Any) -> Mapping[str, Any]:
    """What a mapping or a stand-in holds by name; empty for anything else."""
    if isinstance(value, StandIn):  # OmegaConf keeps items in _content, and each in a node's _val
        value = vars(value).get("_content", vars(value))
    if not isinstance(value, Mapping):
        return {}
    return {
        key: vars(inner).get("_val", inner) if isinstance(inner, StandIn) else inner
        for key, inner in value.items()
    }


def read_torch(path: str | Path, stand_ins: Iterable[str] = ()) -> Any:
    """Content of a file by ``torch.save``, its tensors mapped into memory and read when used.

    Args:
        path: the file.
        stand_ins: full names of classes that become a :class:`StandIn`. Beside them only tensors,
            NumPy numbers and what PyTorch itself takes for data are admitted.

    Raises:
        InputError: the file is absent, foreign or truncated, or names something else.
    """
    numpy_names = [(_scalar_function(), f"numpy.{core}.multiarray.scalar") for core in CORES]
    kinds = {type(np.dtype(code)) for code in NUMBERS}
    admitted: list[Any] = [*((StandIn, name) for name in stand_ins), *numpy_names, np.dtype, *kinds]
    start = b""
    try:
        with open(path, "rb") as file:
            start = file.read(24)
        mapped = start.startswith(ARCHIVE)
        _check_keys(path, mapped)
        with torch.serialization.safe_globals(admitted):
            return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except Refused as error:
        raise InputError(
            f"{path}: found {error} in its pickle; only tensors and plain settings are read"
        ) from error
    except pickle.UnpicklingError as error:
        if name := re.search(r"(?:GLOBAL|class|function) ([\w.]+)", str(error)):
            raise InputError(
                f"{path}: found {name[1]} in its pickle; only tensors and plain settings are read"
            ) from error
        raise InputError(_not_a_checkpoint(path, start)) from error
    except Exception as error:  # PyTorch's reader fails on foreign bytes in many ways
        raise InputError(_not_a_checkpoint(path, start)) from error


def read_pickle(path: str | Path) -> Any:
    """Content of a pickle that holds dictionaries, sequences, text, numbers and arrays.

    Returns:
        the same, with NumPy arrays in place of arrays and PyTorch tensors.

    Raises:
        InputError: the file is absent, is no pickle, is truncated, or names anything else.
    """
    try:
        with open(path, "rb") as file, warnings.catch_warnings():
            # PyTorch's own reader of storages speaks of its own deprecated class.
            warnings.filterwarnings("ignore", "TypedStorage is deprecated")
            return _Plainly().of(_Reader(file).load())
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except Refused as error:
        raise InputError(
            f"{path}: found {error} in the pickle; expected dictionaries, text, numbers and arrays"
        ) from error
    except Exception as error:  # hostile bytes fail in many ways
        size = os.path.getsize(path) if os.path.isfile(path) else 0
        raise InputError(
            f"{path}: not a readable pickle, or a truncated one ({error}; {size} bytes)"
        ) from error


def _not_a_checkpoint(path: str | Path, start: bytes) -> str:
    size = os.path.getsize(path)
    if start.startswith(ARCHIVE):
        return (
            f"{path}: damaged or truncated; its table of contents should end at byte {size}, the "
            "file's last. Fetch it again"
        )
    if start.startswith(OLD_PICKLE):  # torch.save before 1.6: a pickle, then the numbers
        return f"{path}: damaged or truncated; found {size} bytes of an old PyTorch file. Fetch it again"
    return f"{path}: not a file of PyTorch weights; found {size} bytes that start with {start!r}"


class _Admitted:
    """A function that a pickle may call, and can neither change nor look into."""

    __slots__ = ("_call",)
    _call: Callable[..., Any]

    def __init__(self, call: Callable[..., Any]) -> None:
        object.__setattr__(self, "_call", call)

    def __call__(self, *args: Any) -> Any:
        return self._call(*args)

    def __setattr__(self, name: str, value: Any) -> None:
        raise Refused(f"an attempt to set {name!r}")


class _Kind:
    """A NumPy type as the pickle spells it. NumPy's own reader of such states trusts them."""

    def __init__(self, code: str, *_: Any) -> None:
        self.code = code
        self.order: Any = "="  # whatever the pickle says; NumPy refuses what is none

    def __setstate__(self, state: tuple) -> None:
        if any(part is not None for part in state[2:5]):
            raise Refused(f"an array type with fields, {self.code!r}")
        self.order = state[1]

    def dtype(self) -> np.dtype:
        """The type, if it is one of numbers."""
        kind = np.dtype(self.code).newbyteorder("=" if self.order == "|" else self.order)
        if kind.char not in NUMBERS:
            raise Refused(f"an array of {kind}")
        return kind


class _Array:
    """A NumPy array that receives its content after it was made."""

    def __init__(self, *_: Any) -> None:
        self.value = np.empty(0)

    def __setstate__(self, state: tuple) -> None:
        _, shape, kind, by_columns, content = state
        self.value = _from_buffer(content, kind, shape, "F" if by_columns else "C")


def _from_buffer(content: Any, kind: _Kind, shape: tuple, order: Literal["C", "F"]) -> np.ndarray:
    return np.frombuffer(content, kind.dtype()).reshape(shape, order=order)


def _scalar(kind: _Kind, content: bytes) -> float | int | bool:
    return np.frombuffer(content, kind.dtype())[0].item()


def _latin(text: str, encoding: str) -> bytes:
    if encoding != "latin1":
        raise Refused(f"text in the encoding {encoding!r}")
    return text.encode("latin1")


def _storage(content: bytes) -> Tensor:
    """All numbers of a PyTorch storage, which lies in the pickle as a file of its own."""
    storage = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    return torch.tensor([], dtype=storage.dtype).set_(storage.untyped())


def _tensor(storage: Tensor, offset: int, size: tuple, stride: tuple, *_: Any) -> np.ndarray:
    # as_strided checks that nothing lies outside the storage.
    return storage.as_strided(size, stride, offset).numpy()


def _scalar_function() -> Callable[..., Any]:
    function: Any = np.float32(0).__reduce__()[0]
    return function


def _dictionary(*args: Any) -> dict:
    """``dict`` for the pairs of old pickles."""
    pairs = list(args[0]) if args else []
    for pair in pairs:
        check_key(pair[0])
    return {pair[0]: pair[1] for pair in pairs}


CORES = ("core", "_core")
ADMITTED: dict[str, Callable[..., Any]] = {
    "collections.OrderedDict": _dictionary,
    **{f"{module}.dict": _dictionary for module in ("builtins", "__builtin__")},
    **{f"{module}.list": list for module in ("builtins", "__builtin__")},
    "collections.defaultdict": lambda *_: {},
    "_codecs.encode": _latin,
    "numpy.dtype": _Kind,
    "numpy.ndarray": _Array,
    **{f"numpy.{core}.multiarray._reconstruct": _Array for core in CORES},
    **{f"numpy.{core}.multiarray.scalar": _scalar for core in CORES},
    **{f"numpy.{core}.numeric._frombuffer": _from_buffer for core in CORES},
    "torch.storage._load_from_bytes": _storage,
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
}


class _Reader(CarefulReader):
    def find_class(self, module: str, name: str) -> Any:
        if f"{module}.{name}" not in ADMITTED:
            raise Refused(f"{module}.{name}")
        return _Admitted(ADMITTED[f"{module}.{name}"])


def _check_keys(path: str | Path, zipped: bool) -> None:
    """See that no key of a file by ``torch.save`` takes for ever to hash; PyTorch's reader would try.

    Raises:
        Refused: one may. What else is wrong with the file is PyTorch's to say.
    """
    with suppress(*BROKEN), open(path, "rb") as file:
        if zipped:
            with zipfile.ZipFile(file) as archive:
                names = [n for n in archive.namelist() if n.endswith("/data.pkl")]
                for name in names:
                    Scan(io.BytesIO(archive.read(name))).load()
        else:
            for _ in range(OLD_PARTS):
                Scan(file).load()


class _Plainly:
    """Arrays in place of what stood for them, in time that is linear in the size of the pickle.

    What is shared stays shared; where it would be endless, or far more than it is in the file, when somebody
    walks over it, it is refused.
    """

    def __init__(self) -> None:
        self.known: dict[int, tuple[Any, int]] = {}
        self.alive: list[Any] = []  # an id is of one object as long as that lives

    def of(self, value: Any) -> Any:
        return self._walk(value)[0]

    def _walk(self, value: Any) -> tuple[Any, int]:
        if isinstance(value, _Array):
            return value.value, 1
        if isinstance(value, _Admitted | _Kind):
            raise Refused("a function or class as a value")
        if not isinstance(value, dict | list | tuple):
            return value, 1
        if id(value) not in self.known:
            self.alive.append(value)
            self.known[id(value)] = (None, MOST)  # met again below itself it has no end
            inner = list(value.values() if isinstance(value, dict) else value)
            walked = [self._walk(one) for one in inner]
            count = 1 + sum(size for _, size in walked)
            if count >= MOST:
                raise Refused(f"values that hold each other more than {MOST:,} times")
            made = [one for one, _ in walked]
            plain = dict(zip(value, made, strict=True)) if isinstance(value, dict) else made
            self.known[id(value)] = (tuple(made) if isinstance(value, tuple) else plain, count)
        return self.known[id(value)]
