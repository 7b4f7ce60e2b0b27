"""Pictures and head boxes that a caller hands over in memory, checked."""

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
