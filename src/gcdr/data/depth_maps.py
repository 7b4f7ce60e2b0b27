"""Depth of pictures as 16-bit PNG: one channel, 0 the farthest and 65535 the nearest, of the picture's size.

That is the layout of Miao et al. (WACV 2023), whose own maps are inverse depth by all signs (MiDaS puts it
out so, and a map is stretched to the whole range); none of them was at hand to look. A map lies where the
picture does, with the ending ``.png``.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from gcdr.base.errors import InputError
from gcdr.base.files import file_digest

FULL = 65535
NARROW = 0.05  # of the range, which a map should use
FEW, INVERTED = 20, 0.7  # from so many maps on this share of them being upside down is said
PICTURE = "picture_sha256"
"""Text in a PNG of this package: of which picture it is."""


def depth_file(folder: Path, image: str) -> Path:
    """Where the depth of a picture lies in a folder of depth maps."""
    return folder / Path(image).with_suffix(".png")


def check_depth_names(images: Iterable[str]) -> None:
    """Refuse pictures that would have one depth map, as ``a.jpg`` and ``a.png`` would.

    Raises:
        InputError: names the first two.
    """
    owners: dict[Path, str] = {}
    for image in images:
        other = owners.setdefault(depth_file(Path(), image), image)
        if other != image:
            raise InputError(
                f"{image} and {other}: their depth maps would have one name; expected pictures whose names "
                "differ by more than the ending"
            )


def open_depth(path: Path, size: tuple[int, int], picture: Path | None = None) -> Image.Image:
    """A depth map with values in 0..1, 1 nearest, as a picture of floats.

    Args:
        path: the PNG.
        size: width and height that it must have, those of its picture as shown.
        picture: the picture, which the map must be made of where it says of which it is.

    Raises:
        InputError: it is absent, not readable, no single channel of 16 bits, of another size, of another
            picture, or the same everywhere.
    """
    try:
        with Image.open(path, formats=("PNG",)) as image:
            image.verify()  # the checksums of its parts, which are not looked at otherwise
        with Image.open(path, formats=("PNG",)) as image:
            mode, made_of = image.mode, image.info.get(PICTURE)
            values = np.asarray(image) if mode.startswith("I") else None
            found = image.size
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such depth map") from error
    except Exception as error:  # as of pictures
        raise InputError(f"{path}: not a readable depth map ({error})") from error
    if values is None:
        raise InputError(
            f"{path}: found a PNG of mode {mode}, expected one channel of 16 bits as a depth map"
        )
    if found != tuple(size):
        raise InputError(
            f"{path}: found a size of {found[0]}x{found[1]}, expected {size[0]}x{size[1]}, its picture's"
        )
    if values.min() == values.max():
        raise InputError(f"{path}: is {values.min()} everywhere, expected a depth map")
    if picture is not None and made_of is not None and made_of != file_digest(picture):
        raise InputError(f"{path}: is the depth of another picture than {picture}; make it again")
    return Image.fromarray(values.astype(np.float32) / np.float32(FULL))


class DepthLook:
    """What can be told of depth maps together: whether they fill their range, and which way round they are.

    The ground is mostly nearer than what is above it, so the lower part of a picture is mostly larger.
    """

    def __init__(self) -> None:
        self.maps = self.narrow = self.inverted = 0

    def take(self, depth: np.ndarray) -> None:
        """Look at a map (S, S) in 0..1."""
        fifth = max(1, len(depth) // 5)
        self.maps += 1
        self.narrow += bool(np.ptp(depth) < NARROW)
        self.inverted += bool(np.median(depth[:fifth]) > np.median(depth[-fifth:]))

    def lines(self) -> list[str]:
        """What there is to say; nothing where all looks as it should."""
        found = []
        if self.narrow:
            found.append(
                f"depth: {self.narrow:,} of {self.maps:,} maps use less than {NARROW:.0%} of 0..{FULL}; "
                "expected each to be stretched to all of it (metres or millimetres are none)"
            )
        if self.maps >= FEW and self.inverted > INVERTED * self.maps:
            found.append(
                f"depth: {self.inverted:,} of {self.maps:,} maps are larger at the top of their picture than "
                "at the bottom; expected larger values where it is nearer: are they inverted?"
            )
        return found


def resized_depth(depth: Image.Image, size: int) -> np.ndarray:
    """A depth map, whole or a part of it, as (size, size) float32.

    It is resized bicubically, as Miao's code does it, so that values may overshoot 0..1 a little.
    """
    return np.asarray(depth.resize((size, size), Image.Resampling.BICUBIC))


def save_depth(path: Path, depth: np.ndarray, picture: Path) -> None:
    """Write the depth (H, W) of a picture, in any range, the larger the nearer; it is stretched to 0..65535.

    The folder that it goes to is a whole when all are there, so it is not written beside and renamed.

    Raises:
        InputError: it is not finite, or the same everywhere.
    """
    low, high = float(depth.min()), float(depth.max())
    if not np.isfinite([low, high]).all() or low == high:
        raise InputError(
            f"{picture}: its depth is {low} to {high}, expected different finite values"
        )
    values = np.round((depth - low) / (high - low) * FULL).astype(np.uint16)
    about = PngInfo()
    about.add_text(PICTURE, file_digest(picture))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path, "PNG", pnginfo=about, compress_level=1)
