"""GazeFollow as extended by Chong et al. (2018), with or without the body boxes that GCDR added.

Files are comma-separated without a header. The training file has 17 columns; the test file lacks
``inout`` and has one row an annotator. Four more columns are body boxes in pixels, negative where no
body was found.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from gcdr.base.problems import Places, Problems
from gcdr.data.manifest import BODY, BOX
from gcdr.datasets.assemble import Dataset, Rules, assemble
from gcdr.datasets.text import Table, read_headless

COLUMNS = [
    "path", "idx", "body_bbox_x", "body_bbox_y", "body_bbox_w", "body_bbox_h", "eye_x", "eye_y",
    "gaze_x", "gaze_y", "bbox_x_min", "bbox_y_min", "bbox_x_max", "bbox_y_max",
]  # fmt: skip
HEAD = COLUMNS[-4:]
BODIES = ["body_x1", "body_y1", "body_x2", "body_y2"]
LAYOUTS = {
    16: [*COLUMNS, "meta", "ori_name"],
    17: [*COLUMNS, "inout", "meta", "ori_name"],
    20: [*COLUMNS, "meta", "ori_name", *BODIES],
    21: [*COLUMNS, "inout", "meta", "ori_name", *BODIES],
}


def read_released_split(path: Path) -> pd.DataFrame:
    """One of the authors' split files: the people who keep their label.

    Args:
        path: ``weak_supervision/train_annotations_weak_ratio{share}_use.txt``.

    Returns:
        ``image`` and the columns of ``BOX`` in pixels, one row a person.

    Raises:
        InputError: lists all that is wrong with it.
    """
    problems = Problems()
    rows, _ = read_gazefollow_rows(path, "train", problems)
    problems.stop(str(path))
    return rows[["image", *BOX]]


def read_gazefollow(root: Path, files: Sequence[Path]) -> Dataset:
    """Read GazeFollow from its annotation files (test if the name begins so) and the images in ``root``.

    As in the reference, training rows with ``inout`` -1 and with a head box that is none are left out,
    and test rows with the same image and ``eye_x`` are annotators of one person, who looks into the
    frame.
    """
    problems, parts, places = Problems(), [], []
    for path in files:
        split = "test" if path.name.startswith("test") else "train"
        rows, where = read_gazefollow_rows(path, split, problems)
        parts.append(rows)
        places.append(where)
    rows = pd.concat(parts, ignore_index=True)
    return assemble("gazefollow", rows, Places.join(places), root, problems, Rules(repair=True))


def read_gazefollow_rows(path: Path, split: str, problems: Problems) -> tuple[pd.DataFrame, Places]:
    """Rows of one annotation file as :func:`gcdr.datasets.assemble.assemble` takes them."""
    table = read_headless(path, LAYOUTS, problems)
    columns = {"image": table.images("path"), "split": split, "label": None}
    for name, ours in zip(HEAD, BOX, strict=True):
        columns[ours] = table.numbers(name, problems, "a number of pixels")
    for name in ("gaze_x", "gaze_y"):
        columns[name] = table.numbers(name, problems)
    eye = table.numbers("eye_x", problems)
    rows = pd.DataFrame(columns, index=np.arange(len(table)))
    rows["idx"] = table.text("idx")
    rows["person"] = rows.index.astype(str) + f" {split}"
    if split == "test":
        group = rows.groupby([rows["image"], eye], dropna=False, sort=False).ngroup()
        rows["person"] = group.astype(str) + f" {split}"
    if BODIES[0] in table.columns:
        for name, ours in zip(BODIES, BODY, strict=True):
            rows[ours] = table.numbers(name, problems, "a number of pixels")
    return _by_inout(rows, table, split, problems)


def _by_inout(
    rows: pd.DataFrame, table: Table, split: str, problems: Problems
) -> tuple[pd.DataFrame, Places]:
    """Who looks into the frame; rows that are told invalid are left out."""
    rows["in_frame"] = pd.array([True] * len(rows), "boolean")
    places = table.places
    if "inout" in table.columns:
        expected = "-1 (invalid), 0 (out of the frame) or 1"
        inout = table.numbers("inout", problems, expected)
        odd = np.isfinite(inout) & ~np.isin(inout, (-1, 0, 1))
        problems.rows("unknown inout", "inout", expected, odd, places, inout)
        invalid = problems.rows(
            "told invalid (inout -1), left out",
            "inout", "0 or 1", inout == -1, places, inout, fatal=False,
        )  # fmt: skip
        if split == "train":
            rows["in_frame"] = pd.array(inout != 0, "boolean")
        rows, places = rows[~invalid].reset_index(drop=True), places.take(~invalid)
    elif split == "train" and len(table):
        problems.file(
            Path(places.files[0]),
            f"{len(table.columns)} columns, and so no inout",
            "17 columns, or 21 with body boxes",
            "wrong number of columns",
        )
    return rows, places
