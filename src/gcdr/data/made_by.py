"""The settings that made a store, beside those that its place stands for."""

from collections.abc import Mapping
from typing import Any

from gcdr.base.errors import InputError


def check_made_by(
    path: object, found: Mapping[str, Any], expected: Mapping[str, Any] | None, within: str = ""
) -> None:
    """Compare the settings that made a store with those that its place stands for.

    Args:
        path: the store, for the message.
        found: its ``made_by``; it may say more than is expected.
        expected: what is known of it; None, or empty, where nothing is.
        within: dotted key of what both are of.

    Raises:
        InputError: names the first setting that differs.
    """
    for key, asked in (expected or {}).items():
        name, stored = f"{within}{key}", found.get(key)
        if isinstance(asked, Mapping) and isinstance(stored, Mapping):
            check_made_by(path, stored, asked, f"{name}.")
        elif stored != (list(asked) if isinstance(asked, tuple) else asked):
            raise InputError(
                f"{path}: made with {name} {stored!r}, expected {asked!r}; it was made by other settings, "
                "make it again"
            )
