"""From the frames of a video to a table of where its people look, a few frames at a time.

The gaze model goes along the film by :func:`gcdr.predictor.film_predictor.predict_frames`: one that follows
tracks carries its memory from frame to frame, and one of single pictures is asked about each frame by itself.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import pandas as pd

from gcdr.data.label_space import LabelSpace
from gcdr.prediction.predicting import COLUMNS, COUNT, PIXELS, add_names, people_rows
from gcdr.predictor.film_predictor import TrackedFrame, predict_frames
from gcdr.predictor.predictor import Prediction, Predictor
from gcdr.video.heads_by_frame import SeenFrame

ShowFrame = Callable[[SeenFrame, pd.DataFrame, Prediction], None]
"""What is done with a frame: itself, its rows, and what was predicted of it."""

OF_VIDEO = ("sequence", "frame", "seconds", "track", *COLUMNS)


def follow_people(
    seen: Iterable[SeenFrame],
    model: Predictor,
    sequence: str,
    show: ShowFrame,
    notes: list[str],
    names: LabelSpace | None = None,
) -> pd.DataFrame:
    """Where the people of a video look.

    Memory holds a few frames at a time, and a row a person and frame.

    Args:
        seen: its frames with their heads, in the order of time.
        model: what is asked; its memory of a track, if it has one, is of this video alone.
        sequence: the name of the video.
        show: called with every frame in its order, also of those in which nobody is.
        notes: gets a line where boxes lie outside their frame.
        names: a vocabulary, by which what is looked at is named, in each frame by itself.

    Returns:
        one row a person and frame, by frame: ``sequence``, ``frame``, ``seconds`` (from the first frame),
        ``track``, and the columns of :func:`gcdr.prediction.predicting.predict_people`, in which ``image`` is
        the file of a frame of a folder.

    Raises:
        InputError: see :func:`gcdr.prediction.predicting.add_names`.
    """
    of_video = OF_VIDEO if names is None else (*OF_VIDEO, "label", "label_confidence")
    columns: list[dict[str, np.ndarray]] = []
    outside: list[str] = []
    here: list[pd.DataFrame] = []
    ahead: deque[SeenFrame] = deque()
    for said in _along(seen, model, ahead):
        one = ahead.popleft()
        frame = one.frame
        people = people_rows(frame.name, frame.image, one.boxes, one.scores, said)
        about = {"sequence": sequence, "frame": frame.number, "seconds": frame.seconds}
        for place, (name, value) in enumerate([*about.items(), ("track", list(one.tracks))]):
            people.insert(place, name, value)
        if names is not None:
            add_names(people, said, names, model)
        show(one, people, said)
        here += [people] if len(people) else []
        outside += [f"frame {frame.number}: {box.round(1).tolist()}" for box in one.outside[:1]]
        if len(here) == COUNT or (here and not ahead):
            columns.append(_plain(here))
            here = []
    if here:
        columns.append(_plain(here))
    if outside:
        notes.append(
            f"{sequence}: {len(outside)} frames with head boxes outside of them, left out; {outside[0]}"
        )
    if not columns:
        return pd.DataFrame(columns=[*of_video])
    return pd.DataFrame({name: np.concatenate([c[name] for c in columns]) for name in of_video})


def _plain(tables: list[pd.DataFrame]) -> dict[str, np.ndarray]:
    """Small tables as plain columns: thousands of tables are mostly their own weight."""
    return {n: c.to_numpy() for n, c in pd.concat(tables, ignore_index=True).items()}


def _along(
    seen: Iterable[SeenFrame], model: Predictor, ahead: deque[SeenFrame]
) -> Iterator[Prediction]:
    """What the model says of each frame, as many computed together as memory may hold.

    Frames that are looked at are counted, not those that are decoded: a thinned film is no film of gaps.

    Args:
        seen: the frames.
        model: what is asked.
        ahead: gets the frames of which nothing was said yet, the first one first.
    """
    numbers: dict[str, int] = {}

    def tracked() -> Iterator[TrackedFrame]:
        for place, one in enumerate(seen):
            ahead.append(one)
            track = np.array([numbers.setdefault(t, len(numbers)) for t in one.tracks], np.int64)
            yield TrackedFrame(place, one.frame.image, one.boxes, track)

    for said in predict_frames(model, tracked(), COUNT, pixels=PIXELS):
        yield said.people


def track_notes(people: pd.DataFrame, frames: Sequence[int], later: Sequence[str]) -> list[str]:
    """What is to be said of tracks: gaps, single frames, and who may have come back.

    Args:
        people: see :func:`follow_people`.
        frames: numbers of the frames that were looked at, ascending.
        later: names of tracks that began when another had ended.
    """
    place = pd.Series(np.arange(len(frames)), index=np.asarray(frames))
    gaps, single = [], []
    for name, rows in people.groupby("track", sort=False):
        at = place[rows["frame"]].to_numpy()
        single += [str(name)] if len(at) == 1 else []
        for hole in np.flatnonzero(np.diff(at) > 1).tolist():
            first, last = frames[at[hole] + 1], frames[at[hole + 1] - 1]
            numbers = f"frame {first}" if first == last else f"frames {first} to {last}"
            gaps.append(f"{name} ({numbers})")
    said = []
    if gaps:
        said.append(f"gaps in tracks: {len(gaps)}: {_some_of(gaps)}")
    if single:
        said.append(f"tracks of a single frame: {len(single)}: {_some_of(single)}")
    if later:
        said.append(
            f"tracks that begin after another has ended: {len(later)}: {_some_of(later)}; somebody who left "
            "and came back is a new track"
        )
    return said


def _some_of(names: Sequence[str], most: int = 4) -> str:
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")
