"""GOO-Real (Tomas et al., 2021): people before the shelves of a shop, each looking at an article.

A pickle a split: a list of dictionaries, one an image with one person. It is read without running anything
it names.
"""

from collections.abc import Sequence
from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np
import pandas as pd

from gcdr.base.errors import InputError
from gcdr.base.problems import Places, Problems
from gcdr.data.manifest import BOX
from gcdr.datasets.assemble import Dataset, Rules, assemble, frame_numbers
from gcdr.datasets.layout import GOOREAL
from gcdr.datasets.text import plain_name

GRID = (640, 480)
"""Size that all coordinates are of, whatever the size of the images, which are of 1920 x 1080."""

POINT = ["gaze_cx", "gaze_cy", "hx", "hy"]
CLASSES = (
    "Kellogg's Corn Flakes", "Honey Stars", "Koko Krunch", "Fita", "Mamon", "Buttercake", "Wafer",
    "Choco Crunchies", "iHop", "Butterlicious", "Pik-nik", "Pringles", "Super Fruits", "Locally Mango",
    "Camomille", "Oishi Prawn", "Kimchi Noodles", "Grahams", "Hansel", "Danisa", "Chocolate Chips",
    "Fresh Milk", "Bear brand", "Chuckie",
)  # fmt: skip
"""Of articles, from number 1 on, as in the authors' objectclasses.txt; 25, or -1, is a head."""


def read_gooreal(root: Path, files: Sequence[Path]) -> Dataset:
    """Read the pickles of GOO-Real and the images in ``root``, or in the folder there that has the first one.

    The head box is the last of ``ann.bboxes``, the gaze point ``gaze_cx``, ``gaze_cy``, the noun the class
    ``gaze_item`` of the article looked at. Everybody looks into the frame. The folder that an image lies in
    is its ``sequence``, the first part of that its ``group``; who is the same person in two images is not
    said, and so there is no ``track``.
    """
    problems, parts, places = Problems(), [], []
    for path in files:
        rows, where = _file(path, root, problems)
        parts.append(rows)
        places.append(where)
    rows = pd.concat(parts, ignore_index=True)
    rows["person"] = np.arange(len(rows))
    rules = Rules(gaze="pixels", repair=True, grid=GRID)
    return assemble("gooreal", rows, Places.join(places), root, problems, rules)


def _file(path: Path, root: Path, problems: Problems) -> tuple[pd.DataFrame, Places]:
    """Rows of one pickle; an entry is an image."""
    entries = _entries(path, problems)
    number = np.arange(1, len(entries) + 1)
    places = Places((str(path),), np.zeros(len(entries), int), number, "entry")
    values = [_numbers(entry) for entry in entries]
    right = np.array([value is not None for value in values], bool)
    expected = "a dictionary with filename, gaze_cx, gaze_cy, hx, hy and ann.bboxes (boxes of four)"
    problems.rows(
        "not an image of GOO-Real", "entry", expected, ~right, places, [*map(_brief, entries)]
    )
    kept = [entry for entry, fits in zip(entries, right, strict=True) if fits]
    places = places.take(right)
    found = np.array([value for value in values if value is not None]).reshape(-1, 8)
    rows = pd.DataFrame(found[:, :4], columns=BOX)
    rows[["gaze_x", "gaze_y"]] = found[:, 4:6]
    head = found[:, 6:]
    away = ((head < found[:, :2]) | (head > found[:, 2:4])).any(1)
    kind = "head point outside the last box, which is taken as the head all the same"
    problems.rows(kind, "hx, hy", "a point in it", away, places, found, fatal=False)
    names = pd.Series([_name(entry) for entry in kept], dtype=object)
    folder = _folder(root, names)
    rows["image"] = (folder + names).map(plain_name)
    rows["sequence"] = names.str.extract("(.+)/", expand=False)
    rows["group"] = names.str.extract("(.+?)/", expand=False)
    rows["frame"] = frame_numbers(rows["image"]).where(rows["sequence"].notna())
    rows["split"] = next(split for split, named in GOOREAL.items() if path.name in named)
    rows["label"] = pd.Series([_article(entry.get("gaze_item")) for entry in kept], dtype=object)
    rows["in_frame"] = pd.array([True] * len(rows), "boolean")
    return rows, places


def _entries(path: Path, problems: Problems) -> list[Any]:
    from gcdr.base.unpickling import read_pickle  # not above: other layouts need no torch

    try:
        content = read_pickle(path)
    except InputError as error:
        problems.file(path, str(error).removeprefix(f"{path}: "), "a pickled list of dictionaries")
        return []
    if not isinstance(content, list) or not content:
        found = f"a {type(content).__name__} at the top" if content != [] else "an empty list"
        problems.file(path, found, "a pickled list of dictionaries")
        return []
    return content


def _numbers(entry: Any) -> list[float] | None:
    """Head box, gaze point and head point of an entry, or None where it has them not."""
    try:
        name, boxes = entry["filename"], entry["ann"]["bboxes"]
        values = np.array([*boxes[-1], *(entry[key] for key in POINT)], float)
    except (TypeError, KeyError, IndexError, ValueError):
        return None
    fits = isinstance(name, str) and len(values) == 8 and np.isfinite(values).all()
    return values.tolist() if fits else None


def _name(entry: Any) -> str:
    """An image's name with slashes; the authors wrote backslashes."""
    return PureWindowsPath(entry["filename"]).as_posix()


def _folder(root: Path, names: pd.Series) -> str:
    """The folder in ``root`` that has the first image, with a slash; empty where that is ``root``."""
    inner = sorted(f"{path.name}/" for path in root.iterdir() if path.is_dir())
    there = (name for name in ("", *inner) if len(names) and (root / name / names[0]).is_file())
    return next(there, "")


def _article(number: Any) -> str | None:
    known = isinstance(number, int | float | np.number) and number in range(1, len(CLASSES) + 1)
    return CLASSES[int(number) - 1] if known else None


def _brief(entry: Any) -> Any:
    return sorted(map(str, entry)) if isinstance(entry, dict) else entry
