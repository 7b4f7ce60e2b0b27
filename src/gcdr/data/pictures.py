"""Pictures from files, as a person sees them: upright and in RGB, whatever the file's own form is.

Pixels of boxes and points are those of the picture *as shown*: turned as its EXIF orientation says.
Viewers, annotation tools and OpenCV (with which the paper's authors drew their boxes) turn it too. A
manifest's width and height must be those of the turned picture. One function says how a picture is turned,
of its header and of its pixels (:func:`orientation`), so that nobody finds another size than was announced.
"""

import errno
import os
import struct
import warnings
from functools import cache
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile

from gcdr.base.errors import InputError

# Of a panorama there is nothing to fear: twice as many pixels are refused.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)

TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes a picture upright, by its EXIF orientation."""

ON_ITS_SIDE = (5, 6, 7, 8)
NO_PICTURES = ("MPEG", "HDF5", "GRIB", "BUFR", "EPS", "WMF")
"""Forms that Pillow knows and does not read by itself."""

BRANDS = {
    b"heic heix heim heis hevc hevx mif1 mif2 msf1": "a HEIC picture, which is not read; convert it",
    b"avif avis": "an AVIF picture that cannot be read; convert it",
    b"avci avcs": "a picture coded as H.264 (AVCI), which is not read; convert it",
    b"jxl ": "a JPEG XL picture, which is not read; convert it",
    b"crx ": "a raw picture of a Canon camera (CR3), which is not read; convert it",
}
"""What a file of ISO's media format is, by its brand; films have many others."""
OTHERS = {
    b"\0\x05\x16\x07": "an AppleDouble file of macOS, not the picture itself",
    b"version https://git-lfs": "a pointer of Git LFS, not the picture itself",
    b"\xff\x0a": "a JPEG XL picture, which is not read; convert it to JPEG or PNG",
    b"\0\0\0\x0cJXL ": "a JPEG XL picture, which is not read; convert it to JPEG or PNG",
    b"%PDF": "a PDF; export its pictures as JPEG or PNG",
    b"<svg": "a drawing (SVG), which is not read; export it as PNG",
    b"<?xml": "an XML file",
    b"<!doctype html": "an HTML page, such as a server sends in place of a picture",
    b"<html": "an HTML page, such as a server sends in place of a picture",
    b"PK\x03\x04": "a ZIP archive; unpack it",
}
"""What a file is that is no picture which can be read, by its first bytes in lower case."""


def orientation(image: Image.Image) -> int:
    """How an opened picture has to be turned, 1 to 8 as EXIF counts, whether or not it is decoded yet.

    A PNG may say so behind its pixels or in a text of its own, for which Pillow decodes it; so it is asked
    only where there is such a chunk. A TIFF is turned by Pillow itself, and has its upright size at once.
    """
    if isinstance(image, TiffImageFile):
        return 1
    if isinstance(image, PngImageFile) and "exif" not in image.info and not _says_more(image):
        return 1
    turn = image.getexif().get(ExifTags.Base.Orientation, 1)
    return turn if turn in TURNS else 1


def _says_more(image: PngImageFile) -> bool:
    """Whether a PNG has a chunk that may hold an orientation, before its pixels or behind them."""
    with open(image.filename, "rb") as file:
        file.seek(8)  # the signature
        while len(head := file.read(8)) == 8:
            length, name = struct.unpack(">I4s", head)
            if name in (b"eXIf", b"tEXt", b"zTXt", b"iTXt"):
                return True
            file.seek(length + 4, os.SEEK_CUR)
    return False


@cache
def formats() -> tuple[str, ...]:
    """Pillow's names of the forms of pictures that are read.

    Those that Pillow only tells (films, HDF5), and those that other programs draw (PostScript), are not.
    """
    Image.init()
    return tuple(name for name in Image.OPEN if name not in NO_PICTURES)


def _opened(path: str | Path) -> Image.Image:
    """A picture, its pixels not yet read; what is no file, such as a pipe, is not waited for."""
    place = Path(path)
    if place.exists() and not (place.is_file() or place.is_dir()):
        raise OSError(errno.EINVAL, "a pipe or a device, no file")
    return Image.open(path, formats=formats())


def shown_size(path: str | Path) -> tuple[int, int, bool]:
    """Width and height of a picture as :func:`open_image` returns it, and whether it lies on its side.

    From the header, without decoding, wherever the file allows.

    Raises:
        OSError, Exception: as Pillow raises of what is no picture.
    """
    with _opened(path) as image:
        width, height = image.size
        turned = orientation(image) in ON_ITS_SIDE
    return (height, width, True) if turned else (width, height, False)


def form_of(path: str | Path) -> str:
    """What a file is that Pillow does not read, in words; nothing where that cannot be told."""
    if not Path(path).is_file():
        return ""
    try:
        with open(path, "rb") as file:
            first = file.read(64)
    except OSError:
        return ""
    if first[4:8] == b"ftyp":
        for brands, words in BRANDS.items():
            if first[8:12] in (brands[at : at + 4] for at in range(0, len(brands), 5)):
                return f"{words} to JPEG"
        return "a film (MP4 or QuickTime); extract its frames as JPEG or PNG"
    text = first.removeprefix(b"\xef\xbb\xbf").lstrip() if first[:1] not in b"\0\xff" else first
    for start, words in OTHERS.items():
        if text[: len(start)] == start or text[: len(start)].lower() == start:
            return words
    return ""


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
        with _opened(path) as image:
            stored = image.size
            turn = orientation(image)
            upright = _rgb(image.transpose(TURNS[turn]) if turn in TURNS else image)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such image") from error
    except Image.DecompressionBombError as error:
        raise InputError(f"{path}: more pixels than are read ({error})") from error
    except Exception as error:  # foreign bytes make decoders fail in many ways, each its own
        raise InputError(f"{path}: not a readable image ({form_of(path) or error})") from error
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
