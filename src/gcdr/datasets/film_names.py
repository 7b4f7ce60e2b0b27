"""What films are called: of a video file its name without the ending, of a folder of frames its name."""

from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd

VIDEO_ENDINGS = (
    ".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".m2v", ".ts", ".mts", ".m2ts",
    ".wmv", ".asf", ".flv", ".3gp", ".3g2", ".ogv", ".mxf", ".vob", ".dv",
)  # fmt: skip
"""Endings by which a file is taken for a video."""


def without_ending(name: str) -> str:
    """A name without the ending of a video file; what else stands behind a dot is part of the name."""
    stem, _, ending = name.rpartition(".")
    return stem if stem and f".{ending}".lower() in VIDEO_ENDINGS else name


def film_name(video: Path) -> str:
    """The name of a video: of a folder all of it, dots or not."""
    name = video.name if video.name not in ("", "..") else video.resolve().name
    return name if video.is_dir() else without_ending(name)


def named_films(sequence: np.ndarray, films: Collection[str]) -> pd.Series:
    """Which film each row is of.

    Args:
        sequence: (N,) text, what the rows call it: by its name, or by that and the ending of a video file.
        films: the names of all films there are.

    Returns:
        (N,) object, the film's own name; None where there is none of that name. Films that differ behind a
        dot (``P1.camA``, ``P1.camB``) are two, and neither is ``P1``.
    """
    there = set(films)
    called = {
        text: next((name for name in (text, without_ending(text)) if name in there), None)
        for text in pd.unique(pd.Series(sequence, dtype=object))
    }
    return pd.Series([called[text] for text in sequence], dtype=object)
