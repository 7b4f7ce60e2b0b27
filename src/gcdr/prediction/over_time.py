"""From the frames of a video to a table of where its people look, a few frames at a time.

The gaze model is behind one seam, :data:`Ask`: a function of frames with head boxes and tracks. It is called
with all frames in the order of time and with each of them once, so that a model that carries a state from
frame to frame may keep one for each track.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import pandas as pd

from gcdr.prediction.predicting import (
    COLUMNS,
    COUNT,
    PIXELS,
    check_without_prior,
    people_rows,
)
from gcdr.predictor import Prediction, Predictor
from gcdr.video.heads_by_frame import SeenFrame

Ask = Callable[[Sequence[SeenFrame]], list[Prediction]]
"""What a model says of some frames that follow one another: a prediction each, of its people in order."""

ShowFrame = Callable[[SeenFrame, pd.DataFrame, Prediction], None]
"""What is done with a frame: itself, its rows, and what was predicted of it."""

NOBODY = Prediction(np.zeros((0, 2), np.float32), np.zeros((0, 1, 1), np.float32), None)
OF_VIDEO = ("sequence", "frame", "seconds", "track", *COLUMNS)


def ask_frame_by_frame(model: Predictor) -> Ask:
    """Ask a model of single pictures, which knows nothing of the frames before.

    Raises:
        InputError: it needs prior maps.
    """
    check_without_prior(model)

    def ask(seen: Sequence[SeenFrame]) -> list[Prediction]:
        peopled = [one for one in seen if len(one.boxes)]
        said = iter(
            model.predict([one.frame.image for one in peopled], [one.boxes for one in peopled])
        )
        return [next(said) if len(one.boxes) else NOBODY for one in seen]

    return ask


def follow_people(
    seen: Iterable[SeenFrame], ask: Ask, sequence: str, show: ShowFrame, notes: list[str]
) -> pd.DataFrame:
    """Where the people of a video look.

    Memory holds a few frames at a time, and a row a person and frame.

    Args:
        seen: its frames with their heads, in the order of time.
        ask: asks the model.
        sequence: the name of the video.
        show: called with every frame in its order, also of those in which nobody is.
        notes: gets a line where boxes lie outside their frame.

    Returns:
        one row a person and frame, by frame: ``sequence``, ``frame``, ``seconds`` (from the first frame),
        ``track``, and the columns of :func:`gcdr.prediction.predicting.predict_people`, in which ``image`` is
        the file of a frame of a folder.
    """
    columns: list[dict[str, np.ndarray]] = []
    outside: list[str] = []
    for block in _some(seen):
        here: list[pd.DataFrame] = []
        for one, prediction in zip(block, ask(block), strict=True):
            frame = one.frame
            people = people_rows(frame.name, frame.image, one.boxes, one.scores, prediction)
            about = {"sequence": sequence, "frame": frame.number, "seconds": frame.seconds}
            for place, (name, value) in enumerate([*about.items(), ("track", list(one.tracks))]):
                people.insert(place, name, value)
            show(one, people, prediction)
            here += [people] if len(people) else []
            outside += [f"frame {frame.number}: {box.round(1).tolist()}" for box in one.outside[:1]]
        if here:  # plain columns: thousands of small tables are mostly their own weight
            columns.append({n: c.to_numpy() for n, c in pd.concat(here, ignore_index=True).items()})
    if outside:
        notes.append(
            f"{sequence}: {len(outside)} frames with head boxes outside of them, left out; {outside[0]}"
        )
    if not columns:
        return pd.DataFrame(columns=[*OF_VIDEO])
    return pd.DataFrame({name: np.concatenate([c[name] for c in columns]) for name in OF_VIDEO})


def _some(seen: Iterable[SeenFrame]) -> Iterator[list[SeenFrame]]:
    """Frames that follow one another, as many together as memory may hold."""
    block: list[SeenFrame] = []
    pixels = 0
    for one in seen:
        size = one.frame.image.width * one.frame.image.height
        if block and (pixels + size > PIXELS or len(block) == COUNT):
            yield block
            block, pixels = [], 0
        block.append(one)
        pixels += size
    if block:
        yield block


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
            gaps.append(f"{name} (frames {frames[at[hole] + 1]} to {frames[at[hole + 1] - 1]})")
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
