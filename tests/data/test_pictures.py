"""Pictures in every form that files have, and what is refused."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gcdr.base.errors import InputError
from gcdr.data.pictures import open_image, shown_size


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


XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="{}"/>'
    "</rdf:RDF></x:xmpmeta>"
)
MARKS = ["exif", "raw profile", "packed raw profile", "xmp"]


def chunk(name: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + name
        + content
        + struct.pack(">I", zlib.crc32(name + content))
    )


def marked_png(image: Image.Image, orientation: int, mark: str, behind: bool) -> bytes:
    """A PNG whose orientation stands in one of MARKS, before its pixels or behind them."""
    file, exif = io.BytesIO(), Image.Exif()
    image.save(file, "PNG")
    exif[274] = orientation
    raw = f"\nexif\n{len(exif.tobytes()):8}\n{exif.tobytes().hex()}\n".encode()
    said = {
        "exif": chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0")),
        "raw profile": chunk(b"tEXt", b"Raw profile type exif\0" + raw),
        "packed raw profile": chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(raw)),
        "xmp": chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP.format(orientation).encode()),
    }[mark]
    header, pixels, end = file.getvalue()[:33], file.getvalue()[33:-12], file.getvalue()[-12:]
    return header + (pixels + said if behind else said + pixels) + end


@pytest.mark.parametrize("orientation", range(10))
def test_header_and_pixels_agree_on_how_a_picture_is_turned(
    tmp_path: Path, orientation: int
) -> None:
    pixels = np.zeros((3, 5, 3), np.uint8)
    pixels[0, 0], pixels[0, -1], pixels[-1, 0] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    image = Image.fromarray(np.kron(pixels, np.ones((16, 16, 1), np.uint8)))
    exif = Image.Exif()
    exif[274] = orientation
    marked = exif.tobytes()
    for ending in ("jpg", "png", "webp", "tif", "avif"):
        image.save(tmp_path / f"a.{ending}", exif=marked)
    image.save(tmp_path / "a.mpo", exif=marked, save_all=True, append_images=[image])
    for number, mark in enumerate(MARKS):
        for behind in (False, True):
            written = marked_png(image, orientation, mark, behind)
            (tmp_path / f"{number}-{behind}.png").write_bytes(written)
    size = (48, 80) if orientation in (5, 6, 7, 8) else (80, 48)
    # where the red corner comes to lie
    red = {2: (1, 0), 3: (1, 1), 4: (0, 1), 6: (1, 0), 7: (1, 1), 8: (0, 1)}.get(
        orientation, (0, 0)
    )
    for path in sorted(tmp_path.iterdir()):
        assert shown_size(path)[:2] == size, path.name
        found = open_image(path, size)
        corner = found.getpixel((red[0] * (size[0] - 17) + 8, red[1] * (size[1] - 17) + 8))
        assert corner[0] > 150 and max(corner[1:]) < 100, (path.name, corner)


def test_a_png_without_words_is_not_decoded_for_its_size(tmp_path: Path) -> None:
    path = saved(tmp_path, Image.new("RGB", (6, 4)), "a.png")
    whole = path.read_bytes()
    path.write_bytes(whole[:41] + bytes(len(whole) - 57) + whole[-16:])  # pixels that are none
    assert shown_size(path) == (6, 4, False)
    with pytest.raises(InputError, match="not a readable image"):
        open_image(path)
