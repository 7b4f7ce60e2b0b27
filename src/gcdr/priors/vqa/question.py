"""What is asked: the prompt, the box around the person, and the image as the model sees it."""

import re

import numpy as np
from PIL import Image, ImageDraw

from gcdr.base.errors import InputError

GREEN = (0, 255, 0)


def normalise(question: str, max_words: int = 128) -> str:
    """A question as OFA was trained to read it: lower case, few marks, one question mark.

    Args:
        question: any text.
        max_words: further words are dropped.
    """
    text = question.lower().lstrip(",.!?*#:;~").replace("-", " ").replace("/", " ")
    text = re.sub(r"\s{2,}", " ", text).rstrip("\n").strip(" ")
    text = " ".join(text.split(" ")[:max_words])
    return text if text.endswith("?") else text + "?"


def draw_box(
    image: Image.Image,
    box: tuple[float, float, float, float],
    colour: tuple[int, int, int] = GREEN,
    thickness: int = 2,
) -> Image.Image:
    """A copy of an RGB image with the outline of a box.

    Args:
        image: of any size.
        box: (x0, y0, x1, y1) in pixels, cut to whole numbers; parts outside are not drawn.
        colour: RGB, 0..255.
        thickness: as in OpenCV, whose lines of thickness 2 are 3 pixels wide with rounded corners.

    Raises:
        InputError: the box has no area, no part of it lies in the image, or a side is infinitely far.
    """
    x0, y0, x1, y1 = box
    if not (max(x0, 0) < min(x1, image.width) and max(y0, 0) < min(y1, image.height)):
        raise InputError(
            f"box ({x0:g}, {y0:g}, {x1:g}, {y1:g}): found no area of it in a "
            f"{image.width}x{image.height} image, expected x0 < x1, y0 < y1 and an overlap"
        )
    if not np.isfinite(box).all():
        raise InputError(f"box ({x0:g}, {y0:g}, {x1:g}, {y1:g}): expected finite sides")
    image = image.copy()
    draw = ImageDraw.Draw(image)
    # Pillow's coordinates are 32 bits; beyond the lines' own width a side is as far out as any.
    beyond, width, height = 2 * thickness + 2, image.width, image.height
    x0, x1 = (int(min(max(side, -beyond), width + beyond)) for side in (x0, x1))
    y0, y1 = (int(min(max(side, -beyond), height + beyond)) for side in (y0, y1))
    reach = (thickness + 1) // 2 if thickness > 1 else 0
    for y in (y0, y1):
        draw.rectangle((x0, y - reach, x1, y + reach), fill=colour)
    for x in (x0, x1):
        draw.rectangle((x - reach, y0, x + reach, y1), fill=colour)
        for y in (y0, y1):
            draw.polygon([(x - reach, y), (x, y - reach), (x + reach, y), (x, y + reach)], colour)
    return image


def image_array(image: Image.Image, size: int) -> np.ndarray:
    """An image as OFA sees it: squeezed to a square by bicubic resizing, values in [-1, 1].

    Args:
        image: RGB, of any size.
        size: side of the square in pixels.

    Returns:
        (3, size, size) float32.
    """
    pixels = np.asarray(image.resize((size, size), Image.Resampling.BICUBIC), np.float32)
    return np.ascontiguousarray(((pixels / 255 - 0.5) / 0.5).transpose(2, 0, 1))
