"""VideoAttentionTarget (Chong et al., 2020): frames of tracks.

One comma-separated file a person track, without a header: frame, head box and gaze point in pixels;
GCDR's files have the body box and a predicted in/out besides.
"""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

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
GAZE = ["gaze_x", "gaze_y"]
WINDOW = 11  # frames that a head box is averaged over, as in VAT


def read_videoattentiontarget(
    root: Path, files: Sequence[Path], validation_shows: Collection[str] = ()
) -> Dataset:
    """Read tracks ``.../{train,test}/SHOW/CLIP/PERSON.txt`` of frames ``images/SHOW/CLIP/FRAME``.

    As in the reference, head boxes are averaged over 11 frames of their track (:func:`smooth`), a gaze point
    of (-1, -1) is out of the frame, and other negative coordinates are taken as 0. A frame that a track has
    twice is taken once, and frames in the order of their numbers. Boxes are checked as the file has them; one
    that cannot be used takes no part in the mean of its neighbours.

    Args:
        root: the data set's folder.
        files: the tracks, see :func:`gcdr.datasets.layout.annotation_files`.
        validation_shows: shows whose training people get the split ``val``.
    """
    problems, parts, places = Problems(), [], []
    for path in files:
        table = read_headless(path, LAYOUTS, problems)
        parts.append(_track(path, table, problems))
        places.append(table.places)
    rows, where = _in_time(pd.concat(parts, ignore_index=True), Places.join(places), problems)
    _say_gaze(rows, where, problems)
    aside = rows["group"].str.strip().isin([show.strip() for show in validation_shows])
    rows.loc[aside & (rows["split"] == "train"), "split"] = "val"
    rows["person"] = np.arange(len(rows))
    rules = Rules(gaze="pixels", repair=True, smoothed=_averaged)
    return assemble("videoattentiontarget", rows, where, root, problems, rules)


def _track(path: Path, table: Table, problems: Problems) -> pd.DataFrame:
    """The rows of a track as its file has them."""
    split, show, clip = path.parts[-4:-1]
    bodies = BODIES if BODIES[0] in table.columns else []
    columns: dict[str, Any] = {
        ours: table.numbers(name, problems, "a number of pixels", optional=name in bodies)
        for name, ours in zip([*COLUMNS[1:], *bodies], [*BOX, *GAZE, *BODY], strict=False)
    }
    columns["image"] = [f"images/{show}/{clip}/{name}" for name in table.text("frame")]
    columns |= {"split": split, "sequence": f"{show}/{clip}", "track": path.stem, "group": show}
    return pd.DataFrame(columns, index=np.arange(len(table)))


def _in_time(rows: pd.DataFrame, places: Places, problems: Problems) -> tuple[pd.DataFrame, Places]:
    """Each frame of a track once, in the order of their numbers."""
    rows["frame"] = frame_numbers(rows["image"])
    rows["file"] = places.file
    twice = problems.rows(
        "frame twice in a track, first one taken", "frame", "each frame of a track once",
        rows.duplicated(["file", "image"]), places, rows["image"], fatal=False,
    )  # fmt: skip
    order = rows[~twice].sort_values(["file", "frame"], kind="stable").index.to_numpy()
    return rows.loc[order].reset_index(drop=True), places.take(order)


def _averaged(rows: pd.DataFrame) -> np.ndarray:
    """(N, 4) float64 head boxes of rows of tracks, each track's one after the other, averaged."""
    first = np.flatnonzero(np.diff(rows["file"])) + 1
    frame = rows["frame"].to_numpy(float, na_value=np.nan)
    tracks = zip(np.split(rows[BOX].to_numpy(), first), np.split(frame, first), strict=True)
    return np.concatenate([smooth(*track) for track in tracks])


def _say_gaze(rows: pd.DataFrame, places: Places, problems: Problems) -> None:
    """Say, in place, who looks out of the frame; nobody has a noun."""
    gaze = rows[GAZE].to_numpy()
    out, lone = (gaze == -1).all(1), (gaze == -1).any(1)
    kind = "-1 in one coordinate of a gaze point alone, taken as 0"
    expected = "-1,-1 out of the frame, or a point in it"
    problems.rows(kind, "gazex, gazey", expected, lone & ~out, places, gaze, fatal=False)
    below = ~out & ((gaze < 0) & (gaze != -1)).any(1)
    kind = "negative coordinate of a gaze point, taken as 0"
    problems.rows(kind, "gazex, gazey", expected, below, places, gaze, fatal=False)
    rows[GAZE] = np.maximum(gaze, 0)
    rows["in_frame"], rows["label"] = pd.array(~out, "boolean"), None


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
