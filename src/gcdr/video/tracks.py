"""Heads of a video from somebody's own table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os.path import exists
from pathlib import Path

import numpy as np
import pandas as pd

from gcdr.base.errors import InputError
from gcdr.base.problems import Problems
from gcdr.data.manifest import BOX
from gcdr.datasets.film_names import film_name, named_films
from gcdr.datasets.head_boxes import read_boxes
from gcdr.datasets.text import Table, read_headed


@dataclass(frozen=True)
class TabledTracks:
    """Head boxes of a video by frame.

    Attributes:
        boxes: by frame's number (n, 4) float64 x0, y0, x1, y1 in pixels of the upright frame.
        names: by frame's number the n tracks; empty where the table has no tracks.
        notes: what is wrong with some rows, a line each; those are left out.
    """

    boxes: Mapping[int, np.ndarray]
    names: Mapping[int, tuple[str, ...]]
    notes: list[str]


def read_tracks(table: Path, video: Path, alone: bool = True) -> TabledTracks:
    """Tracks from a CSV with the columns ``frame,head_x0,head_y0,head_x1,head_y1``, and ``track``.

    Args:
        table: the CSV; a column ``sequence`` says which video a row is of, by its name with or without its
            ending. Other columns are not read.
        video: the video.
        alone: whether it is the only one, so that no ``sequence`` is needed.

    Raises:
        InputError: there is no such table or it lacks a column, or no row is of this video.
    """
    if not table.is_file():
        raise InputError(f"{table}: no such table of head boxes")
    problems = Problems()
    columns = read_headed(table, ["frame", *BOX], ["track", "sequence"], problems)
    problems.stop(str(table))
    if not len(columns):
        raise InputError(f"{table}: found no row, expected one a head and frame")
    frame = columns.numbers("frame", problems, "a whole number from 0 on")
    boxes, right = read_boxes(columns, problems)
    whole = (frame >= 0) & (frame == np.floor(frame)) & (frame < 2**53)
    problems.rows("not a frame", "frame", "a whole number from 0 on", np.isfinite(frame) & ~whole,
                  columns.places, frame)  # fmt: skip
    right &= whole & _of_video(table, columns, video, alone)
    if "track" in columns.columns:
        track = columns.text("track")
        unnamed = ~columns.filled("track")
        problems.rows("no track", "track", "the name of a track", unnamed, columns.places, track)
        rows = pd.DataFrame({"frame": frame, "track": track})
        twice = np.zeros(len(rows), bool)
        twice[right] = rows[right].duplicated(["frame", "track"])
        problems.rows("a track twice in a frame", "track", "each track once in a frame (the first counts)",
                      twice, columns.places, track)  # fmt: skip
        right &= ~unnamed & ~twice
    notes = [line for problem in problems.found for line in problem.lines()]
    if not right.any():
        raise InputError("\n  ".join([f"{table}: no row that can be used", *notes[:20]]))
    chosen = pd.Series(np.flatnonzero(right)).groupby(frame[right].astype(int))
    by_frame = {int(number): rows.to_numpy() for number, rows in chosen}
    return TabledTracks(
        {number: boxes[rows] for number, rows in by_frame.items()},
        {number: tuple(track[rows]) for number, rows in by_frame.items()}
        if "track" in columns.columns
        else {},
        notes,
    )


def _of_video(table: Path, columns: Table, video: Path, alone: bool) -> np.ndarray:
    """(N,) bool: rows of a video."""
    if "sequence" not in columns.columns:
        if not alone:
            raise InputError(
                f"{table}: found no column 'sequence'; expected it, for there are several videos"
            )
        return np.ones(len(columns), bool)
    sequence = columns.text("sequence")
    name = film_name(video)
    # Of a.mp4 and a.mov side by side each has the rows that name its file.
    beside = {text for text in {*sequence} - {video.name} if exists(video.parent / text)}
    own = (named_films(sequence, {name, *beside}) == name).to_numpy()
    if not own.any():
        raise InputError(
            f"{table}: found rows of the sequence {sequence[0]!r}; expected some of {name!r}"
        )
    return own


def missing_note(table: Path, wanted: Sequence[int], passed: set[int]) -> list[str]:
    """A line where a table has frames that a video does not.

    Args:
        table: the table.
        wanted: its frames.
        passed: numbers of the video's frames, looked at or not.
    """
    missing = sorted(set(wanted) - passed)
    if not missing:
        return []
    return [
        f"{table}: {len(missing)} of its frames are not in the video, such as frame {missing[0]}; expected "
        f"numbers from {min(passed)} to {max(passed)}"
    ]
