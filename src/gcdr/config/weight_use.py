"""Weights that a configuration names, and what is to be looked at in them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Use:
    """Weights that the configuration names.

    Attributes:
        key: where.
        source: file or folder, as it stands there.
        files: what must be there.
        checks: what looks into them, where they are used.
        why: what they are needed for, where that is not plain.
        quiet: whether another check names what is not there.
    """

    key: str
    source: str
    files: tuple[Path, ...]
    checks: tuple[Callable[[], object], ...] = ()
    why: str = ""
    quiet: bool = False
