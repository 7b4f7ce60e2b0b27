"""Pictures in every form that files have, and what is refused."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gcdr.base.errors import InputError
from gcdr.data.pictures import open_image


def saved(folder: Path, image: Image.Image, name: str, **how) -> Path:
    image.save(folder / name, **how)
    return folder / name


def test_cmyk_becomes_rgb(tmp_path: Path) -> None:
    found = open_image(saved(tmp_path, Image.new("CMYK", (4, 3), (0, 255, 255, 0)), "a.jpg"))
    assert found.mode == "RGB" and found.size == (4, 3)
    red, green, blue = found.getpixel((1, 1))
    assert red > 200 and green < 50 and blue < 50


@pytest.mark.parametrize("mode", ["I;16", "I"])
def test_16_bits_are_rounded_to_8(tmp_path: Path, mode: str) -> None:
    ramp = np.array([[0, 257, 32768, 65535]], np.uint16)
    image = Image.fromarray(ramp) if mode == "I;16" else Image.fromarray(ramp.astype(np.int32))
    found = np.asarray(open_image(saved(tmp_path, image, "a.tif")))
    assert found[0].tolist() == [[value] * 3 for value in (0, 1, 128, 255)]


def test_transparent_pixels_become_white(tmp_path: Path) -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putpixel((1, 0), 1)
    path = saved(tmp_path, image, "a.png", transparency=bytes([255, 0]))
    assert [open_image(path).getpixel((x, 0)) for x in (0, 1)] == [(255, 0, 0), (255, 255, 255)]
    path = saved(tmp_path, Image.new("RGBA", (1, 1), (0, 0, 0, 0)), "b.png")
    assert open_image(path).getpixel((0, 0)) == (255, 255, 255)


def test_exif_turns_a_picture_and_the_manifest_counts_turned_pixels(tmp_path: Path) -> None:
    image = Image.new("L", (6, 4))
    image.putpixel((5, 0), 255)
    exif = Image.Exif()
    exif[274] = 6  # to be turned by 90 degrees clockwise
    path = saved(tmp_path, image, "a.png", exif=exif)
    turned = open_image(path, (4, 6))
    assert turned.size == (4, 6) and turned.mode == "RGB"
    assert turned.getpixel((3, 5)) == (255, 255, 255)
    with pytest.raises(InputError, match=r"found a size of 4x6, expected 6x4 .* before its EXIF"):
        open_image(path, (6, 4))


@pytest.mark.parametrize("size", [(1, 1), (20_000, 3), (3, 20_000)])
def test_very_small_and_very_wide_pictures_are_read(tmp_path: Path, size: tuple[int, int]) -> None:
    path = saved(tmp_path, Image.new("RGB", size, (9, 8, 7)), "a.png")
    assert open_image(path, size).getpixel((0, 0)) == (9, 8, 7)


def test_what_cannot_be_read_is_named(tmp_path: Path, monkeypatch) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    whole = io.BytesIO()
    Image.fromarray(pixels).save(whole, "JPEG")
    files = {"cut.jpg": whole.getvalue()[:900], "empty.jpg": b"", "text.jpg": b"no picture"}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=f"{name}: not a readable image"):
            open_image(tmp_path / name)
    (tmp_path / "folder.jpg").mkdir()
    with pytest.raises(InputError, match=r"folder\.jpg: not a readable image"):
        open_image(tmp_path / "folder.jpg")
    with pytest.raises(InputError, match="no such image"):
        open_image(tmp_path / "none.jpg")
    path = saved(tmp_path, Image.fromarray(np.ones((2, 2), np.float32)), "float.tif")
    with pytest.raises(InputError, match="no known range"):
        open_image(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    path = saved(tmp_path, Image.fromarray(pixels), "huge.png")
    with pytest.raises(InputError, match="more pixels than are read"):
        open_image(path)
