"""Where people look, drawn into their picture: a head's box, a line, a ring at the point."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw, ImageFont

from gcdr.base.files import atomic
from gcdr.data.manifest import BOX
from gcdr.data.pictures import open_image
from gcdr.predictor.predictor import Prediction
from gcdr.report.overlays import blur_heads, encode, overlay_heatmap

# Okabe and Ito's colours, which people with any colour vision tell apart.
COLOURS = (
    (86, 180, 233),
    (230, 159, 0),
    (0, 158, 115),
    (240, 228, 66),
    (213, 94, 0),
    (204, 121, 167),
)
LONGEST = 1280  # pixels of a drawn picture's longer side
HALF = 0.5  # probability below which somebody is drawn as looking out of the frame


def draw_people(
    image: Image.Image,
    rows: pd.DataFrame,
    prediction: Prediction,
    *,
    heat: bool,
    blur: bool,
    colours: Sequence[tuple[int, int, int]] = (),
    tags: Sequence[str] = (),
    shortest: int = 1,
) -> Image.Image:
    """A picture with its people's heads, and where each looks.

    Args:
        image: the picture.
        rows: its people, see :func:`gcdr.prediction.predicting.predict_people`.
        prediction: of the same people.
        heat: whether the heatmaps are laid over it, of each cell the highest among those who look into it.
        blur: whether heads are made unrecognisable.
        colours: of each person; by default those of ``COLOURS`` in turn.
        tags: of each person a text above the head; by default none.
        shortest: pixels that the longer side has at least; smaller pictures are made larger.

    Returns:
        at most ``LONGEST`` pixels long; who looks out of the frame has a dashed box, no line and no heat.
    """
    longer = max(image.size)
    scale = max(shortest, min(longer, LONGEST)) / longer
    canvas = image.resize(
        [max(1, round(side * scale)) for side in image.size], Image.Resampling.LANCZOS
    )
    boxes = rows[BOX].to_numpy(float) * scale
    if blur:
        canvas = Image.fromarray(blur_heads(np.asarray(canvas), boxes))
    out = (rows["in_frame_probability"] < HALF).to_numpy(bool)
    if heat and not out.all():  # a map of nobody is none
        within = prediction.heatmap[~out].max(0)
        canvas = Image.fromarray(overlay_heatmap(np.asarray(canvas), within))
    draw = ImageDraw.Draw(canvas)
    unit = max(canvas.size) / 320
    points = rows[["gaze_x", "gaze_y"]].to_numpy(float) * canvas.size
    shades = colours or [COLOURS[number % len(COLOURS)] for number in range(len(boxes))]
    for number, (box, point) in enumerate(zip(boxes, points, strict=True)):
        colour = shades[number]
        if out[number]:
            _dashed(draw, box, colour, unit)
            continue
        middle = (box[:2] + box[2:]) / 2
        for line, width in (((20, 20, 20), 2.4), (colour, 1.4)):
            outer = np.concatenate([box[:2] - width * unit / 2, box[2:] + width * unit / 2])
            draw.rectangle(outer.round().tolist(), outline=line, width=max(1, round(width * unit)))
            if not np.isfinite(point).all():
                continue
            draw.line([*middle, *point], fill=line, width=max(1, round(width * unit)))
            radius = 4 * unit
            ring = [*(point - radius), *(point + radius)]
            draw.ellipse(ring, outline=line, width=max(1, round(width * unit)))
    for tag, box, colour in zip(tags, boxes, shades, strict=False):
        write_tag(draw, tag, (box[0], box[1]), colour, unit)
    return canvas


def write_tag(
    draw: ImageDraw.ImageDraw,
    text: str,
    corner: tuple[float, float],
    colour: tuple[int, int, int],
    unit: float,
) -> None:
    """Write a text on a plate whose lower left corner is at a place, or as near as the picture allows.

    Args:
        draw: of the picture.
        text: on one line.
        corner: x and y in pixels.
        colour: of the plate; the text is black.
        unit: what lines are measured in, pixels.
    """
    font = ImageFont.load_default(max(11, 5.5 * unit))
    left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
    margin = max(2, round(1.2 * unit))
    width, height = right - left + 2 * margin, bottom - top + 2 * margin
    x = max(0, min(corner[0], draw.im.size[0] - width))
    y = max(0, min(corner[1] - height, draw.im.size[1] - height))
    draw.rectangle((x, y, x + width, y + height), fill=colour)
    draw.text((x + margin - left, y + margin - top), text, font=font, fill=(0, 0, 0))


def draw_heads(folder: Path, heads: pd.DataFrame, out: Path) -> None:
    """Every picture with its heads' boxes, for looking whether they are right.

    Args:
        folder: the pictures.
        heads: ``image`` and the columns of ``BOX`` in pixels.
        out: the folder of the drawings.
    """
    for name, rows in heads.groupby("image"):
        image, people = open_image(folder / str(name)), len(rows)
        nowhere = Prediction(np.zeros((people, 2)), np.zeros((people, 1, 1)), None)
        looking = rows.assign(gaze_x=np.nan, gaze_y=np.nan, in_frame_probability=np.nan)
        drawn = draw_people(image, looking, nowhere, heat=False, blur=False)
        write_drawing(drawn, out, str(name))


def write_drawing(drawn: Image.Image, folder: Path, name: str) -> None:
    """Write a drawing of the picture of a name as JPEG, whole or not at all; others get a second ending."""
    path = folder / (name if name.lower().endswith((".jpg", ".jpeg")) else f"{name}.jpg")
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic(path) as temporary:
        temporary.write_bytes(encode(drawn, "JPEG"))


def _dashed(
    draw: ImageDraw.ImageDraw, box: np.ndarray, colour: tuple[int, int, int], unit: float
) -> None:
    (x0, y0), (x1, y1) = box[:2], box[2:]
    corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]])
    for start, end in pairwise(corners):
        length = float(np.linalg.norm(end - start))
        for at in np.arange(0, length, 6 * unit):
            one, two = (
                start + (end - start) * min(1, step / length) for step in (at, at + 3 * unit)
            )
            draw.line([*one, *two], fill=colour, width=max(1, round(1.4 * unit)))
