"""The frames of a video before anybody has looked at them, and which of them are looked at."""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

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
