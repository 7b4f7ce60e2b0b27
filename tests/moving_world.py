"""A small film of the demo world: people turn their heads, and one walks out of the picture and back."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pandas as pd
from PIL import Image

from gcdr.data.manifest import BOX
from gcdr.world.render import render
from gcdr.world.scene import draw_scene
from gcdr.world.style import STYLES


def moving_world(count: int, index: int = 9) -> Iterator[tuple[Image.Image, list[list[float]]]]:
    """Frames, and the head boxes of all people in them, in pixels, by person."""
    still = draw_scene(11, index, STYLES["gaze"])
    for number in range(count):
        part = number / max(1, count - 1)
        people = []
        for who, person in enumerate(still.people):
            figure = person.figure
            turn = 0.9 * math.sin(2 * math.pi * (part + who / 3))
            x = figure.x - (0.35 * still.style.aspect * math.sin(math.pi * part) if who == 0 else 0)
            moved = replace(
                figure, x=x, angle=figure.angle + turn, eye_angle=figure.eye_angle + turn
            )
            people.append(replace(person, figure=moved))
        image = Image.fromarray(render(replace(still, people=tuple(people))))
        scale = np.array([image.width / still.style.aspect, image.height] * 2)
        yield image, [(np.array(one.figure.head_bounds) * scale).tolist() for one in people]


def write_film(
    path: Path,
    images: Sequence[Image.Image],
    *,
    times: Callable[[int], float] = lambda number: number / 25,
    codec: str = "libx264",
    rotation: float | None = None,
    mirrored: bool = False,
    options: dict[str, str] | None = None,
) -> Path:
    """A video file of pictures of one size, each at its time in seconds."""
    with av.open(str(path), "w", options=options or {}) as container:
        stream = container.add_stream(codec, rate=25, options={"g": "5"})
        stream.width, stream.height = images[0].size
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        if rotation is not None:
            stream.set_display_rotation(rotation, hflip=mirrored)
        for number, image in enumerate(images):
            frame = av.VideoFrame.from_image(image)
            frame.pts, frame.time_base = round(1000 * times(number)), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def write_heads_of(
    path: Path, boxes: Sequence[Sequence[Sequence[float]]], size: tuple[int, int]
) -> Path:
    """A table of tracks: of each frame the boxes that lie in it by more than half, tracks a, b, ..."""
    rows = [
        (number, "abcdef"[who], *np.round(box, 2))
        for number, people in enumerate(boxes)
        for who, box in enumerate(people)
        if 0 < (box[0] + box[2]) / 2 < size[0] and 0 < (box[1] + box[3]) / 2 < size[1]
    ]
    pd.DataFrame(rows, columns=["frame", "track", *BOX]).to_csv(path, index=False)
    return path
