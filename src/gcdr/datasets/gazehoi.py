"""GazeHOI (Tafasca et al., NeurIPS 2024): people with an object, which is taken as what they look at."""

import ast
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from gcdr.base.problems import Places, Problems
from gcdr.data.manifest import BOX, OBJECT
from gcdr.data.vocabulary import MISSING, label_ids
from gcdr.datasets.assemble import Dataset, Rules, assemble, check_scale
from gcdr.datasets.images import image_sizes, unsafe_names
from gcdr.datasets.layout import (
    HOI_PREDICTIONS,
    HOI_SPLITS,
    VOCABULARY,
    hoi_split,
    hoi_tables,
)
from gcdr.datasets.name_lists import names_beside
from gcdr.datasets.text import read_headed

OBJECT_BOX = ["o_xmin", "o_ymin", "o_xmax", "o_ymax"]
CENTRE, POINT = ["oc_x", "oc_y"], ["gaze_x", "gaze_y"]
HEAD_BOX = ["h_xmin", "h_ymin", "h_xmax", "h_ymax"]
COLUMNS = ["file_name", "pair_id", "object", "aux_object", *OBJECT_BOX, *CENTRE, *HEAD_BOX]
LARGE = 0.3
"""Longer side of an object over the shorter one of its picture from which on a predicted point may count."""


def read_gazehoi(root: Path, files: Sequence[Path]) -> Dataset:
    """Read a CSV a split, and the images in ``root`` or in the folder there that has the first one.

    Rows without a head (-1), and those with neither an object's box nor its centre, are left out and counted.
    The point is the object's centre; of training people whose object is large that of
    ``gaze-predictions.csv``, if it is there and lies in the object's box. A person without an object's box
    has none; objects are held to ``vocab2id.json``, if it is there.
    """
    problems, parts, places = Problems(), [], []
    names = names_beside(root, problems) if (root / VOCABULARY).exists() else None
    _check_files(root, files, problems)
    for path in files:
        rows, where = _rows(path, str(hoi_split(path)), names, problems)
        parts.append(rows)
        places.append(where)
    rows, where = pd.concat(parts, ignore_index=True), Places.join(places)
    folder = _folder(root, rows["image"])
    rows["image"] = folder + rows["image"]
    safe = rows["image"][~unsafe_names(rows["image"])]
    sizes = image_sizes(root, sorted(safe.unique()))
    usable = _check_objects(rows, _size(rows, sizes), where, problems)
    rows, where = rows[usable].reset_index(drop=True), where.take(usable)
    predictions = root / HOI_PREDICTIONS
    if predictions.is_file():
        _take_predictions(rows, predictions, _size(rows, sizes), folder, problems)
    return assemble("gazehoi", rows, where, root, problems, Rules(gaze="pixels"), sizes)


def _check_files(root: Path, files: Sequence[Path], problems: Problems) -> None:
    """Tell of CSVs that are not read, and refuse two of one split, whose people would count twice."""
    for path in hoi_tables(root):
        if path not in files:
            expected = f"{', '.join(HOI_SPLITS)} as a word in it, or no such file"
            kind, found = "CSV of no split, left out", f"the name {path.name!r}"
            problems.file(path, found, expected, kind, fatal=False)
    first: dict[str | None, Path] = {}
    for path in files:
        if (other := first.setdefault(hoi_split(path), path)) != path:
            found = f"the split {hoi_split(path)} again, after {other.name}"
            problems.file(path, found, "one file a split", "second file of a split")


def _size(rows: pd.DataFrame, sizes: pd.DataFrame) -> np.ndarray:
    """Width and height (N, 2) of the rows' pictures; 0 or NaN where they cannot be looked at."""
    return sizes[["width", "height"]].reindex(rows["image"]).to_numpy(float)


