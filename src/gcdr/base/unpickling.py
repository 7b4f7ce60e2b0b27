"""Reading pickled files that others made, without running anything they hold.

A pickle names functions and calls them. Here every name is refused but the few below, and behind
those stands code of this module (or PyTorch's own ``weights_only`` reader), never the code named.
"""

import io
import os
import pickle
import re
import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from gcdr.base.errors import InputError

ARCHIVE = b"PK\x03\x04"
OLD_PICKLE = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # the magic number, pickled
NUMBERS = "?bhilqBHILQefd"


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
    try:
        with open(path, "rb") as file:
            start = file.read(24)
        with torch.serialization.safe_globals(admitted):
            mapped = start.startswith(ARCHIVE)
            return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
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
            return _plain(_Reader(file).load())
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except _Refused as error:
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


class _Refused(Exception):
    """A name that a pickle may not use."""


class _Admitted:
    """A function that a pickle may call, and can neither change nor look into."""

    __slots__ = ("_call",)
    _call: Callable[..., Any]

    def __init__(self, call: Callable[..., Any]) -> None:
        object.__setattr__(self, "_call", call)

    def __call__(self, *args: Any) -> Any:
        return self._call(*args)

    def __setattr__(self, name: str, value: Any) -> None:
        raise _Refused(f"an attempt to set {name!r}")


class _Kind:
    """A NumPy type as the pickle spells it. NumPy's own reader of such states trusts them."""

    def __init__(self, code: str, *_: Any) -> None:
        self.code = code
        self.order: Any = "="  # whatever the pickle says; NumPy refuses what is none

    def __setstate__(self, state: tuple) -> None:
        if any(part is not None for part in state[2:5]):
            raise _Refused(f"an array type with fields, {self.code!r}")
        self.order = state[1]

    def dtype(self) -> np.dtype:
        """The type, if it is one of numbers."""
        kind = np.dtype(self.code).newbyteorder("=" if self.order == "|" else self.order)
        if kind.char not in NUMBERS:
            raise _Refused(f"an array of {kind}")
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
        raise _Refused(f"text in the encoding {encoding!r}")
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


CORES = ("core", "_core")
ADMITTED: dict[str, Callable[..., Any]] = {
    "collections.OrderedDict": dict,
    **{f"{module}.dict": dict for module in ("builtins", "__builtin__")},
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


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if f"{module}.{name}" not in ADMITTED:
            raise _Refused(f"{module}.{name}")
        return _Admitted(ADMITTED[f"{module}.{name}"])


def _plain(value: Any) -> Any:
    """The same with arrays in place of what stood for them."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_plain(inner) for inner in value)
    if isinstance(value, _Array):
        return value.value
    if isinstance(value, _Admitted | _Kind):
        raise _Refused("a function or class as a value")
    return value
