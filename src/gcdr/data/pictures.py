"""Pictures from files, as a person sees them: upright and in RGB, whatever the file's own form is.

Pixels of boxes and points are those of the picture *as shown*: turned as its EXIF orientation says.
Viewers, annotation tools and OpenCV (with which the paper's authors drew their boxes) turn it too. A
manifest's width and height must be those of the turned picture.
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from gcdr.base.errors import InputError


def open_image(path: str | Path, size: tuple[int, int] | None = None) -> Image.Image:
    """A picture as upright RGB.

    CMYK is converted, 16 bits a channel are rounded to 8, and what is transparent becomes white.

    Args:
        path: the file.
        size: width and height that it must have, as the manifest says; None takes any.

    Raises:
        InputError: it is absent, truncated or otherwise not readable, has more pixels than Pillow
            admits (``PIL.Image.MAX_IMAGE_PIXELS``, twice), or another size.
    """
    try:
        with Image.open(path) as image:
            stored = image.size
            upright = _rgb(ImageOps.exif_transpose(image))
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such image") from error
    except Image.DecompressionBombError as error:
        raise InputError(f"{path}: more pixels than are read ({error})") from error
    except Exception as error:  # foreign bytes make decoders fail in many ways, each its own
        raise InputError(f"{path}: not a readable image ({error})") from error
    if size is not None and upright.size != tuple(size):
        turned = " before its EXIF orientation turns it" if stored == tuple(size) else ""
        raise InputError(
            f"{path}: found a size of {upright.width}x{upright.height}, "
            f"expected {size[0]}x{size[1]} as in the manifest{turned and ', which it has' + turned}"
        )
    return upright


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode == "F":
        raise ValueError("floating-point pixels have no known range")
    if image.mode.startswith("I"):  # 16 bits, which Pillow keeps in 16 or 32 and would cut off
        pixels = (np.asarray(image).astype(np.int64).clip(0, 65535) + 128) // 257
        return Image.fromarray(pixels.astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        visible = image.convert("RGBA")
        page = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(page, visible).convert("RGB")
    return image.convert("RGB")
