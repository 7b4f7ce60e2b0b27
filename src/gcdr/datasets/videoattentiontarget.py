"""VideoAttentionTarget (Chong et al., 2020), its frames taken as single images.

One comma-separated file a person track, without a header: frame, head box and gaze point in pixels;
GCDR's files have the body box and a predicted in/out besides.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from gcdr.base.problems import Places, Problems
from gcdr.data.manifest import BODY, BOX
from gcdr.datasets.assemble import Dataset, Rules, assemble, frame_numbers
from gcdr.datasets.text import Table, read_headless

COLUMNS = ["frame", "xmin", "ymin", "xmax", "ymax", "gazex", "gazey"]
BODIES = ["body_x1", "body_y1", "body_x2", "body_y2"]
LAYOUTS = {
    7: COLUMNS,
    11: [*COLUMNS, *BODIES],
    12: [*COLUMNS, *BODIES, "pred_inout"],
}
WINDOW = 11  # frames that a head box is averaged over, as in VAT


def read_videoattentiontarget(root: Path, files: Sequence[Path]) -> Dataset:
    """Read tracks ``.../{train,test}/SHOW/CLIP/PERSON.txt`` of frames ``images/SHOW/CLIP/FRAME``.

    As in the reference, head boxes are averaged over 11 frames of their track, a gaze point of (-1, -1)
    is out of the frame, and other negative coordinates are taken as 0.
    """
    problems, parts, places = Problems(), [], []
    for path in files:
        table = read_headless(path, LAYOUTS, problems)
        parts.append(_track(path, table, problems))
        places.append(table.places)
    rows = pd.concat(parts, ignore_index=True)
    rows["person"] = np.arange(len(rows))
    rules = Rules(gaze="pixels", repair=True)
    return assemble("videoattentiontarget", rows, Places.join(places), root, problems, rules)


def _track(path: Path, table: Table, problems: Problems) -> pd.DataFrame:
    split, show, clip = path.parts[-4:-1]
    expected = "a number of pixels"
    box = np.column_stack([table.numbers(name, problems, expected) for name in COLUMNS[1:5]])
    gaze = np.column_stack([table.numbers(name, problems, expected) for name in COLUMNS[5:]])
    out = (gaze == -1).all(1)
    rows = pd.DataFrame(smooth(box), columns=BOX)
    rows["image"] = f"images/{show}/{clip}/" + pd.Series(table.text("frame"), dtype=object)
    rows["split"], rows["label"] = split, None
    rows[["gaze_x", "gaze_y"]] = np.maximum(gaze, 0)
    rows["in_frame"] = pd.array(~out, "boolean")
    rows["sequence"], rows["track"], rows["group"] = f"{show}/{clip}", path.stem, show
    rows["frame"] = frame_numbers(rows["image"])
    if BODIES[0] in table.columns:
        for name, ours in zip(BODIES, BODY, strict=True):
            rows[ours] = table.numbers(name, problems, expected, optional=True)
    return rows


def smooth(boxes: np.ndarray) -> np.ndarray:
    """Boxes (N, 4) of a track, each the mean of 11 frames; the ends are repeated."""
    if not len(boxes):
        return boxes
    padded = np.pad(boxes, ((WINDOW // 2, WINDOW // 2), (0, 0)), "edge")
    return np.lib.stride_tricks.sliding_window_view(padded, WINDOW, axis=0).mean(-1)