def _rows(
    path: Path, split: str, names: tuple[str, ...] | None, problems: Problems
) -> tuple[pd.DataFrame, Places]:
    """The people with a head of a file, an object's box of -1 as none."""
    table = read_headed(path, COLUMNS, (), problems)
    columns = {"image": table.images("file_name"), "split": split, "label": table.text("object")}
    for numbers, ours in ((HEAD_BOX, BOX), (OBJECT_BOX, OBJECT), (CENTRE, POINT)):
        for name, our in zip(numbers, ours, strict=True):
            columns[our] = table.numbers(name, problems, "a number of pixels")
    rows = pd.DataFrame(columns, index=np.arange(len(table)))
    rows["pair"], rows["person"] = table.text("pair_id"), rows.index.astype(str) + f" {split}"
    rows["in_frame"] = pd.array([True] * len(rows), "boolean")
    written = table.text("aux_object")
    odd = np.array([bool(text) and synonyms(text) is None for text in written], bool)
    kind = "not a list of names"
    problems.rows(kind, "aux_object", "a list of texts", odd, table.places, written)
    head = rows[BOX].to_numpy(float)
    nobody = (head == -1).all(1)
    kind = "without a head, left out"
    problems.rows(kind, "h_xmin", "a head box", nobody, table.places, rows["image"], fatal=False)
    if len(rows) and nobody.all():
        found = f"no head in any of {len(rows):,} rows"
        problems.file(path, found, "head boxes of some people", "no head")
    part = ~nobody & (head == -1).any(1)
    kind, expected = "head box with a -1, taken as a place", "four places, or -1 four times"
    problems.rows(kind, "h_xmin", expected, part, table.places, head, fatal=False)
    rows, places = rows[~nobody].reset_index(drop=True), table.places.take(~nobody)
    label = rows["label"]
    blank = (label == "").to_numpy()
    problems.rows("object without a name", "object", "a name", blank, places, label)
    if names is not None:
        unknown = ~blank & (label_ids(label, names) == MISSING)
        fatal = len(rows) > 0 and bool((unknown | blank).all())  # nobody would have a name
        kind, expected = "object that the vocabulary has not, no name", f"a name of {VOCABULARY}"
        problems.rows(kind, "object", expected, unknown, places, label, fatal=fatal)
    return rows, places


def _check_objects(
    rows: pd.DataFrame, size: np.ndarray, places: Places, problems: Problems
) -> np.ndarray:
    """What is wrong with objects' boxes and centres; a box of -1 becomes none.

    Args:
        rows: the people.
        size: (N, 2) of their pictures, see :func:`_size`.
        places: where they stand.
        problems: gets what is wrong.

    Returns:
        (N,) bool, the people of whom it can be said where they look.
    """
    box, centre = rows[OBJECT].to_numpy(float, copy=True), rows[POINT].to_numpy(float)
    boxless = (box == -1).all(1)
    nowhere = boxless & (centre == -1).all(1)
    kind, fatal = "without an object's box and centre, left out", bool(nowhere.all())
    problems.rows(kind, "o_xmin", "a box", nowhere, places, rows["image"], fatal=fatal)
    kind, boxless = "without an object's box, scored without it", boxless & ~nowhere
    problems.rows(kind, "o_xmin", "a box", boxless, places, rows["image"], fatal=False)
    box[boxless | nowhere] = np.nan
    rows[OBJECT] = box
    flat = (box[:, 2:] <= box[:, :2]).any(1)
    expected = "o_xmin < o_xmax and o_ymin < o_ymax in pixels"
    problems.rows("object's box without area", "o_xmin", expected, flat, places, box)
    check_scale(box, "object's box", "o_xmin", places, problems)
    seen = (size > 0).all(1) & ~flat
    outside = seen & ((box[:, 2:] <= 0) | (box[:, :2] >= size)).any(1)
    beyond = seen & ~outside & ((box < 0) | (box > np.tile(size, 2))).any(1)
    sized, expected = np.hstack([box, size]), "a box that overlaps its image"
    kind, column = "object's box outside the image", "o_xmin to o_ymax and image size"
    problems.rows(kind, column, expected, outside, places, sized)
    kind, expected = "object's box beyond the image, kept", "a box in its image"
    problems.rows(kind, column, expected, beyond, places, sized, fatal=False)
    looked = np.isfinite(centre).all(1) & ~(nowhere | flat | outside)
    off = looked & seen & ((centre < 0) | (centre > size)).any(1)
    kind, found = "object's centre outside the image", np.hstack([centre, size])
    problems.rows(kind, "oc_x, oc_y and image size", "a point in its image", off, places, found)
    away = looked & ~off & ((centre < box[:, :2] - 1) | (centre > box[:, 2:] + 1)).any(1)
    most = bool(away.sum() > 0.5 * len(rows))  # then columns are exchanged, or of other units
    kind = "centre outside its object's box" + ("" if most else ", taken as it is")
    problems.rows(kind, "oc_x", "a point in the box", away, places, centre, fatal=most)
    return looked & ~off


