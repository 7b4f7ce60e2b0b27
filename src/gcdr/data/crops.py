"""What is kept of a decoded picture: the scene at the model's size, and heads with a margin.

One function each makes them, for the picture cache and for a prediction from pictures in memory. Random
crops of a scene are cut from a larger picture (:mod:`gcdr.data.originals`).
"""

from math import ceil, floor

import numpy as np
from PIL import Image

HEAD_PADDING = 0.1  # of a head box's size on each side, as GCDR and VAT do on pictures
FILM_PADDING = 0.0  # as they do on VideoAttentionTarget
HEAD_MARGIN = 0.2  # kept around the head box, so that the box can be jittered without the image


def grow(box: np.ndarray, share: float) -> np.ndarray:
    """Boxes (N, 4) grown by ``share`` of their size on every side; they may leave the image."""
    size = box[:, 2:] - box[:, :2]
    return np.concatenate([box[:, :2] - share * size, box[:, 2:] + share * size], 1)


def head_pixels(size: int) -> int:
    """Side of a head with its margin, in pixels, where the model's input has ``size``."""
    return round(size * (1 + 2 * HEAD_MARGIN))


def scene_of(image: Image.Image, size: int) -> np.ndarray:
    """The whole picture as (3, size, size) uint8; its proportions are not kept."""
    return _pixels(image.resize((size, size), Image.Resampling.BILINEAR))


def head_of(image: Image.Image, region: np.ndarray, size: int) -> np.ndarray:
    """A region (4,) in pixels, a head box with its margin, as (3, size, size) uint8.

    What lies outside the picture is black.
    """
    return _pixels(cut(image, region, size))


def cut(image: Image.Image, region: np.ndarray, size: int) -> Image.Image:
    """A region (4,) of a picture, x0, y0, x1, y1 in pixels, at ``size`` in both directions.

    Each direction is averaged as far as it shrinks, by itself, as when a crop is resized: of a region four
    times as high as wide no line is skipped. What lies outside the picture is black.
    """
    x0, y0, x1, y1 = region.tolist()
    left, top = floor(x0), floor(y0)
    whole = image.crop((left, top, max(ceil(x1), left + 1), max(ceil(y1), top + 1)))
    inner = (x0 - left, y0 - top, x1 - left, y1 - top)
    return whole.resize((size, size), Image.Resampling.BILINEAR, box=inner)


def _pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image).transpose(2, 0, 1)
