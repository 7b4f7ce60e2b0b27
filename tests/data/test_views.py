"""Views: colours of a head are its image's, prior maps are stretched again, head crops keep their lines."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor

from gcdr.data.crops import HEAD_MARGIN, grow, head_of, head_pixels
from gcdr.data.views import (
    MEAN,
    STD,
    View,
    plain_view,
    random_view,
    view_crops,
    view_images,
    view_priors,
)

CPU = torch.device("cpu")


def raw(picture: Tensor) -> Tensor:
    """Pixels in 0..1 of a normalised picture (N, 3, S, S)."""
    mean, std = (torch.tensor(values)[:, None, None] for values in (MEAN, STD))
    return picture * std + mean


def as_view(**changes: list) -> View:
    given = {name: torch.tensor([value]) for name, value in changes.items()}
    return replace(plain_view(1, CPU), **given)


colours = st.tuples(st.floats(0.5, 1.5), st.floats(0.5, 1.5), st.floats(0, 1.5))


@settings(max_examples=30)
@given(colours, st.booleans(), st.floats(0.1, 0.2))
def test_a_head_has_the_colours_of_its_image(colour: tuple, flip: bool, padding: float) -> None:
    """The image is jittered and the face cut from it: both have one mean that contrast is about."""
    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(0, 256, (4, 4, 3), np.uint8))
    image = coarse.resize((80, 80), Image.Resampling.NEAREST)
    box = np.array([[0.5, 0.25, 0.75, 0.5]])  # one colour and no other
    region = grow(80 * box, -0.2)[0]
    head = torch.from_numpy(head_of(image, region, 28).copy()).float()[None] / 255
    scene = torch.from_numpy(np.asarray(image).transpose(2, 0, 1).copy()).float()[None] / 255
    view = as_view(colour=list(colour), flip=flip, padding=padding)
    seen, grey = view_images(scene, view)
    crop = view_crops(head, torch.from_numpy(box).float(), view, grey, 20)
    x = 29 if flip else 50
    assert torch.allclose(raw(crop)[0, :, 10, 10], raw(seen)[0, :, 30, x], atol=0.005)


def test_contrast_is_about_the_images_mean() -> None:
    scene = torch.zeros(1, 3, 8, 8)
    scene[..., 4:] = 0.8
    head = torch.full((1, 3, 14, 14), 0.8)
    box = torch.tensor([[0.6, 0.2, 0.9, 0.8]])
    view = as_view(colour=[1.0, 0.5, 1.0])
    seen, grey = view_images(scene, view)
    assert grey.item() == pytest.approx(0.4, abs=1e-4)
    assert torch.allclose(raw(seen)[..., 6], torch.tensor(0.6), atol=1e-3)
    assert torch.allclose(raw(view_crops(head, box, view, grey, 10)), torch.tensor(0.6), atol=1e-3)


@settings(max_examples=30)
@given(colours, st.booleans())
def test_beyond_the_image_a_head_is_black_whatever_the_colours(colour: tuple, flip: bool) -> None:
    image, box = Image.new("RGB", (100, 100), (200, 160, 90)), np.array([[-0.1, 0.6, 0.1, 1.2]])
    region = grow(100 * box, HEAD_MARGIN)[0]
    head = torch.from_numpy(head_of(image, region, head_pixels(40)).copy()).float()[None] / 255
    scene = torch.from_numpy(np.asarray(image).transpose(2, 0, 1).copy()).float()[None] / 255
    view = as_view(colour=list(colour), flip=flip)
    _, grey = view_images(scene, view)
    crop = raw(view_crops(head, torch.from_numpy(box).float(), view, grey, 40))[0]
    crop = crop.flip(-1) if flip else crop
    assert crop[:, :, :19].abs().max() < 1e-5, "left of the image"
    assert crop[:, 26:].abs().max() < 1e-5, "below it"
    assert crop[:, :20, 25:].amax(0).min() > 0.1


def test_a_prior_map_is_stretched_again_after_a_crop() -> None:
    maps = torch.zeros(3, 64, 64)
    maps[0, 8, 8], maps[0, 40:44, 40:44] = 1.0, 0.17
    maps[1, 8, 8] = 1.0
    whole, part = [0.0, 0, 1, 1], [0.5, 0.5, 1.0, 1.0]
    view = replace(plain_view(3, CPU), window=torch.tensor([part, whole, part]))
    seen = view_priors(maps, view)
    assert seen.amax((1, 2)).tolist() == [1, 1, 0], "its peak outside, whole, and a map of nothing"
    assert seen.amin((1, 2)).tolist() == [0, 0, 0]


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(("short", "long"), [(40, 160), (56, 56), (20, 400)])
def test_lines_across_a_narrow_box_survive(short: int, long: int, turned: bool) -> None:
    """Each direction is sampled at the box's own extent in it."""
    lines = np.repeat(np.uint8(255 * (np.arange(600) % 8 < 4))[:, None], 600, 1)
    box = np.array([100, 100, 100 + short, 100 + long])
    if turned:
        lines, box = lines.T, box[[1, 0, 3, 2]]
    image = Image.fromarray(lines).convert("RGB")
    head = head_of(image, box, head_pixels(224))
    assert head.std() / 255 > 0.4


def test_lines_too_fine_for_a_crop_become_grey() -> None:
    lines = np.repeat(np.uint8(255 * (np.arange(1200) % 2))[:, None], 1200, 1)
    head = head_of(Image.fromarray(lines).convert("RGB"), np.array([0, 0, 300, 1200]), 78)
    assert head.std() / 255 < 0.05


def test_a_random_crop_holds_padded_head_and_gaze() -> None:
    rng = torch.Generator().manual_seed(0)
    corner = torch.rand(200, 2, generator=rng) * 0.8
    box, gaze = torch.cat([corner, corner + 0.15], 1), torch.rand(200, 2, generator=rng)
    view = random_view(box, gaze, rng)
    assert 60 < view.cropped.sum() < 140
    margin = view.padding[:, None] * 0.15
    low = torch.minimum(box[:, :2] - margin, gaze).clamp(0, 1)
    high = torch.maximum(box[:, 2:] + margin, gaze).clamp(0, 1)
    assert (view.window[:, :2] <= low + 1e-6).all() and (view.window[:, 2:] >= high - 1e-6).all()
    at_edge = torch.tensor([[1.0, 0.2, 1.2, 0.4]]).repeat(50, 1)
    assert not random_view(at_edge, torch.ones(50, 2), rng).window.isnan().any()
    assert not random_view(box, torch.full((200, 2), torch.nan), rng).cropped.any()
