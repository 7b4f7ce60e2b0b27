"""Looking at a data set's images: names that stay inside, files that are there, sizes, decoding."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import ExifTags, Image

from gcdr.base.errors import InputError
from gcdr.data.pictures import open_image

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
        with Image.open(path) as image:
            width, height = image.size
            turned = False
            if "exif" in image.info or "xmp" in image.info:
                turned = image.getexif().get(ExifTags.Base.Orientation, 1) in (5, 6, 7, 8)
            return (height, width, True, "") if turned else (width, height, False, "")
    except FileNotFoundError:
        return 0, 0, False, "no such file"
    except Image.DecompressionBombError as error:
        return 0, 0, False, str(error)
    except Exception as error:  # foreign bytes make decoders fail in many ways, each its own
        empty = os.path.isfile(path) and not os.path.getsize(path)
        reason = getattr(error, "strerror", None) or "not an image that can be read"
        return 0, 0, False, "an empty file" if empty else reason.lower()


def _decode(root: Path, name: str) -> str:
    try:
        open_image(root / name)
    except InputError as error:
        return str(error.__cause__ or error)
    return ""
