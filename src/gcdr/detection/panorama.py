"""Heads in pictures that are many times as wide as high, or as high as wide.

A detector looks at a picture that was made smaller by its longer side, in which people of a panorama are a
few pixels high. So it is shown such a picture in overlapping squares.
"""

from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

from gcdr.detection.overlap import distinct

# For each picture boxes (n, 4) float64 in its pixels and scores (n,) float64 in 0..1.
Finder = Callable[[Sequence[Image.Image]], list[tuple[np.ndarray, np.ndarray]]]

ELONGATED = 3.0
"""Longer over shorter side from which a picture is looked at in squares: panoramas, and no film's frame."""
LEAST = 100  # pixels of a square's side: in narrower strips nobody is looked for by squares
STEP = 0.5  # of a square's side to the next one: a head of up to nearly half of it is whole in one
SAME = (
    0.5  # IoU above which boxes of two windows are one head; of one window the finder has said it
)
CUT = 0.02  # of a square's side: boxes so near to an edge within the picture are of a head that it may cut


def squares(size: tuple[int, int]) -> list[tuple[int, int, int, int]]:
    """The windows x0, y0, x1, y1 in pixels that cover a picture of a size (width, height), or all of it."""
    short, long = sorted(size)
    if short < LEAST or long < ELONGATED * short:
        return [(0, 0, *size)]
    count = 1 + int(np.ceil((long - short) / (STEP * short)))
    starts = np.linspace(0, long - short, count).round().astype(int).tolist()
    if size[0] == long:
        return [(start, 0, start + short, short) for start in starts]
    return [(0, start, short, start + short) for start in starts]


def in_squares(finder: Finder) -> Finder:
    """A finder of heads that looks at panoramas in squares.

    What it says of any other picture is what the finder says.
    """

    def look(images: Sequence[Image.Image]) -> list[tuple[np.ndarray, np.ndarray]]:
        ordinary = [number for number, one in enumerate(images) if len(squares(one.size)) == 1]
        found = dict(
            zip(ordinary, finder([images[n] for n in ordinary]) if ordinary else [], strict=True)
        )
        return [found.get(n) or _joined(finder, image) for n, image in enumerate(images)]

    return look


def _joined(finder: Finder, image: Image.Image) -> tuple[np.ndarray, np.ndarray]:
    """Heads of a panorama, best first, each once: those of its squares, and those that fill its height."""
    windows = [(0, 0, *image.size), *squares(image.size)]
    boxes, scores, whose = [], [], []
    for number, window in enumerate(windows):
        ((found, sure),) = finder([image.crop(window) if number else image])
        whole = ~_cut(found, window, image.size)
        boxes.append(found[whole] + np.tile(window[:2], 2))
        scores.append(sure[whole])
        whose.append(np.full(int(whole.sum()), number))
    every, sure, whose_box = (np.concatenate(parts) for parts in (boxes, scores, whose))
    kept = distinct(every, sure, SAME, whose_box)
    return every[kept], sure[kept]


def _cut(boxes: np.ndarray, window: tuple[int, int, int, int], size: tuple[int, int]) -> np.ndarray:
    """(n,) bool: boxes at an edge of the window alone; the next square has them whole."""
    margin = CUT * (window[2] - window[0])
    x0, y0, x1, y1 = window
    near = np.stack(
        [
            (boxes[:, 0] < margin) & (x0 > 0),
            (boxes[:, 1] < margin) & (y0 > 0),
            (boxes[:, 2] > x1 - x0 - margin) & (x1 < size[0]),
            (boxes[:, 3] > y1 - y0 - margin) & (y1 < size[1]),
        ]
    )
    return near.any(0)
