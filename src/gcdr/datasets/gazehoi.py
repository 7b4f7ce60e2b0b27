"""GazeHOI (Tafasca et al., NeurIPS 2024): people with an object, which is taken as what they look at."""

import ast
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from gcdr.base.problems import Places, Problems
from gcdr.data.manifest import BOX, OBJECT
from gcdr.data.vocabulary import MISSING, label_ids
from gcdr.datasets.assemble import Dataset, Rules, assemble
from gcdr.datasets.images import image_sizes
from gcdr.datasets.layout import HOI_PREDICTIONS, VOCABULARY, hoi_split
from gcdr.datasets.name_lists import names_beside
from gcdr.datasets.text import read_headed

OBJECT_BOX = ["o_xmin", "o_ymin", "o_xmax", "o_ymax"]
CENTRE = ["oc_x", "oc_y"]
HEAD_BOX = ["h_xmin", "h_ymin", "h_xmax", "h_ymax"]
COLUMNS = ["file_name", "pair_id", "object", "aux_object", *OBJECT_BOX, *CENTRE, *HEAD_BOX]
LARGE = 0.3
"""Longer side of an object over the shorter one of its picture from which on a predicted point may count."""


def read_gazehoi(root: Path, files: Sequence[Path]) -> Dataset:
    """Read a CSV a split, and the images in ``root`` or in the folder there that has the first one.

    Rows without a head (-1) are left out and counted. The point is the object's centre; of training people
    whose object is large that of ``gaze-predictions.csv``, if it is there and lies in the object's box. A
    person without an object's box has none; objects are held to ``vocab2id.json``, if it is there.
    """
    problems, parts, places = Problems(), [], []
    names = names_beside(root, problems) if (root / VOCABULARY).exists() else None
    for path in files:
        rows, where = _rows(path, str(hoi_split(path)), names, problems)
        parts.append(rows)
        places.append(where)
    rows, where = pd.concat(parts, ignore_index=True), Places.join(places)
    folder = _folder(root, rows["image"])
    rows["image"] = folder + rows["image"]
    predictions = root / HOI_PREDICTIONS
    if predictions.is_file():
        _take_predictions(rows, predictions, root, folder, problems)
    return assemble("gazehoi", rows, where, root, problems, Rules(gaze="pixels"))


def _rows(
    path: Path, split: str, names: tuple[str, ...] | None, problems: Problems
) -> tuple[pd.DataFrame, Places]:
    table = read_headed(path, COLUMNS, (), problems)
    columns = {"image": table.images("file_name"), "split": split, "label": table.text("object")}
    for numbers, ours in ((HEAD_BOX, BOX), (OBJECT_BOX, OBJECT), (CENTRE, ("gaze_x", "gaze_y"))):
        for name, our in zip(numbers, ours, strict=True):
            columns[our] = table.numbers(name, problems, "a number of pixels")
    rows = pd.DataFrame(columns, index=np.arange(len(table)))
    rows["pair"], rows["person"] = table.text("pair_id"), rows.index.astype(str) + f" {split}"
    rows["in_frame"] = pd.array([True] * len(rows), "boolean")
    written = table.text("aux_object")
    odd = np.array([bool(text) and synonyms(text) is None for text in written], bool)
    problems.rows(
        "not a list of names", "aux_object", "a list of texts", odd, table.places, written
    )
    nobody = (rows[BOX] == -1).all(axis=1).to_numpy()
    kind = "without a head, left out"
    problems.rows(kind, "h_xmin", "a head box", nobody, table.places, rows["image"], fatal=False)
    if len(rows) and nobody.all():
        found = f"no head in any of {len(rows):,} rows"
        problems.file(path, found, "head boxes of some people", "no head")
    _check_objects(rows, nobody, names, table.places, problems)
    return rows[~nobody].reset_index(drop=True), table.places.take(~nobody)


