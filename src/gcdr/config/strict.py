"""How strictly a value is held to the schema, and what is made of one that is written otherwise."""

import math
import re
from collections.abc import Iterable
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.validators import extend

from gcdr.base.errors import InputError
from gcdr.base.texts import FORMATS, printable

DEEPEST = 12
"""Tables and lists within one another; the schema has eight."""

LARGEST = 1 << 53
"""Below it every whole number is a float too."""

BITS = 1024
"""Of a number, beyond which Python may refuse to print it."""

_WORDS = {"true": True, "false": False, "null": None, "~": None}
_NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")


def is_integer(_: Any, value: Any) -> bool:
    """Whether a value is a whole number, and no float: 2.0 would reach a job as it is."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(_: Any, value: Any) -> bool:
    """Whether a value is a finite number."""
    return is_integer(None, value) or (isinstance(value, float) and math.isfinite(value))


def _format_checker() -> FormatChecker:
    checker = FormatChecker(formats=())
    for name, kind in FORMATS.items():
        checker.checks(name)(
            lambda value, fits=kind.fits: not isinstance(value, str) or fits(value)
        )
    return checker


_TYPES = Draft202012Validator.TYPE_CHECKER.redefine_many(
    {"integer": is_integer, "number": is_number}
)
StrictValidator = extend(
    Draft202012Validator, type_checker=_TYPES, format_checker=_format_checker()
)
"""JSON Schema in which 2.0 is no integer, nan and inf are no numbers, and a ``format`` is held to."""


def spelt(value: Any) -> Any:
    """What a value that the schema refuses stands for, or the value.

    A whole float is its integer; a text that spells a number, a truth value or null is that.
    """
    if isinstance(value, str):
        if value.lower() in _WORDS:
            return _WORDS[value.lower()]
        if not _NUMBER.fullmatch(value) or not math.isfinite(float(value)):
            return value
        number = float(value)
        return number if set(".eE") & set(value) and not _whole(number) else _integer(value)
    return int(value) if isinstance(value, float) and _whole(value) else value


def _whole(number: float) -> bool:
    return number.is_integer() and abs(number) < LARGEST


def _integer(text: str) -> int:
    return int(float(text)) if set(".eE") & set(text) else int(text)


def check_plain(config: Any) -> None:
    """Check that a configuration is neither nested without end nor holds numbers that fill a page.

    One level after another: a table may hold itself, by an alias of YAML.

    Raises:
        InputError: names the key.
    """
    level: list[tuple[str, Any]] = [("(top level)", config)]
    for depth in range(DEEPEST + 1):
        inner: list[tuple[str, Any]] = []
        for path, value in level:
            items: Iterable[tuple[Any, Any]] = ()
            if isinstance(value, (list, tuple)):
                items = enumerate(value)
            elif isinstance(value, dict):
                items = value.items()
            for key, entry in items:
                _check_short(key, path)
                part = f"[{key}]" if isinstance(value, (list, tuple)) else f".{key}"
                here = f"{path}{part}" if depth else str(key)
                _check_short(entry, here)
                inner.append((printable(here), entry))
        level = inner
    if level:
        raise InputError(
            f"configuration: 1 problem\n  {level[0][0]}: nested more than {DEEPEST} deep, expected less"
        )


def _check_short(number: Any, path: str) -> None:
    if isinstance(number, int) and number.bit_length() > BITS:
        raise InputError(
            f"configuration: 1 problem\n  {printable(path)}: found a number of {number.bit_length()} bits, "
            f"expected one of at most {BITS}"
        )