def synonyms(text: str) -> tuple[str, ...] | None:
    """Names in a list as Python writes it; None where the text is none. Nothing in it is run."""
    try:
        found = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    fits = isinstance(found, list | tuple) and all(isinstance(name, str) for name in found)
    return tuple(found) if fits else None


def training_points(
    centre: np.ndarray, box: np.ndarray, size: np.ndarray, predicted: np.ndarray
) -> np.ndarray:
    """Where people are taken to look when a model is trained.

    Args:
        centre: (N, 2) centres of objects in pixels.
        box: (N, 4) boxes of objects in pixels.
        size: (N, 2) width and height of their pictures.
        predicted: (N, 2) points of a model in 0..1; NaN where there is none.

    Returns:
        (N, 2) in pixels: the predicted point where it lies in the box, edges included, and the box is large
        (``LARGE``); else the centre.
    """
    point = predicted * size
    inside = ((point >= box[:, :2]) & (point <= box[:, 2:])).all(1)
    large = (box[:, 2:] - box[:, :2]).max(1) >= LARGE * size.min(1)
    return np.where((inside & large)[:, None], point, centre)


def _take_predictions(
    rows: pd.DataFrame, path: Path, size: np.ndarray, folder: str, problems: Problems
) -> None:
    """Move the points of training people with a large object to what a model said."""
    table = read_headed(path, ["path", "pid", "gp_pred_x", "gp_pred_y"], (), problems)
    points = np.stack([table.numbers(f"gp_pred_{side}", problems) for side in "xy"], 1)
    off = ((points < 0) | (points > 1)).any(1)
    fatal = bool(off.sum() > 0.5 * len(off))  # then they are of other units
    kind, expected = (
        "prediction outside the image, left out",
        "shares of its width and height, 0 to 1",
    )
    problems.rows(kind, "gp_pred_x, gp_pred_y", expected, off, table.places, points, fatal=fatal)
    points[off] = np.nan
    paths = folder + pd.Series(table.images("path"), dtype=object)
    keys = pd.Series(list(zip(paths, table.text("pid"), strict=True)), dtype=object)
    twice = keys.duplicated().to_numpy(bool)
    kind, column = "second prediction of a person, left out", "path, pid"
    problems.rows(kind, column, "one row a person", twice, table.places, keys, fatal=False)
    of_key = dict(zip(keys[~twice], points[~twice], strict=True))
    people = list(zip(rows["image"], rows["pair"], strict=True))
    unmatched = ~keys.isin(set(people)).to_numpy(bool)
    fatal = bool(len(keys)) and bool(unmatched.all())
    kind = "prediction of nobody with a head, left out"
    expected = "file_name and pair_id of a row of the CSVs"
    problems.rows(kind, column, expected, unmatched, table.places, keys, fatal=fatal)
    nothing = (np.nan, np.nan)
    predicted = np.array([of_key.get(key, nothing) for key in people], float).reshape(-1, 2)
    predicted[~(rows["split"] == "train").to_numpy()] = np.nan
    centre, box = rows[POINT].to_numpy(float), rows[OBJECT].to_numpy(float)
    rows[POINT] = training_points(centre, box, size, predicted)


def _folder(root: Path, names: pd.Series) -> str:
    """The folder in ``root`` that has the first images, with a slash; empty where that is ``root``."""
    folders = ["", *sorted(f"{path.name}/" for path in root.iterdir() if path.is_dir())]
    for name in names[~unsafe_names(names)][:20]:  # some of which may be missing
        if found := [one for one in folders if (root / one / name).is_file()]:
            return found[0]
    return ""
