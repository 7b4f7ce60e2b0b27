"""Looking at a data set's images: names that stay inside, files that are there, sizes, decoding."""

import os
import unicodedata
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from gcdr.base.errors import InputError
from gcdr.data.pictures import form_of, open_image, shown_size

FRAMED = (
    ".gif",
    ".png",
    ".apng",
    ".webp",
    ".tif",
    ".tiff",
    ".avif",
)  # that can hold several pictures
CHUNK = 1000  # images that a process looks at between reports


def unsafe_names(names: pd.Series) -> np.ndarray:
    """Names that are empty, absolute or go upwards: with them a file outside the data set could be read.

    Returns:
        (N,) bool.
    """
    text = names.astype(str)
    absolute = text.str.match(r"[/\\]|[A-Za-z]:")
    upwards = text.str.contains(r"(?:^|[/\\])\.\.(?:[/\\]|$)", regex=True)
    return (absolute | upwards | (text == "") | names.isna()).to_numpy(bool)


def near_names(root: Path, names: pd.Series) -> pd.Series:
    """Names of files that are not there, each with what is there and was probably meant.

    A file may differ by upper and lower case, by the form of accents (macOS takes them apart), by
    backslashes, by blanks at the ends, or by another ending.

    Returns:
        (N,) text: the name, and in brackets what is different, where anything is.
    """
    there: dict[str, str] = {}
    for path in sorted(root.rglob("*"), reverse=True) if root.is_dir() else ():
        if not path.is_file():
            continue
        name = path.relative_to(root)
        there[_plain(name.with_suffix("").as_posix())] = name.as_posix()
    there |= {_plain(name): name for name in there.values()}

    def with_near(name: str) -> str:
        plain = _plain(name)
        near = there.get(plain) or there.get(os.path.splitext(plain)[0])
        marks = [f"there is {near!r}"] if near else []
        if near and unicodedata.normalize("NFC", near) == unicodedata.normalize("NFC", name):
            marks.append("its accents are written otherwise (NFC, NFD)")
        if "\\" in name:
            marks.append("backslashes, expected /")
        return f"{name} ({'; '.join(marks)})" if marks else name

    return names.astype(str).map(with_near)


def _plain(name: str) -> str:
    """A name without what files from elsewhere differ by."""
    return unicodedata.normalize("NFC", name).replace("\\", "/").strip().casefold()


def image_sizes(root: Path, names: Sequence[str]) -> pd.DataFrame:
    """Sizes of images from their headers, without decoding them.

    Args:
        root: folder that names are relative to.
        names: M names.

    Returns:
        (M rows) by name: ``width`` and ``height`` of the upright image in pixels (0 where unreadable),
        ``turned``: whether a mark in the file says that it is to be turned, and ``fault``: why it
        cannot be read, or empty.
    """
    rows = _over(partial(_size, root), names)
    return pd.DataFrame(rows, names, ["width", "height", "turned", "fault"])


def in_frames(root: Path, names: Sequence[str]) -> list[str]:
    """Images of several pictures (an animated GIF, a TIFF of pages), of which the first alone is read.

    A JPEG with a second picture, as telephones write, is none of them.
    """
    return [name for name in names if name.lower().endswith(FRAMED) and _frames(root / name) > 1]


def _frames(path: Path) -> int:
    """How many pictures a file holds; 1 where that cannot be told."""
    try:
        with Image.open(path) as image:
            return int(getattr(image, "n_frames", 1))
    except Exception:  # whoever reads it says what is wrong
        return 1


def undecodable(root: Path, names: Sequence[str]) -> dict[str, str]:
    """Decode images; those that cannot be, with the reason."""
    faults = _over(partial(_decode, root), names)
    return {name: fault for name, fault in zip(names, faults, strict=True) if fault}


def _over(look: Callable[[str], Any], names: Sequence[str]) -> list[Any]:
    """``look`` at every name, on all processors that this process may use."""
    if len(names) <= CHUNK or processors() == 1:
        return [look(name) for name in names]
    with ProcessPoolExecutor(processors()) as pool:
        return list(pool.map(look, names, chunksize=CHUNK))


def processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _size(root: Path, name: str) -> tuple[int, int, bool, str]:
    path = os.path.join(root, name)
    try:
        return *shown_size(path), ""
    except FileNotFoundError:
        return 0, 0, False, "no such file"
    except Image.DecompressionBombError:
        most = 2 * (Image.MAX_IMAGE_PIXELS or 0)
        return 0, 0, False, f"more than the {most:,} pixels that are read; make it smaller"
    except Exception as error:  # foreign bytes make decoders fail in many ways, each its own
        empty = os.path.isfile(path) and not os.path.getsize(path)
        reason = (getattr(error, "strerror", None) or "").lower() or form_of(path)
        reason = reason or "not an image that can be read"
        return 0, 0, False, "an empty file" if empty else reason


def _decode(root: Path, name: str) -> str:
    try:
        open_image(root / name)
    except InputError as error:
        return str(error.__cause__ or error)
    return ""
