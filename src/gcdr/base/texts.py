"""What texts a setting may hold, by kind: the only place that says it.

A kind is a ``format`` of the configuration's schema and of :func:`gcdr.base.jsonconfig.setting`.
"""

import re
import unicodedata
import urllib.parse
from collections.abc import Callable
from typing import NamedTuple

NAME = (
    r"^(?!(?i:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|\Z))"
    r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,62}[A-Za-z0-9_-])?\Z"
)
"""Names that become part of a path, and of the names of files that join several of them.

Windows drops a dot at a name's end, and takes con, nul and the like, with any ending, for devices.
"""

SHARE = r"^([1-9][0-9]?|100)\Z"
"""Label shares in per cent, as keys of a table."""

LONGEST = {"part of a path": 255, "path": 4000, "address": 2000, "text": 4000, "word": 64}
"""Bytes that a file system takes, characters of the others."""


class Format(NamedTuple):
    """A kind of text.

    Attributes:
        words: what is expected, for people.
        fits: whether a text is of the kind.
    """

    words: str
    fits: Callable[[str], bool]


def is_name(text: str) -> bool:
    """Whether a text can stand in paths of results: never a way out of them, nor an option."""
    return bool(re.search(NAME, text))


def is_path(text: str) -> bool:
    """Whether a text can be the path of a file: on one line, and such as a file system and a rule take."""
    if text in ("", "null", "~", "--") or text != text.strip() or has_control(text):
        return False
    if {"{", "}"} & set(text):
        return False  # a wildcard to Snakemake
    longest = max(len(part.encode()) for part in text.split("/"))
    return longest <= LONGEST["part of a path"] and len(text.encode()) <= LONGEST["path"]


def is_address(text: str) -> bool:
    """Whether a text is an address of the web with a host, without a user or a fragment."""
    if len(text) > LONGEST["address"] or not re.search(r"^https?://[!-~]+\Z", text):
        return False
    try:
        parts = urllib.parse.urlsplit(text)
        host, port = parts.hostname or "", parts.port  # raises of a port that is none
    except ValueError:
        return False
    plain = "@" not in parts.netloc and "#" not in text and port != 0
    return plain and all(1 <= len(label) <= 63 for label in host.removesuffix(".").split("."))


def is_remote(text: str) -> bool:
    """Whether a text is an address, or a path within a folder that does not lead out of it."""
    if "://" in text:
        return is_address(text) and not text.endswith(("/", "/.."))
    inside = not text.startswith(("/", "-")) and not {"", ".", ".."} & set(text.split("/"))
    return is_path(text) and inside


def is_device(text: str) -> bool:
    """Whether a text names where to compute."""
    return bool(re.search(r"^(auto|cpu|cuda(:[0-9]{1,2})?)\Z", text))


def is_prose(text: str) -> bool:
    """Whether a text says something: it may have several lines, and no other control character."""
    line = text.replace("\n", "").replace("\t", "")
    return bool(text.strip()) and len(text) <= LONGEST["text"] and not has_control(line)


def is_word(text: str) -> bool:
    """Whether a text can be one of several fixed words; which, its reader knows."""
    return 0 < len(text) <= LONGEST["word"] and text.isprintable() and text == text.strip()


FORMATS = {
    "name": Format(
        "a name (at most 64 letters, digits, _ . and -, the first no . or -, the last no ., "
        "and none of the devices of Windows: con, nul, ...)",
        is_name,
    ),
    "path": Format(
        "a path (no control characters, braces or outer blanks, each part of at most 255 bytes)",
        is_path,
    ),
    "address": Format("an address (http:// or https://, without blanks)", is_address),
    "remote": Format("the name of a file (without ..) or a whole address", is_remote),
    "device": Format("one of auto, cpu, cuda or cuda:0 to cuda:99", is_device),
    "prose": Format("a text (1 to 4000 characters, no control characters)", is_prose),
    "word": Format("a word (at most 64 characters)", is_word),
}


def folded(text: str) -> str:
    """A name or path as a disk that knows neither capitals nor forms of Unicode tells it from others."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def has_control(text: str) -> bool:
    """Whether a text holds control characters, ends of lines, or halves of characters."""
    return any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in text)


def printable(text: str, most: int = 80) -> str:
    """A text on one line, as messages show it: what cannot be printed escaped, and shortened if long."""
    shown = "".join(
        c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode()
        for c in text[: most + 1]
    )
    return shown if len(shown) <= most else shown[: most - 3] + "..."