def _check_objects(
    rows: pd.DataFrame,
    nobody: np.ndarray,
    names: tuple[str, ...] | None,
    places: Places,
    problems: Problems,
) -> None:
    """What is wrong with people's boxes, points and names; an object's box of -1 becomes none."""
    head, box = rows[BOX].to_numpy(float), rows[OBJECT].to_numpy(float, copy=True)
    part = ~nobody & (head == -1).any(1)
    kind, expected = "head box with a -1, taken as a place", "four places, or -1 four times"
    problems.rows(kind, "h_xmin", expected, part, places, head, fatal=False)
    boxless = ~nobody & (box == -1).all(1)
    kind = "without an object's box, scored without it"
    problems.rows(kind, "o_xmin", "a box", boxless, places, rows["image"], fatal=False)
    box[(box == -1).all(1)] = np.nan
    rows[OBJECT] = box
    flat = ~nobody & (box[:, 2:] <= box[:, :2]).any(1)
    expected = "o_xmin < o_xmax and o_ymin < o_ymax in pixels"
    problems.rows("object's box without area", "o_xmin", expected, flat, places, box)
    centre = rows[["gaze_x", "gaze_y"]].to_numpy(float)
    away = ((centre < box[:, :2] - 1) | (centre > box[:, 2:] + 1)).any(1) & ~nobody & ~flat
    most = bool(away.sum() > 0.5 * (~nobody).sum())  # then columns are exchanged, or of other units
    kind = "centre outside its object's box" + ("" if most else ", taken as it is")
    problems.rows(kind, "oc_x", "a point in the box", away, places, centre, fatal=most)
    label = rows["label"]
    blank = ~nobody & (label == "").to_numpy()
    problems.rows("object without a name", "object", "a name", blank, places, label)
    if names is not None:
        unknown = ~nobody & ~blank & (label_ids(label, names) == MISSING)
        kind, expected = "object that the vocabulary has not, no name", f"a name of {VOCABULARY}"
        problems.rows(kind, "object", expected, unknown, places, label, fatal=False)


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
    rows: pd.DataFrame, path: Path, root: Path, folder: str, problems: Problems
) -> None:
    table = read_headed(path, ["path", "pid", "gp_pred_x", "gp_pred_y"], (), problems)
    points = np.stack([table.numbers(f"gp_pred_{side}", problems) for side in "xy"], 1)
    paths = folder + pd.Series(table.images("path"), dtype=object)
    keys = pd.Series(list(zip(paths, table.text("pid"), strict=True)), dtype=object)
    twice = keys.duplicated().to_numpy(bool)
    kind = "second prediction of a person, left out"
    problems.rows(kind, "pid", "one row a person", twice, table.places, paths, fatal=False)
    of_key = dict(zip(keys[~twice], points[~twice], strict=True))
    train = (rows["split"] == "train").to_numpy()
    people = list(zip(rows["image"], rows["pair"], strict=True))
    unmatched = ~keys.isin(set(people)).to_numpy(bool)
    fatal = bool(len(keys)) and bool(unmatched.all())
    kind, expected = (
        "prediction of nobody with a head, left out",
        "path and pid of a row of the CSVs",
    )
    problems.rows(kind, "pid", expected, unmatched, table.places, paths, fatal=fatal)
    predicted = np.array([of_key.get(key, (np.nan, np.nan)) for key in people], float).reshape(
        -1, 2
    )
    predicted[~train] = np.nan
    sizes = image_sizes(root, sorted(set(rows["image"])))[["width", "height"]]
    size = sizes.reindex(rows["image"]).to_numpy(float)
    centre = rows[["gaze_x", "gaze_y"]].to_numpy(float)
    rows[["gaze_x", "gaze_y"]] = training_points(
        centre, rows[OBJECT].to_numpy(float), size, predicted
    )


def _folder(root: Path, names: pd.Series) -> str:
    """The folder in ``root`` that has the first image, with a slash; empty where that is ``root``."""
    inner = sorted(f"{path.name}/" for path in root.iterdir() if path.is_dir())
    there = (one for one in ("", *inner) if len(names) and (root / one / names[0]).is_file())
    return next(there, "")
