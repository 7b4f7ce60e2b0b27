"""What may be said of a data set of films. No film is opened here."""

from dataclasses import dataclass

from gcdr.base.jsonconfig import JsonConfig, setting


@dataclass(frozen=True, kw_only=True)
class FilmSettings(JsonConfig):
    """Which frames of films are taken."""

    every: int = setting(
        "One frame of so many is taken, by its place in the film.", 1, minimum=1, maximum=10**6
    )
    fps: float | None = setting(
        "At most so many frames a second are taken, by their times; null takes all that every leaves.",
        None,
        exclusiveMinimum=0,
        maximum=1000,
    )
    frame_rate: float = setting(
        "Of a folder of frames: frames a second that the numbers in its files' names count.",
        25.0,
        exclusiveMinimum=0,
        maximum=1000,
    )


@dataclass(frozen=True, kw_only=True)
class Films(FilmSettings):
    """A data set of one's own films."""

    root: str = setting(
        "Folder of the films: video files, and folders of frames. Each is a sequence of its name.",
        format="path",
    )
    annotations: str | None = setting(
        "CSV with the columns frame,head_x0,head_y0,head_x1,head_y1 (pixels) and, where known, sequence "
        "(the film's name), track, gaze_x,gaze_y (0 to 1),in_frame,label,split,annotator. null: heads are "
        "found by heads.weights and linked to tracks.",
        None,
        format="path",
    )
    drawn: bool = setting(
        "Whether its pictures are drawings such as the demo world's, which alone the detectors in "
        "assets/world have seen.",
        False,
    )
