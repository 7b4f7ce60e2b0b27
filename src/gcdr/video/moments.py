"""The frames of a video before anybody has looked at them, and which of them are looked at."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from gcdr.base.errors import InputError


@dataclass(frozen=True)
class Moment:
    """A frame that is there and whose picture is made when it is asked for.

    Attributes:
        number: of a video file counted from 0 as frames are shown, of a folder as the file's name says.
        seconds: when it is shown, from the first frame on.
        picture: makes its picture, upright and in RGB.
        name: of its file, where it has one of its own.

    """

    number: int
    seconds: float
    picture: Callable[[], Image.Image]
    name: str = ""


class Clock:
    """When the frames of a file are shown, also where its own times begin anew or are not there.

    Two recordings that were joined end to end have the same times twice; those of the second go on a step
    after the last one of the first.

    Attributes:
        step: seconds from a frame to the next where the file says nothing.
        now: seconds of the last frame.
        anew: numbers of the frames at which the file's times jump back.
        repeated: how many frames bear the time of the one before.
    """

    def __init__(self, step: float) -> None:
        self.step, self.now = step, 0.0
        self.anew: list[int] = []
        self.repeated = 0
        self._before: float | None = None  # the file's own time of the last frame that has one
        self._begun = 0.0  # of the file's own times, that of the first frame
        self._timed = (0, 0.0)  # number and seconds of the last frame with a time of its own

    def __call__(self, number: int, time: float | None) -> float | None:
        """Seconds of a frame, from the first one on; None where it bears the time of the one before.

        Args:
            number: of the frame, one more at each call, from 0 on.
            time: the file's own, in seconds; None where it has none.
        """
        since, seconds = self._timed
        follows = seconds + (number - since) * self.step
        if time is None:
            self.now = round(follows, 6)
            return self.now
        if self._before is None:
            self._begun = time - follows
        elif round(time - self._before, 6) == 0:
            self.repeated += 1
            return None
        elif time < self._before or round(time - self._begun, 6) <= self.now:
            self.anew += [number] if time < self._before else []
            self._begun = time - self.now - self.step
        self._before, self.now = time, round(time - self._begun, 6)
        self._timed = number, self.now
        return self.now


def clock_notes(path: Path, anew: Sequence[int], repeated: int) -> list[str]:
    """Lines of what is odd about the times of a file.

    Args:
        path: the file.
        anew, repeated: see :class:`Clock`.
    """
    notes = []
    if anew:
        shown = ", ".join(map(str, anew[:4])) + ", ..." * (len(anew) > 4)
        notes.append(
            f"{path}: the clock begins anew at frame {shown}: seconds go on from the one before"
        )
    if repeated:
        notes.append(f"{path}: frames that bear the time of one before, left out: {repeated}")
    return notes


@dataclass(frozen=True)
class Thinning:
    """Which frames are looked at.

    Attributes:
        every: one of so many, by its place in the video; at least 1.
        fps: at most so many a second, by their times; None takes all that ``every`` leaves.
    """

    every: int = 1
    fps: float | None = None

    def __post_init__(self) -> None:
        if self.every < 1:
            raise InputError(
                f"every: found {self.every}, expected one frame of so many, at least 1"
            )
        if self.fps is not None and not 0 < self.fps < math.inf:
            raise InputError(f"fps: found {self.fps}, expected frames a second, more than 0")


def check_frame_rate(rate: float) -> None:
    """See that a rate by which the frames of a folder are timed is one.

    Raises:
        InputError: it is 0 or less, or no number.
    """
    if not 0 < rate < math.inf:
        raise InputError(f"frame rate: found {rate}, expected frames a second, more than 0")


def thinned(
    moments: Iterable[Moment], thinning: Thinning, passed: Callable[[int], object]
) -> Iterator[Moment]:
    """The moments that are looked at, in their order.

    Args:
        moments: all of a video.
        thinning: which are wanted; with ``fps`` the first frame of each stretch of 1/fps seconds, so that
            frames of a varying rate are as even as they can be.
        passed: is told the number of every frame, looked at or not.
    """
    stretch = -1
    for place, moment in enumerate(moments):
        passed(moment.number)
        if place % thinning.every:
            continue
        if thinning.fps is not None:
            # A millionth of a stretch: times are fractions of a second that a float does not hold.
            now = math.floor(moment.seconds * thinning.fps + 1e-6)
            if now == stretch:
                continue
            stretch = now
        yield moment
