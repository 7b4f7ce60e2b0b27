"""Looking into a pickle without making anything of it: which keys it has, and how large its tensors are.

No torch: planning asks. Nothing that a pickle names is imported or called.
"""

import pickle
import zipfile
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

ARCHIVE = b"PK\x03\x04"
OLD_PICKLE = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # the magic number, pickled
OLD_PARTS = 4  # pickles of such a file: magic number, protocol, system, content
BROKEN = (
    OSError,
    EOFError,
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    AttributeError,
    pickle.UnpicklingError,
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    MemoryError,
)
KEYS = (str, bytes, int, float, np.generic, type(None))  # and flat tuples of these
TENSORS = ("torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2")
PARAMETER = "torch._utils._rebuild_parameter"
DICTIONARY = "collections.OrderedDict"


class Refused(Exception):
    """What a pickle may not hold."""


def check_key(key: Any) -> None:
    """A key costs as much to hash as it has parts, shared ones counted again and again; see that it is plain.

    Raises:
        Refused: it is neither text, bytes, a number or None, nor a flat tuple of these.
    """
    parts = key if isinstance(key, tuple) else (key,)
    if not all(isinstance(part, KEYS) for part in parts):
        raise Refused("a key that is no text or number")


PYTHONS: Any = pickle._Unpickler  # which nobody types


class CarefulReader(PYTHONS):  # the one in C would hash a key before anybody could look at it
    """A reader of pickles that looks at a key before it is hashed."""

    dispatch: ClassVar[dict[int, Callable[..., None]]] = dict(PYTHONS.dispatch)

    def _load_item(self) -> None:
        check_key(self.stack[-2])
        PYTHONS.load_setitem(self)

    def _load_items(self) -> None:
        for key in self.stack[::2]:
            check_key(key)
        PYTHONS.load_setitems(self)

    def _load_dict(self) -> None:
        for key in self.stack[::2]:
            check_key(key)
        PYTHONS.load_dict(self)

    def _load_set(self) -> None:
        raise Refused("a set")

    dispatch[pickle.SETITEM[0]] = _load_item
    dispatch[pickle.SETITEMS[0]] = _load_items
    dispatch[pickle.DICT[0]] = _load_dict
    dispatch[pickle.EMPTY_SET[0]] = dispatch[pickle.FROZENSET[0]] = _load_set


class Anything:
    """In place of whatever a pickle makes by a call, where only its keys are looked at."""

    def __setitem__(self, key: Any, value: Any) -> None:
        pass

    def append(self, value: Any) -> None:
        """As a list has it."""

    extend = add = append


class Scan(CarefulReader):
    """Reads a pickle of PyTorch's for its keys alone; nothing that it names is called."""

    def find_class(self, module: str, name: str) -> Any:
        return Anything()

    def persistent_load(self, pid: Any) -> None:
        return None

    def made(self, function: Any, arguments: Any) -> Any:
        """What stands for the result of a call."""
        return Anything()

    def _load_call(self) -> None:
        arguments = self.stack.pop()
        self.stack[-1] = self.made(self.stack[-1], arguments)

    def _load_build(self) -> None:
        self.stack.pop()

    dispatch: ClassVar[dict[int, Callable[..., None]]] = dict(CarefulReader.dispatch)
    dispatch[pickle.REDUCE[0]] = dispatch[pickle.NEWOBJ[0]] = _load_call
    dispatch[pickle.BUILD[0]] = _load_build


class Sized:
    """In place of a tensor: how large it is."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape


class Named:
    """In place of one of the few functions whose results are told apart."""

    def __init__(self, name: str) -> None:
        self.name = name


class Outline(Scan):
    """Reads a pickle of PyTorch's as dictionaries in which a :class:`Sized` stands for each tensor."""

    def find_class(self, module: str, name: str) -> Any:
        full = f"{module}.{name}"
        return Named(full) if full in (*TENSORS, PARAMETER, DICTIONARY) else Anything()

    def made(self, function: Any, arguments: Any) -> Any:
        """What stands for the result of a call."""
        name = function.name if isinstance(function, Named) else ""
        if name == DICTIONARY:
            return {}
        if name == PARAMETER:
            return arguments[0]
        if name in TENSORS and all(type(side) is int for side in arguments[2]):
            return Sized(tuple(arguments[2]))
        return Anything()

    dispatch: ClassVar[dict[int, Callable[..., None]]] = dict(Scan.dispatch)
