"""Importing timm and torchvision, and training, without torch's compiler.

The compiler takes as long to import as torch itself, which does so when it is first asked for. timm asks for
it as soon as it is imported, to mark a function that is not to be compiled; so does torchvision, which timm
imports, for a question that it puts on GPUs; so do torch's optimisers, to have their functions left alone and
to end a graph at every step. Nothing here compiles, so all are told: later.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from importlib import import_module
from types import ModuleType
from typing import Any

COMPILER = "torch._dynamo"
HELPERS = f"{COMPILER}.utils"


class Later(ModuleType):
    """In place of a module of the compiler: who wants more than what was put into it gets the real one."""

    def __getattr__(self, name: str) -> Any:
        # inspect asks every module for its file, and an import from a module whether it is a package.
        if name == "__file__" or (self.__name__, name) == (HELPERS, "__path__"):
            raise AttributeError(name)
        _end()
        return getattr(import_module(self.__name__), name)


@contextmanager
def compiler_later() -> Iterator[None]:
    """Within it, marking what is not to be compiled and asking what can be compiled import no compiler.

    It is a decorator too.
    """
    if COMPILER not in sys.modules:
        compiler, helpers = Later(COMPILER), Later(HELPERS)
        vars(compiler).update(disable=_disable, graph_break=_nothing)
        vars(helpers)["is_compile_supported"] = _is_compile_supported
        sys.modules |= {COMPILER: compiler, HELPERS: helpers}
    try:
        yield
    finally:
        _end()


def _end() -> None:
    for name in (COMPILER, HELPERS):
        if isinstance(sys.modules.get(name), Later):
            del sys.modules[name]


def _nothing() -> None:
    """There is no graph to end."""


def _disable(
    function: Callable[..., Any] | None = None, *options: Any, **named: Any
) -> Callable[..., Any]:
    """Mark a function when it is called; as long as nobody has asked for the compiler, none compiles it."""
    if function is None:
        return lambda other: _disable(other, *options, **named)

    @wraps(function)
    def marked(*args: Any, **kwargs: Any) -> Any:
        if isinstance(sys.modules.get(COMPILER, Later("")), Later):
            return function(*args, **kwargs)
        disable = import_module(COMPILER).disable
        return disable(function, *options, **named)(*args, **kwargs)

    return marked


def _is_compile_supported(device: str) -> bool:
    if isinstance(sys.modules.get(HELPERS), Later):
        _end()
    return bool(import_module(HELPERS).is_compile_supported(device))
