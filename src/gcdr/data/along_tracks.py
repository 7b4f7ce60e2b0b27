"""People as rows of tracks: who is the same person some frames later.

A person in a frame of a film is a row like any other; a track is the rows of one person of one sequence, in
the order of time. Whoever trains or asks a model that follows tracks goes along them by what stands here.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

FORGET = 12
"""Frames, about half a second of most films: who was away for longer begins anew."""

ABREAST = 8
"""Tracks that are followed together: one by one, a memory would wait for every single frame."""


@dataclass(frozen=True)
class Tracks:
    """Whose row of a film each of N people is.

    Attributes:
        track: (N,) int64, the same for one person of one sequence; who is in none has one of their own.
        frame: (N,) int64, the frame's place in its sequence, of which one step is that of most frames.
    """

    track: np.ndarray
    frame: np.ndarray

    def stretches(self, rows: np.ndarray) -> np.ndarray:
        """Which stretch each of some rows belongs to, as they come.

        A new one begins with another track, where time does not go on, and where the person was away for
        more than ``FORGET`` frames.

        Args:
            rows: (n,) row numbers; those of one track stand together, in the order of time.

        Returns:
            (n,) int64, counted from 0.
        """
        if not len(rows):
            return np.zeros(0, np.int64)
        later = np.diff(self.frame[rows])
        begins = (np.diff(self.track[rows]) != 0) | (later <= 0) | (later - 1 > FORGET)
        return np.concatenate([[0], begins.cumsum()]).astype(np.int64)

    def in_time(self, rows: np.ndarray) -> np.ndarray:
        """Places (n,) of rows (n,) in the order of tracks, and of time within each."""
        return np.lexsort((rows, self.frame[rows], self.track[rows]))

    def clips(self, rows: np.ndarray, frames: int) -> list[np.ndarray]:
        """Rows (n,) cut into pieces of at most ``frames`` of one stretch, as places among the rows."""
        order, stretch, step = self._steps(rows)
        return _parted(order, stretch, step // frames)

    def blocks(self, rows: np.ndarray, size: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """Rows (n,) in blocks of at most ``size``.

        Each block goes some frames along ``ABREAST`` stretches of about the same length, and those that go
        on do so in the next, so that a memory carried from block to block is all that is needed.

        Returns:
            of each block the places among the rows, and the stretch of each place.
        """
        order, stretch, step = self._steps(rows)
        length = np.bincount(stretch, minlength=1)
        rank = np.empty(len(length), np.int64)
        rank[np.argsort(-length, kind="stable")] = np.arange(len(length))
        together, part = rank[stretch] // ABREAST, step // max(1, size // ABREAST)
        again = np.lexsort((step, rank[stretch], part, together))
        parts = _parted(np.arange(len(rows))[again], together[again], part[again])
        return [(order[places], stretch[places]) for places in parts]

    def leaders(self, rows: np.ndarray, every: int) -> np.ndarray:
        """Of rows (n,) the place among them of each one's leader.

        The first row of a stretch, and every so many-th after it, leads itself and those that follow until
        the next.
        """
        order, _, step = self._steps(rows)
        places = np.empty(len(rows), np.int64)
        places[order] = order[np.arange(len(rows)) - step % every]
        return places

    def _steps(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Places in time, and there each one's stretch and which of its frames it is, counted from 0."""
        order = self.in_time(rows)
        stretch = self.stretches(rows[order])
        begins = np.flatnonzero(np.diff(stretch, prepend=-1))
        return order, stretch, np.arange(len(rows)) - begins[stretch]


def _parted(order: np.ndarray, *keys: np.ndarray) -> list[np.ndarray]:
    """Places cut where one of the keys changes."""
    if not len(order):
        return []
    cuts = np.any([np.diff(key) != 0 for key in keys], axis=0)
    return np.split(order, np.flatnonzero(cuts) + 1)


def tracks_of(people: pd.DataFrame) -> Tracks | None:
    """The tracks of people.

    Args:
        people: the manifest's; ``track``, ``sequence`` and ``frame`` where the data set has them. A track
            without a sequence is one of its images' folder; where frame numbers lack, a sequence's images
            stand in the order of their names. Of a film that was thinned, the frames that were taken count.

    Returns:
        None where nobody is in a track.
    """
    if "track" not in people or people["track"].isna().all():
        return None
    known = people["track"].notna().to_numpy()
    folder = "folder " + people["image"].str.rpartition("/")[0].astype(object)
    sequence = people["sequence"].astype(object) if "sequence" in people else folder
    sequence = sequence.where(sequence.notna(), folder)
    named = pd.MultiIndex.from_arrays([sequence, people["track"].astype(str)])
    track = np.arange(len(people), dtype=np.int64)
    track[known] = len(people) + pd.factorize(named[known])[0]
    by_name = people.groupby(sequence)["image"].rank(method="dense").to_numpy()
    frame = by_name
    if "frame" in people and people.loc[known, "frame"].notna().all():
        frame = people["frame"].fillna(0).groupby(sequence).transform(_in_steps).to_numpy()
    return Tracks(track, frame.astype(np.int64))


def usual_step(frame: np.ndarray) -> float:
    """From a frame (n,) of a sequence to the next one, as most are; infinite of a single frame."""
    steps = np.diff(np.unique(frame))
    return float(np.quantile(steps, 0.5, method="lower")) if len(steps) else np.inf


def _in_steps(frame: pd.Series) -> pd.Series:
    """Frames (n,) of a sequence from its first one on, counted in usual steps, but each at least one."""
    numbers, place = np.unique(frame.to_numpy(np.int64), return_inverse=True)
    steps = np.maximum(1, np.diff(numbers) // usual_step(numbers)).astype(np.int64)
    counted = numbers[0] + np.concatenate([[0], steps.cumsum()]).astype(np.int64)
    return pd.Series(counted[place], frame.index)
