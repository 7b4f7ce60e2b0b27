"""ChildPlay (Tafasca et al., 2023): clips of children and adults, with what a person's eyes do in each frame.

One comma-separated file a clip, with a header: a row a person and frame. The folder of its images and their
names follow from the clip's name, ``VIDEO_START-END``.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from gcdr.base.problems import Places, Problems
from gcdr.data.manifest import BOX, IGNORED
from gcdr.datasets.assemble import Dataset, Rules, assemble
from gcdr.datasets.text import Table, read_headed

HEAD = ["bbox_x", "bbox_y", "bbox_width", "bbox_height"]
GAZE = ["gaze_x", "gaze_y"]
COLUMNS = ["clip", "frame", "person_id", *HEAD, "gaze_class", *GAZE]
DOWNSAMPLED = "-downsampled"
CLIP = rf"(.+)_(\d{{1,9}})-(\d{{1,9}})({DOWNSAMPLED})?"
VISIBLE, OUTSIDE = "inside_visible", "outside_frame"
DROPPED = ("gaze_shift", "inside_occluded", "inside_uncertain", "eyes_closed")
"""Gaze classes without a target that could be marked; published evaluations leave their rows out."""


def read_childplay(root: Path, files: Sequence[Path]) -> Dataset:
    """Read ``annotations/{train,val,test}/CLIP.csv`` of images ``images/CLIP/VIDEO_NUMBER.jpg``.

    Frame n of a clip is the image START + n - 1, of clips whose name ends with ``-downsampled`` too. Rows
    whose gaze class published evaluations drop, and rows of a visible target without a point, get the split
    ``ignore``; how many there are of each class is told, and of how many the column ``clip`` names another
    file.
    """
    problems, parts, places = Problems(), [], []
    for path in files:
        table = read_headed(path, COLUMNS, [], problems)
        parts.append(_clip(path, table, problems))
        places.append(table.places)
    rows = pd.concat(parts, ignore_index=True)
    rows["person"] = np.arange(len(rows))
    where = Places.join(places)
    _by_class(rows, where, problems)
    rules = Rules(gaze="pixels", repair=True)
    return assemble("childplay", rows, where, root, problems, rules)


def _clip(path: Path, table: Table, problems: Problems) -> pd.DataFrame:
    """The rows of a clip, with their ``gaze_class``."""
    named = re.fullmatch(CLIP, path.stem)
    if not named:
        problems.file(path, f"the name {path.name!r}", "VIDEO_START-END.csv", "unknown clip")
    video, start = (named[1], int(named[2])) if named else (path.stem, 1)
    box = np.column_stack([table.numbers(name, problems, "a number of pixels") for name in HEAD])
    frame = table.numbers("frame", problems, "a whole number from 1 on")
    rows = pd.DataFrame(np.hstack([box[:, :2], box[:, :2] + box[:, 2:]]), columns=BOX)
    number = pd.Series(start - 1 + np.nan_to_num(frame).clip(-1e9, 1e9)).astype(int).astype(str)
    rows["image"] = f"images/{path.stem}/{video}_" + number.astype(object) + ".jpg"
    rows["split"], rows["label"] = path.parts[-2], None
    for name in GAZE:
        rows[name] = table.numbers(name, problems, "a number of pixels, or -1")
    rows["gaze_class"] = table.text("gaze_class")
    clip = pd.Series(table.text("clip"), dtype=object)
    other = clip.str.removesuffix(DOWNSAMPLED).ne(path.stem.removesuffix(DOWNSAMPLED)).to_numpy()
    kind = "a clip of another name than its file's, taken as the file's"
    expected = f"{path.stem}, as the file is called"
    problems.rows(kind, "clip", expected, other, table.places, clip, fatal=False)
    rows["sequence"], rows["group"] = path.stem, video
    rows["track"], rows["frame"] = table.text("person_id"), frame
    return rows


def _by_class(rows: pd.DataFrame, places: Places, problems: Problems) -> None:
    """Say, in place, what each row's gaze class means: who looks where, and who is ignored."""
    found = rows["gaze_class"]
    visible, outside = (found == VISIBLE).to_numpy(), (found == OUTSIDE).to_numpy()
    gaze = rows[GAZE].to_numpy()
    bare = visible & (gaze == -1).any(1)
    expected = f"{VISIBLE} or {OUTSIDE}"
    for name in DROPPED:
        kind = f"gaze class {name}, which evaluations drop, ignored"
        problems.rows(kind, "gaze_class", expected, found == name, places, found, fatal=False)
    kind = "visible target without a point, ignored"
    problems.rows(kind, "gaze_x, gaze_y", "a point", bare, places, gaze, fatal=False)
    odd = ~found.isin([VISIBLE, OUTSIDE, *DROPPED])
    classes = ", ".join([VISIBLE, OUTSIDE, *DROPPED])
    problems.rows("unknown gaze class", "gaze_class", f"one of {classes}", odd, places, found)
    rows.loc[bare | found.isin(DROPPED), "split"] = IGNORED
    rows.loc[~visible | bare, GAZE] = np.nan
    in_frame = pd.array(visible & ~bare, "boolean")
    in_frame[~outside & ~(visible & ~bare)] = pd.NA
    rows["in_frame"] = in_frame
