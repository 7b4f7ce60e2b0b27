"""Heads in panoramas, which a detector would be shown far too small."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gcdr.detection.panorama import in_squares, squares
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


def test_other_pictures_are_shown_as_they_are() -> None:
    seen: list[list[tuple[int, int]]] = []

    def finder(images: list[Image.Image]) -> list[tuple[np.ndarray, np.ndarray]]:
        seen.append([image.size for image in images])
        return [(np.array([[1.0, 1, 5, 5]]), np.array([0.9]))] * len(images)

    ordinary = [Image.new("RGB", (64, 48)), Image.new("RGB", (48, 64))]
    assert len(in_squares(finder)(ordinary)) == 2 and seen == [[(64, 48), (48, 64)]]
    ((boxes, _), (one, _)) = in_squares(finder)([Image.new("RGB", (700, 200)), ordinary[0]])
    assert boxes.tolist() == [[1, 1, 5, 5]]  # in the other squares it lies at an edge that cuts
    assert one.tolist() == [[1, 1, 5, 5]]
