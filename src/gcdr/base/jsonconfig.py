"""Settings as frozen dataclasses that travel as JSON."""

import dataclasses
import types
import typing
from collections.abc import Sequence
from typing import Any, Literal, Self

from gcdr.base.errors import InputError
from gcdr.base.plain import JsonTable
from gcdr.base.texts import FORMATS, printable

# Keywords of JSON Schema that a field may be held to: in words, and whether a value obeys.
LIMITS: dict[str, tuple[str, typing.Callable[[Any, Any], bool]]] = {
    "minimum": ("at least {}", lambda value, bound: value >= bound),
    "exclusiveMinimum": ("above {}", lambda value, bound: value > bound),
    "maximum": ("at most {}", lambda value, bound: value <= bound),
    "exclusiveMaximum": ("below {}", lambda value, bound: value < bound),
    "multipleOf": ("a multiple of {}", lambda value, bound: value % bound == 0),
    "format": ("{}", lambda value, bound: FORMATS[bound].fits(value)),
    "minItems": ("{} or more", lambda value, bound: len(value) >= bound),
    "minProperties": ("{} or more", lambda value, bound: len(value) >= bound),
    "maxItems": ("at most {} of them", lambda value, bound: len(value) <= bound),
    "uniqueItems": ("each once", lambda value, bound: len(set(value)) == len(value)),
}


def setting(description: str, default: Any = dataclasses.MISSING, **limits: Any) -> Any:
    """A field whose description, default and bounds are said here and nowhere else.

    Args:
        description: for the reference page.
        default: its value where none is given; without one it must be given.
        limits: keywords of ``LIMITS``; ``items`` is a dictionary of those of the entries of a tuple or
            dictionary.
    """
    about = {"description": description, "limits": limits}
    if isinstance(default, type):
        return dataclasses.field(default_factory=default, metadata=about)
    return dataclasses.field(default=default, metadata=about)


class JsonConfig:
    """A dataclass that reads itself from the plain dictionaries of a JSON file."""

    def __post_init__(self) -> None:
        """Hold the fields made by :func:`setting` to their bounds.

        Raises:
            InputError: names the first that is outside, what was found and what is expected.
        """
        for entry in dataclasses.fields(self):  # type: ignore[arg-type]
            _check(entry.name, getattr(self, entry.name), entry.metadata.get("limits", {}))

    def to_json(self) -> JsonTable:
        """The fields as plain values (nested dictionaries and lists), ready for ``json.dumps``."""
        names = (entry.name for entry in dataclasses.fields(self))  # type: ignore[arg-type]
        return {name: _plain(getattr(self, name)) for name in names}

    @classmethod
    def from_json(cls, content: Any, where: str = "configuration") -> Self:
        """Read what ``to_json`` wrote; fields left out take their defaults.

        Args:
            content: a dictionary of field names and values.
            where: how error messages name the source, for example a file.

        Raises:
            InputError: not a dictionary, an unknown field, one that is missing, a value of the wrong
                type or out of bounds, or sizes that do not fit each other.
        """
        if not isinstance(content, dict):
            raise InputError(f"{where}: found {content!r}, expected a mapping of settings")
        hints = typing.get_type_hints(cls)
        fields = {entry.name: entry for entry in dataclasses.fields(cls)}  # type: ignore[arg-type]
        for name in content:
            if name not in fields:
                raise InputError(f"{where}: unknown key {name!r}, expected one of {list(fields)}")
        for name, entry in fields.items():
            if name not in content and required(entry):
                raise InputError(f"{where}: {name} is missing")
        try:
            return cls(**{k: _parse(hints[k], v, f"{where}, {k}") for k, v in content.items()})
        except InputError as error:
            text = str(error)
            raise (error if text.startswith(where) else InputError(f"{where}: {text}")) from None


def required(entry: dataclasses.Field) -> bool:
    """Whether a field has no default."""
    return entry.default is dataclasses.MISSING and entry.default_factory is dataclasses.MISSING


def _check(name: str, value: Any, limits: JsonTable) -> None:
    if value is None:
        return
    for keyword, bound in limits.items():
        if keyword == "items":
            for path, item in _entries(name, value):
                _check(path, item, bound)
            continue
        words, obeys = LIMITS[keyword]
        if not obeys(value, bound):
            expected = FORMATS[bound].words if keyword == "format" else words.format(bound)
            raise InputError(f"{name}: found {printable(repr(value))}, expected {expected}")


def _entries(name: str, value: Any) -> list[tuple[str, Any]]:
    """The entries of a tuple or dictionary, each with its dotted path."""
    if isinstance(value, dict):
        return [(f"{name}.{key}", item) for key, item in value.items()]
    return [(f"{name}[{number}]", item) for number, item in enumerate(value)]


def _plain(value: Any) -> Any:
    if isinstance(value, JsonConfig):
        return value.to_json()
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    return [_plain(entry) for entry in value] if isinstance(value, (tuple, list)) else value


def _parse(hint: Any, value: Any, where: str) -> Any:
    """Check ``value`` against a type hint of this module's configurations; lists become tuples."""
    if isinstance(hint, type) and issubclass(hint, JsonConfig):
        return value if isinstance(value, hint) else hint.from_json(value, where)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        if value is None and type(None) in arguments:
            return None
        return _parse_union([kind for kind in arguments if kind is not type(None)], value, where)
    if origin is tuple and isinstance(value, (list, tuple)):
        return tuple(_parse(arguments[0], entry, f"{where}[{n}]") for n, entry in enumerate(value))
    if origin is dict and isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: _parse(arguments[1], entry, f"{where}.{key}") for key, entry in value.items()}
    if origin is Literal:
        fits = value in arguments
    elif hint is float:
        fits = type(value) in (int, float)
    elif hint is Any:
        fits = True
    else:
        fits = type(value) is hint
    if not fits:
        expected = list(arguments) if origin is Literal else getattr(hint, "__name__", hint)
        raise InputError(f"{where}: found {value!r}, expected {expected}")
    return value


def _parse_union(hints: Sequence[Any], value: Any, where: str) -> Any:
    """A value as the first of several types that it fits."""
    problems = []
    for hint in hints:
        try:
            return _parse(hint, value, where)
        except InputError as error:
            problems.append(str(error))
    first, *others = problems
    raise InputError(" or ".join([first, *(text.rpartition("expected ")[2] for text in others)]))
