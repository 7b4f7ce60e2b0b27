"""GazeHOI (Tafasca et al., NeurIPS 2024): people with an object, which is taken as what they look at."""

import ast
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from gcdr.base.problems import Places, Problems
from gcdr.data.manifest import BOX, OBJECT
from gcdr.datasets.assemble import Dataset, Rules, assemble
from gcdr.datasets.images import image_sizes
from gcdr.datasets.layout import HOI_PREDICTIONS, hoi_split
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
    whose object is large that of ``gaze-predictions.csv``, if it is there and lies in the object's box.
    """
    problems, parts, places = Problems(), [], []
    for path in files:
        rows, where = _rows(path, str(hoi_split(path)), problems)
        parts.append(rows)
        places.append(where)
    rows, where = pd.concat(parts, ignore_index=True), Places.join(places)
    folder = _folder(root, rows["image"])
    rows["image"] = folder + rows["image"]
    predictions = root / HOI_PREDICTIONS
    if predictions.is_file():
        _take_predictions(rows, predictions, root, folder, problems)
    return assemble("gazehoi", rows, where, root, problems, Rules(gaze="pixels"))


def _rows(path: Path, split: str, problems: Problems) -> tuple[pd.DataFrame, Places]:
    table = read_headed(path, COLUMNS, (), problems)
    columns = {"image": table.images("file_name"), "split": split, "label": table.text("object")}
    for names, ours in ((HEAD_BOX, BOX), (OBJECT_BOX, OBJECT), (CENTRE, ("gaze_x", "gaze_y"))):
        for name, our in zip(names, ours, strict=True):
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
    return rows[~nobody].reset_index(drop=True), table.places.take(~nobody)


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
    keys = zip(
        folder + pd.Series(table.images("path"), dtype=object), table.text("pid"), strict=True
    )
    of_key = {key: point for key, point in zip(keys, points, strict=True)}
    train = (rows["split"] == "train").to_numpy()
    people = list(zip(rows["image"], rows["pair"], strict=True))
    if of_key and not of_key.keys() & set(people):
        problems.file(
            path, "no row of a person", "rows by path and pid of the CSVs", "unmatched rows"
        )
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
