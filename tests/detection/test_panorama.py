"""Heads in panoramas, which a detector would be shown far too small."""

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gcdr.detection.panorama import Finder, in_squares, squares
from gcdr.detection.shipped import CENTERFACE


@pytest.mark.slow
@pytest.mark.parametrize("upright", [False, True])
def test_faces_of_a_panorama_are_found_wherever_they_are_and_once(upright: bool) -> None:
    data = pytest.importorskip("skimage.data")
    from gcdr.detection.heads import load_finder

    face = Image.fromarray(data.astronaut()).resize((300, 300))
    places = [0, 700, 2130, 4095, 6500, 7700]
    size, middle = (8000, 400), np.array([130, 67])
    panorama = Image.new("RGB", size[::-1] if upright else size, "gray")
    for place in places:
        panorama.paste(face, (50, place) if upright else (place, 50))
    ((boxes, scores),) = load_finder(Path(CENTERFACE), 0.5, torch.device("cpu"))([panorama])
    assert len(boxes) == len(places) and (np.diff(scores) <= 0).all()
    expected = [middle + ([50, place] if upright else [place, 50]) for place in places]
    found = (boxes[:, :2] + boxes[:, 2:]) / 2
    assert np.abs(found[found[:, int(upright)].argsort()] - expected).max() < 25


def test_squares_cover_and_a_strip_too_narrow_for_heads_is_one() -> None:
    assert squares((40000, 20)) == [(0, 0, 40000, 20)]
    assert squares((1920, 1080)) == [(0, 0, 1920, 1080)]
    windows = squares((40000, 1000))
    assert windows[0] == (0, 0, 1000, 1000) and windows[-1] == (39000, 0, 40000, 1000)
    assert max(b[0] - a[0] for a, b in itertools.pairwise(windows)) <= 500


def seen_by(heads: list[list[float]]) -> tuple[Finder, list[int]]:
    """A finder that sees what of some heads lies in a part of a :func:`ramp`, and how many it was shown."""
    shown: list[int] = []

    def finder(images: Sequence[Image.Image]) -> list[tuple[np.ndarray, np.ndarray]]:
        shown.append(len(images))
        found = []
        for image in images:
            left, top = image.getpixel((0, 0))[:2]  # where a window lies, in units of 10 pixels
            boxes = np.array(heads) - np.tile([left * 10, top * 10], 2)
            inside = np.clip(boxes, 0, [*image.size, *image.size])
            visible = (inside[:, 2:] - inside[:, :2]).min(1) >= 10
            found.append((inside[visible], np.linspace(0.9, 0.8, len(heads))[visible]))
        return found

    return finder, shown


def ramp(width: int, height: int) -> Image.Image:
    """A picture whose pixels say where they are."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 0] = np.arange(width) // 10
    pixels[..., 1] = (np.arange(height) // 10)[:, None]
    return Image.fromarray(pixels)


@pytest.mark.parametrize("left", range(0, 1150, 50))
def test_a_head_that_nearly_fills_the_height_is_found_wherever_it_is(left: int) -> None:
    head = [left, 90, left + 350, 440]
    ((boxes, _),) = in_squares(seen_by([head])[0])([ramp(1500, 500)])
    assert boxes.tolist() == [head]


def test_neighbours_are_as_many_as_the_finder_says_beside_a_panorama_too() -> None:
    near = [[100, 100, 240, 240], [160, 100, 300, 240]]  # an IoU of .4
    finder, shown = seen_by(near)
    ((boxes, _), (wide, _), (again, _)) = in_squares(finder)(
        [ramp(640, 480), ramp(1500, 400), ramp(640, 480)]
    )
    assert boxes.tolist() == again.tolist() == near and sorted(wide.tolist()) == near
    assert shown[0] == 2  # ordinary pictures are looked at together
