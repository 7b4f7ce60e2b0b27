"""What may be said of a data set of the demo world. No pictures are drawn here."""

from dataclasses import dataclass
from typing import Literal

from gcdr.base.jsonconfig import JsonConfig, setting

DRAWN = ("world", "world-show")
"""Kinds of data sets that are drawn: of stills, and of the clips of a show."""


@dataclass(frozen=True)
class WorldSettings(JsonConfig):
    """A data set of the demo world."""

    seed: int = setting("Seed of the scenes.", minimum=0, maximum=2**32 - 1)
    style: Literal["gaze", "web"] = setting(
        'Distribution of scenes; "gaze" is the data set and "web" what the VQA model learned from.'
    )
    train_people: int = setting("Training people at least.", minimum=1, maximum=10**7)
    test_people: int = setting(
        "Test people at least; all look into the frame.", minimum=1, maximum=10**7
    )
    annotators: int = setting("Annotators of each test person.", minimum=2, maximum=1000)
    width: int = setting("Width of the pictures in pixels.", minimum=32, maximum=4096)
    height: int = setting("Height of the pictures in pixels.", minimum=32, maximum=4096)


@dataclass(frozen=True)
class ShowSettings(JsonConfig):
    """A data set of the moving demo world: the clips of a show."""

    seed: int = setting("Seed of the clips.", minimum=0, maximum=2**32 - 1)
    style: Literal["kitchen", "garden", "theatre"] = setting(
        "The show: its set, light, framing, things and how many people it has."
    )
    clips: int = setting("Clips of the split train.", minimum=1, maximum=10**5)
    test_clips: int = setting("Clips of the split test.", minimum=0, maximum=10**5)
    frames: int = setting("Frames of a clip, of which ten are a second.", minimum=2, maximum=10**5)
    width: int = setting("Width of the frames in pixels.", minimum=32, maximum=4096)
    height: int = setting("Height of the frames in pixels.", minimum=32, maximum=4096)


@dataclass(frozen=True)
class DrawnDepth(JsonConfig):
    """The depth of pictures that were drawn.

    Attributes:
        noisy: whether as an estimator would give it.
        stills: what stills were drawn by, or None.
        show: what a show was drawn by, or None.
    """

    noisy: bool
    stills: WorldSettings | None = None
    show: ShowSettings | None = None
