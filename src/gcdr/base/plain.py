"""What JSON and YAML hold, for the few places that read it before it has a type of its own."""

from collections.abc import Mapping
from typing import Any

JsonTable = dict[str, Any]
"""A JSON object: a card, a metrics file, settings as they are written."""

Config = Mapping[str, Any]
"""The configuration or a section of it; :mod:`gcdr.config` checks it, and ``gcdr.settings`` reads it."""


def changed_keys(mine: Any, other: Any, path: str) -> list[str]:
    """Dotted names of what is not the same in two tables."""
    if isinstance(mine, Mapping) and isinstance(other, Mapping):
        return [
            name
            for key in mine.keys() | other.keys()
            for name in changed_keys(mine.get(key), other.get(key), f"{path}.{key}")
        ]
    return [] if mine == other else [path]
