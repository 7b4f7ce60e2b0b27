"""Vocabularies of what is looked at: names in the order of their numbers."""

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gcdr.base.errors import InputError
from gcdr.base.texts import has_control

WORLD_VOCABULARY = "world"
"""What the configuration calls the demo world's own, which needs no file."""

JOINING = "\u200c\u200d"
"""Signs without width that scripts are written with, such as Persian; all others are no part of a name."""

TABLES = (".csv", ".tsv")
NUMBERED = re.compile(r"[,;\t]\s*\d+$")
"""How a line ends that has a number beside its name."""

MISSING = -1
"""The number of a label that is missing."""


def read_vocabulary(path: str | Path) -> tuple[str, ...]:
    """The names of a vocabulary.

    Args:
        path: JSON of names to numbers from 0 on, which must be in the alphabetical order of the names as
            ``vocab2id.json`` is; or a text with a name a line, in any order.

    Raises:
        InputError: one line that says what is wrong: it is absent, no UTF-8, a table, empty, has a name twice
            (also in another form of Unicode, or in capitals), a blank one or one with signs that nobody sees,
            or its numbers are not those of the alphabetical order.
    """
    path = Path(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: {(error.strerror or str(error)).lower()}") from error
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: found byte 0x{error.object[error.start]:02x} at {error.start}, expected UTF-8 text"
        ) from error
    names = _from_json(text, path) if path.suffix.lower() == ".json" else _from_lines(text, path)
    if not names:
        raise InputError(f"{path}: found no name, expected at least one")
    if odd := [name for name in names if has_control(name)]:
        raise InputError(f"{path}: found {odd[0]!a}, expected names without control characters")
    if odd := [name for name in names if not name.strip() or name != name.strip()]:
        raise InputError(f"{path}: found {odd[0]!r}, expected names without blanks at their ends")
    if odd := [name for name in names if _unseen(name) - set(JOINING)]:
        raise InputError(f"{path}: found {odd[0]!a}, expected names without signs that nobody sees")
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise InputError(
            f"{path}: found {twice[0]!r} {Counter(names)[twice[0]]} times, expected once"
        )
    _check_apart(names, path, _as_seen, "look the same")
    _check_apart(names, path, lambda name: _as_seen(name).casefold(), "differ by capitals alone")
    return names


def _check_apart(names: Sequence[str], path: Path, seen: Callable[[str], str], how: str) -> None:
    """Refuse two names that are seen as one."""
    first: dict[str, str] = {}
    for name in names:
        if (other := first.setdefault(seen(name), name)) != name:
            raise InputError(
                f"{path}: found {other!a} and {name!a}, which {how}, expected each name once"
            )


def _unseen(name: str) -> set[str]:
    """The signs of a name that have no width, or only say how it is laid out."""
    return {sign for sign in name if unicodedata.category(sign) == "Cf"}


def _as_seen(name: str) -> str:
    """A name by which two that look the same are the same."""
    return unicodedata.normalize("NFC", "".join(one for one in name if one not in JOINING))


def _from_lines(text: str, path: Path) -> tuple[str, ...]:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if lines and (path.suffix.lower() in TABLES or all(map(NUMBERED.search, lines))):
        raise InputError(
            f"{path}: found a table ({lines[0]!r} first), expected a text with a name a line, or JSON of "
            "names to numbers"
        )
    return tuple(lines)


def _from_json(text: str, path: Path) -> tuple[str, ...]:
    try:
        pairs = json.loads(text, object_pairs_hook=lambda pairs: pairs)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{path}: found no readable JSON ({error}), expected names to numbers, such as a vocab2id"
        ) from error
    if not isinstance(pairs, list) or not all(_is_pair(pair) for pair in pairs):
        raise InputError(
            f"{path}: found JSON of another form, expected an object of names to whole numbers, such as a "
            "vocab2id"
        )
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        return tuple(names)  # which the caller refuses by name
    order = sorted(names)
    for number, name in enumerate(order):
        if (found := dict(pairs)[name]) != number:
            raise InputError(
                f"{path}: found {name!r} as number {found}, expected {number}: numbers must follow the "
                "alphabetical order of the names, from 0 on"
            )
    return tuple(order)


def _is_pair(pair: Any) -> bool:
    fits = isinstance(pair, tuple) and len(pair) == 2
    return fits and isinstance(pair[0], str) and type(pair[1]) is int


def label_ids(labels: Sequence[Any], vocabulary: Sequence[str]) -> np.ndarray:
    """Places (N,) int64 of labels in a vocabulary; ``MISSING`` for those that are none of its names."""
    place = {name: number for number, name in enumerate(vocabulary)}
    return np.array([place.get(label, MISSING) for label in labels], np.int64)


def parted_names(text: str, vocabulary: Sequence[str]) -> tuple[tuple[str, ...], bool]:
    """Names that were joined by hyphens, some of which may have hyphens themselves.

    Args:
        text: such as ``"cup-t-shirt"``.
        vocabulary: the names that there are.

    Returns:
        the names of the vocabulary, as few as there can be where as few words as possible are of no name; and
        whether there are such words, which are left out.
    """
    known, words = set(vocabulary), text.split("-")
    best: list[tuple[int, int, tuple[str, ...]]] = [(0, 0, ())]  # words of no name, names, these
    for end in range(1, len(words) + 1):
        lost, count, names = best[-1]
        ways = [(lost + 1, count, names)]
        for start in range(end):
            if (name := "-".join(words[start:end])) in known:
                lost, count, names = best[start]
                ways.append((lost, count + 1, (*names, name)))
        best.append(min(ways, key=lambda way: way[:2]))
    return best[-1][2], best[-1][0] > 0
