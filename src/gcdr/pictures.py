"""Opening images."""

from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from gcdr.errors import InputError


def open_image(path: Path) -> Image.Image:
    """An image as upright RGB.

    Raises:
        InputError: it is absent or cannot be decoded.
    """
    try:
        with Image.open(path) as image:
            return ImageOps.exif_transpose(image).convert("RGB")
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such image") from error
    except (
        UnidentifiedImageError,
        Image.DecompressionBombError,
        OSError,
        SyntaxError,
        ValueError,
    ) as error:
        raise InputError(f"{path}: not a readable image ({error})") from error
