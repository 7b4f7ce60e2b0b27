"""Plates: pictures in rows and columns, with one scale of heat, a line of text below each, and a caption."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from gcdr.report.figures import encode_figure, figure_style
from gcdr.report.overlays import overlay_heatmap

# Inches.
WIDEST, PLATE, SPACE = 2.3, 12.6, 0.06
NOTE, HEAD, NAME, LINE, BAR = 0.19, 0.42, 0.27, 0.17, 2.2
CAPTION_SIZE, NOTE_SIZE, HEAD_SIZE = 9.0, 8.5, 9.5
_GREY = 128  # what the scale of heat is drawn on


@dataclass(frozen=True)
class Tile:
    """A picture with a line below it; both may be absent.

    Attributes:
        picture: None leaves the place empty.
        note: a few words or a number.
    """

    picture: Image.Image | None = None
    note: str = ""


@dataclass(frozen=True)
class Row:
    """A row of a plate.

    Attributes:
        cells: one a column.
        name: written upright at its left.
    """

    cells: Sequence[Tile]
    name: str = ""

    @property
    def shape(self) -> float:
        """Height of the tallest picture over its width."""
        pictures = [cell.picture for cell in self.cells if cell.picture is not None]
        return max(picture.height / picture.width for picture in pictures)


@dataclass(frozen=True)
class Plate:
    """A figure made of pictures.

    Attributes:
        columns: the headings.
        rows: at least one, with as many cells as there are headings.
        caption: what is seen, by which rule, and what its signs mean.
        gaps: numbers of the columns that a wider space stands before.
        scale: whether there are maps, whose colours the scale of heat explains.
    """

    columns: Sequence[str]
    rows: Sequence[Row]
    caption: str
    gaps: Sequence[int] = ()
    scale: bool = True


def draw_plate(plate: Plate, form: str = "png") -> bytes:
    """Draw a plate.

    Args:
        plate: its pictures are drawn with heat from 0 to 1, which the scale beside the caption explains.
        form: ``png``, ``pdf`` or ``jpg``.
    """
    names = any(row.name for row in plate.rows)
    left = NAME if names else 0.0
    gap = 4 * SPACE
    count = len(plate.columns)
    panel = min(WIDEST, (PLATE - left - gap * len(plate.gaps)) / count - SPACE)
    places = [
        left + column * (panel + SPACE) + gap * sum(column >= before for before in plate.gaps)
        for column in range(count)
    ]
    width = max(places[-1] + panel, 7.0)
    below = NOTE if any(cell.note for row in plate.rows for cell in row.cells) else 0.0
    heights = [panel * row.shape for row in plate.rows]
    lines = textwrap.wrap(plate.caption, int((width - BAR - 0.5) / (CAPTION_SIZE / 72 * 0.505)))
    foot = 0.12 + max(LINE * len(lines), 0.5)
    total = HEAD + sum(heights) + len(heights) * (below + SPACE) + foot
    with figure_style(dark=False) as colours:
        figure = plt.figure(figsize=(width, total))
        top = total - HEAD
        for column, place in enumerate(places):
            middle = (place + panel / 2) / width, (top + 0.06) / total
            figure.text(*middle, plate.columns[column], ha="center", va="bottom", size=HEAD_SIZE)
        for row, height in zip(plate.rows, heights, strict=True):
            if row.name:
                middle = 0.1 / width, (top - height / 2) / total
                style = {"ha": "center", "va": "center", "rotation": 90, "size": NOTE_SIZE}
                figure.text(*middle, row.name, **style, linespacing=1.25)
            for cell, place in zip(row.cells, places, strict=True):
                if cell.picture is None:
                    continue
                tall = panel * cell.picture.height / cell.picture.width
                box = (place / width, (top - tall) / total, panel / width, tall / total)
                _draw_picture(figure, box, cell.picture, form)
                middle = (place + panel / 2) / width, (top - tall - 0.04) / total
                style = {"ha": "center", "va": "top", "size": NOTE_SIZE, "color": colours["soft"]}
                figure.text(*middle, cell.note, **style)
            top -= height + below + SPACE
        place = 0, (top - 0.08) / total
        style = {"va": "top", "size": CAPTION_SIZE, "linespacing": 1.3}
        figure.text(*place, "\n".join(lines), **style, color=colours["soft"])
        box = ((width - BAR) / width, (top - 0.25) / total, BAR / width, 0.13 / total)
        if plate.scale:
            _draw_scale(figure, box, form)
        return encode_figure(figure, form)


def _draw_picture(
    figure: Figure, box: tuple[float, float, float, float], picture: Image.Image, form: str
) -> None:
    """A picture in a part of the figure; a PDF takes its pixels as they are."""
    axis = figure.add_axes(box)
    smooth = "none" if form == "pdf" else "lanczos"
    axis.imshow(np.asarray(picture), interpolation=smooth, aspect="auto")
    axis.set_axis_off()


def _draw_scale(figure: Figure, box: tuple[float, float, float, float], form: str) -> None:
    """The colours of heat from 0 to 1, as they look over grey."""
    ramp = np.linspace(0, 1, 256, dtype=np.float32)[None].repeat(16, 0)
    grey = np.full((*ramp.shape, 3), _GREY, np.uint8)
    axis = figure.add_axes(box)
    smooth = "none" if form == "pdf" else "lanczos"
    colours = overlay_heatmap(grey, ramp, 1.0)
    axis.imshow(colours, interpolation=smooth, aspect="auto", extent=(0, 1, 0, 1))
    axis.set_yticks([])
    axis.set_xticks([0, 0.5, 1], ["0", "0.5", "1"], fontsize=NOTE_SIZE)
    axis.tick_params(length=2, pad=2)
    axis.set_title("value of the map", loc="center", fontsize=NOTE_SIZE, pad=3)
    axis.grid(visible=False)
    for spine in axis.spines.values():
        spine.set_visible(False)
