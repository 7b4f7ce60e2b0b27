"""Head boxes from the columns of somebody's own table."""

import numpy as np
from PIL import Image

from gcdr.base.errors import InputError
from gcdr.base.problems import Problems
from gcdr.data.manifest import BOX
from gcdr.datasets.text import Table


def read_boxes(columns: Table, problems: Problems) -> tuple[np.ndarray, np.ndarray]:
    """Boxes of a table that has the columns of ``BOX``.

    Args:
        columns: the table, N rows.
        problems: gets the rows that hold no numbers, or no area.

    Returns:
        (N, 4) float64 x0, y0, x1, y1 in pixels, NaN where there is no number, and (N,) bool: the right ones.

    Raises:
        InputError: all boxes lie within 0..1, as fractions of the picture do.
    """
    boxes = np.stack([columns.numbers(name, problems, "a number of pixels") for name in BOX], 1)
    known = np.isfinite(boxes).all(1)
    empty = ~(boxes[:, :2] < boxes[:, 2:]).all(1) & known
    corners = "x0 < x1 and y0 < y1"
    problems.rows("head box without area", ", ".join(BOX), corners, empty, columns.places, boxes)
    good = known & ~empty
    if good.any() and ((boxes[good] >= 0) & (boxes[good] <= 1)).all():
        first = int(np.flatnonzero(good)[0])
        raise InputError(
            f"{columns.places.name(first)}: found the head box {boxes[first].tolist()}, and no other that "
            "leaves 0..1, like fractions of the picture; expected pixels"
        )
    return boxes, good


def within(boxes: np.ndarray, picture: Image.Image) -> np.ndarray:
    """(n,) bool: boxes (n, 4) in pixels that touch their picture."""
    return np.asarray((boxes[:, :2] < picture.size).all(1) & (boxes[:, 2:] > 0).all(1))
