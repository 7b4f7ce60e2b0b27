"""Settings as frozen dataclasses that travel as JSON."""

import dataclasses
import types
import typing
from typing import Any, Literal, Self

from gcdr.base.errors import InputError


class JsonConfig:
    """A dataclass that reads itself from the plain dictionaries of a JSON file."""

    def to_json(self) -> dict[str, Any]:
        """The fields as plain values (nested dictionaries and lists), ready for ``json.dumps``."""
        return _plain(dataclasses.asdict(self))  # type: ignore[call-overload]

    @classmethod
    def from_json(cls, content: Any, where: str = "configuration") -> Self:
        """Read what ``to_json`` wrote; fields left out take their defaults.

        Args:
            content: a dictionary of field names and values.
            where: how error messages name the source, for example a file.

        Raises:
            InputError: not a dictionary, an unknown field, a value of the wrong type, or sizes that
                do not fit each other.
        """
        if not isinstance(content, dict):
            raise InputError(f"{where}: found {content!r}, expected a mapping of settings")
        hints = typing.get_type_hints(cls)
        names = [entry.name for entry in dataclasses.fields(cls)]  # type: ignore[arg-type]
        for name in content:
            if name not in names:
                raise InputError(f"{where}: unknown key {name!r}, expected one of {names}")
        try:
            return cls(**{k: _parse(hints[k], v, f"{where}, {k}") for k, v in content.items()})
        except InputError as error:
            text = str(error)
            raise (error if text.startswith(where) else InputError(f"{where}: {text}")) from None


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    return [_plain(entry) for entry in value] if isinstance(value, tuple) else value


def _parse(hint: Any, value: Any, where: str) -> Any:
    """Check ``value`` against a type hint of this module's configurations; lists become tuples."""
    if isinstance(hint, type) and issubclass(hint, JsonConfig):
        return hint.from_json(value, where)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):  # X | None
        return None if value is None else _parse(arguments[0], value, where)
    if origin is tuple and isinstance(value, (list, tuple)):
        return tuple(_parse(arguments[0], entry, f"{where}[{n}]") for n, entry in enumerate(value))
    if origin is dict and isinstance(value, dict):
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
