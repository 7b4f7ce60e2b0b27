"""Pictures, head boxes and depth that a caller hands over in memory, checked."""

import numpy as np
from PIL import Image

from gcdr.base.errors import InputError


def as_picture(image: Image.Image | np.ndarray, where: str) -> Image.Image:
    """A picture in RGB.

    Raises:
        InputError: an array is not (height, width, 3) uint8.
    """
    if isinstance(image, Image.Image):
        return image.convert("RGB")
    found = np.asarray(image)
    if found.ndim != 3 or found.shape[2] != 3 or found.dtype != np.uint8:
        raise InputError(
            f"{where}: found {found.dtype} of shape {found.shape}, expected uint8 of "
            "(height, width, 3)"
        )
    return Image.fromarray(found)


def as_boxes(boxes: object, image: Image.Image, where: str) -> np.ndarray:
    """Head boxes (n, 4) float64 in pixels.

    Raises:
        InputError: they are of another shape, empty, not finite or outside the picture.
    """
    try:
        found = np.asarray(boxes, float)
    except (TypeError, ValueError) as error:
        raise InputError(f"{where}: head boxes that are no table of numbers ({error})") from None
    found = found.reshape(0, 4) if found.size == 0 else found
    if found.ndim != 2 or found.shape[1] != 4:
        raise InputError(f"{where}: head boxes of shape {found.shape}, expected (people, 4)")
    width, height = image.size
    fits = np.isfinite(found).all(1) & (found[:, 0] < found[:, 2]) & (found[:, 1] < found[:, 3])
    fits &= (found[:, 0] < width) & (found[:, 1] < height) & (found[:, 2:] > 0).all(1)
    if not fits.all():
        raise InputError(
            f"{where}: head box {found[~fits][0].tolist()}, expected x0 < x1 and y0 < y1 in "
            f"pixels of a picture of {width} x {height}"
        )
    return found


def as_depth(depth: object, picture: Image.Image, where: str) -> Image.Image:
    """The depth of a picture as a picture of floats.

    Args:
        depth: (height, width) in [0, 1], 1 nearest; None is refused.
        picture: the picture.
        where: how error messages name it.

    Raises:
        InputError: it is none, no numbers, of another size, not finite, outside 0..1 or the same everywhere.
    """
    size = (picture.height, picture.width)
    expected = f"expected {size} finite values in 0..1, 1 nearest"
    try:
        found = None if depth is None else np.asarray(depth, np.float32)
    except (TypeError, ValueError):
        raise InputError(f"{where}: depth: found no numbers, {expected}") from None
    if found is None or found.shape != size or not np.isfinite(found).all():
        shape = "none" if found is None else f"shape {found.shape}"
        raise InputError(f"{where}: depth: found {shape}, {expected}")
    low, high = float(found.min()), float(found.max())
    if low < 0 or high > 1 or low == high:
        raise InputError(f"{where}: depth: found {low:g} to {high:g}, {expected}, not all equal")
    return Image.fromarray(found)
