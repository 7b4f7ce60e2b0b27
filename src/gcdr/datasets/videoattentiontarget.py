"""VideoAttentionTarget (Chong et al., 2020): frames of tracks.

One comma-separated file a person track, without a header: frame, head box and gaze point in pixels;
GCDR's files have the body box and a predicted in/out besides.
"""

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from gcdr.base.problems import Places, Problems
from gcdr.data.manifest import BODY, BOX
from gcdr.datasets.assemble import Dataset, Rules, assemble, frame_numbers
from gcdr.datasets.layout import show_of
from gcdr.datasets.text import Table, read_headless

COLUMNS = ["frame", "xmin", "ymin", "xmax", "ymax", "gazex", "gazey"]
BODIES = ["body_x1", "body_y1", "body_x2", "body_y2"]
LAYOUTS = {
    7: COLUMNS,
    11: [*COLUMNS, *BODIES],
    12: [*COLUMNS, *BODIES, "pred_inout"],
}
WINDOW = 11  # frames that a head box is averaged over, as in VAT


def read_videoattentiontarget(
    root: Path, files: Sequence[Path], validation_shows: Collection[str] = ()
) -> Dataset:
    """Read tracks ``.../{train,test}/SHOW/CLIP/PERSON.txt`` of frames ``images/SHOW/CLIP/FRAME``.

    As in the reference, head boxes are averaged over 11 frames of their track (:func:`smooth`), a gaze point
    of (-1, -1) is out of the frame, and other negative coordinates are taken as 0. A frame that a track has
    twice is taken once, and frames in the order of their numbers.

    Args:
        root: the data set's folder.
        files: the tracks, see :func:`gcdr.datasets.layout.annotation_files`.
        validation_shows: shows whose training people get the split ``val``.
    """
    problems, parts, places = Problems(), [], []
    aside = {show.strip() for show in validation_shows}
    for path in files:
        rows, where = _track(path, read_headless(path, LAYOUTS, problems), problems)
        if show_of(path) in aside:
            rows["split"] = rows["split"].replace({"train": "val"})
        parts.append(rows)
        places.append(where)
    rows = pd.concat(parts, ignore_index=True)
    rows["person"] = np.arange(len(rows))
    rules = Rules(gaze="pixels", repair=True)
    return assemble("videoattentiontarget", rows, Places.join(places), root, problems, rules)


def _track(path: Path, table: Table, problems: Problems) -> tuple[pd.DataFrame, Places]:
    """The rows of a track, each frame once and in the order of their numbers."""
    split, show, clip = path.parts[-4:-1]
    expected = "a number of pixels"
    box = np.column_stack([table.numbers(name, problems, expected) for name in COLUMNS[1:5]])
    gaze = np.column_stack([table.numbers(name, problems, expected) for name in COLUMNS[5:]])
    out = (gaze == -1).all(1)
    kind = "-1 in one coordinate of a gaze point alone, taken as 0"
    alone = (gaze == -1).any(1) & ~out
    expected_gaze = "-1,-1 out of the frame, or a point in it"
    problems.rows(kind, "gazex, gazey", expected_gaze, alone, table.places, gaze, fatal=False)
    rows = pd.DataFrame(box, columns=BOX)
    rows["image"] = f"images/{show}/{clip}/" + pd.Series(table.text("frame"), dtype=object)
    rows["split"], rows["label"] = split, None
    rows[["gaze_x", "gaze_y"]] = np.maximum(gaze, 0)
    rows["in_frame"] = pd.array(~out, "boolean")
    rows["sequence"], rows["track"], rows["group"] = f"{show}/{clip}", path.stem, show
    rows["frame"] = frame_numbers(rows["image"])
    if BODIES[0] in table.columns:
        for name, ours in zip(BODIES, BODY, strict=True):
            rows[ours] = table.numbers(name, problems, expected, optional=True)
    twice = problems.rows(
        "frame twice in a track, first one taken", "frame", "each frame of a track once",
        rows["image"].duplicated(), table.places, table.text("frame"), fatal=False,
    )  # fmt: skip
    order = rows["frame"][~twice].sort_values(kind="stable").index.to_numpy()
    rows = rows.loc[order].reset_index(drop=True)
    rows[BOX] = smooth(rows[BOX].to_numpy(), rows["frame"].to_numpy(float, na_value=np.nan))
    return rows, table.places.take(order)


def smooth(boxes: np.ndarray, frame: np.ndarray | None = None) -> np.ndarray:
    """Boxes (N, 4) of a track, each the mean of 11 frames; the ends are repeated.

    The reference averages rows, whatever lies between them. So does this, but where a person has been away
    for more than 11 frames: there one end is no place for the head at the other, and both are ends of their
    own.

    Args:
        boxes: in any unit, in the order of time.
        frame: (N,) number of each one's frame, NaN where unknown; None for frames without a gap.
    """
    if not len(boxes):
        return boxes
    step = np.diff(np.arange(len(boxes)) if frame is None else frame)
    # In a film of which every k-th frame was taken, k frames are one step.
    away = np.flatnonzero(step > WINDOW * np.median(step)) if len(step) else []
    return np.concatenate([_mean(run) for run in np.split(boxes, np.add(away, 1))])


def _mean(run: np.ndarray) -> np.ndarray:
    """Boxes (N, 4), N > 0, each the mean of 11."""
    padded = np.pad(run, ((WINDOW // 2, WINDOW // 2), (0, 0)), "edge")
    return np.lib.stride_tricks.sliding_window_view(padded, WINDOW, axis=0).mean(-1)
