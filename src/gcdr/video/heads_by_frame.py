"""The heads of each frame of a video, given or found, by track."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from gcdr.base.errors import InputError
from gcdr.datasets.head_boxes import within
from gcdr.datasets.linking import Linker
from gcdr.detection.panorama import Finder
from gcdr.video.frames import Frame
from gcdr.video.tracks import TabledTracks

HELD = 2**28  # pixels of frames that wait for the next look: 0.8 GB


@dataclass(frozen=True)
class SeenFrame:
    """A frame and the heads in it.

    Attributes:
        frame: the frame.
        boxes: (n, 4) float64 head boxes x0, y0, x1, y1 in its pixels, each touching it; n may be 0.
        tracks: n names, each once.
        scores: (n,) float64 in 0..1, NaN where a box is given, or lies between two that were found.
        outside: (m, 4) boxes that do not touch the frame and were left out.
    """

    frame: Frame
    boxes: np.ndarray
    tracks: tuple[str, ...]
    scores: np.ndarray
    outside: np.ndarray


def tabled_heads(
    frames: Iterable[Frame], tracks: TabledTracks, linker: Linker
) -> Iterator[SeenFrame]:
    """Frames with the heads of a table, which are linked where it names no tracks."""
    for frame in frames:
        boxes = tracks.boxes.get(frame.number, np.zeros((0, 4)))
        names = tracks.names.get(frame.number) or linker(boxes, frame.seconds)
        yield _seen(frame, boxes, names, np.full(len(boxes), np.nan))


def found_heads(
    frames: Iterable[Frame], finder: Finder, linker: Linker, every: int = 1
) -> Iterator[SeenFrame]:
    """Frames with the heads that a detector finds, linked to tracks.

    Args:
        frames: in the order of time.
        finder: what finds heads.
        linker: what links them.
        every: the detector is asked about one of so many frames and about the last one; in between, boxes of
            tracks that are found before and after lie on the line from one to the other, by time. So many
            frames are held in memory.

    Raises:
        InputError: ``every`` is less than 1, or so many frames have more than ``HELD`` pixels.
    """
    if every < 1:
        raise InputError(f"find every: found {every}, expected one frame of so many, at least 1")
    before: SeenFrame | None = None
    waiting: list[Frame] = []
    for number, frame in enumerate(frames):
        width, height = frame.image.size
        most = max(1, HELD // (width * height))
        if every > most:
            raise InputError(
                f"find every: found {every}, of frames of {width} x {height} pixels expected at most {most}: "
                "so many are held in memory until heads are found on both sides of them (take fewer frames, "
                "by every or fps)"
            )
        if number % every:
            waiting.append(frame)
            continue
        now = _found(frame, finder, linker)
        yield from _between(before, waiting, now)
        yield now
        before, waiting = now, []
    if waiting:
        now = _found(waiting[-1], finder, linker)
        yield from _between(before, waiting[:-1], now)
        yield now


def _found(frame: Frame, finder: Finder, linker: Linker) -> SeenFrame:
    ((boxes, scores),) = finder([frame.image])
    return _seen(frame, boxes, linker(boxes, frame.seconds), scores)


def _between(
    before: SeenFrame | None, frames: Iterable[Frame], after: SeenFrame
) -> Iterator[SeenFrame]:
    """Frames between two that were looked at, with the heads that are in both."""
    for frame in frames:
        assert before is not None  # the first frame of all is looked at
        both = [name for name in before.tracks if name in after.tracks]
        start, end = (
            one.boxes[[one.tracks.index(name) for name in both]].reshape(-1, 4)
            for one in (before, after)
        )
        since, until = before.frame.seconds, after.frame.seconds
        boxes = start + (end - start) * ((frame.seconds - since) / (until - since))
        yield _seen(frame, boxes, both, np.full(len(both), np.nan))


def _seen(frame: Frame, boxes: np.ndarray, names: Iterable[str], scores: np.ndarray) -> SeenFrame:
    inside = within(boxes, frame.image)
    kept = tuple(name for name, there in zip(names, inside, strict=True) if there)
    return SeenFrame(frame, boxes[inside], kept, scores[inside], boxes[~inside])
