"""Depth maps: read in the layout of others, kept with pictures, moved with them; what is wrong is named."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from golden_rule import Goldens
from PIL import Image, ImageOps
from tiny_study import make_study

from gcdr.base.errors import InputError
from gcdr.data.cache import Samples, copy_samples, write_samples
from gcdr.data.depth_maps import (
    DepthLook,
    check_depth_names,
    depth_file,
    open_depth,
    resized_depth,
    save_depth,
)
from gcdr.data.manifest import read_people
from gcdr.data.views import plain_view, view_depth, view_points
from gcdr.models.inputs import cached_inputs
from gcdr.models.pdp import PDP, PDPConfig


def write_png(path: Path, values: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path)
    return path


@pytest.mark.golden
def test_depth_is_prepared_as_theirs(goldens: Callable[[str], Path], tmp_path: Path) -> None:
    with np.load(goldens("pdp/depth.npz")) as file:
        expected = {name: file[name] for name in ("plain", "crop_flip")}
    draw = Goldens(goldens).generator("targets.depth").random((90, 120)).astype(np.float32)
    values = np.floor(65536 * draw.astype(np.float64)).astype(np.uint16)
    depth = open_depth(write_png(tmp_path / "d.png", values), (120, 90))
    assert np.abs(resized_depth(depth, 224)[::8, ::8] - expected["plain"]).max() < 1e-5
    left, top, width, height = 13.6, 7.4, 71.3, 60.2
    crop = depth.crop((left, top, left + width, top + height))
    found = resized_depth(ImageOps.mirror(crop), 224)[::8, ::8]
    assert np.abs(found - expected["crop_flip"]).max() < 1e-5


def test_what_is_wrong_is_named(tmp_path: Path) -> None:
    good = np.arange(12, dtype=np.uint16).reshape(3, 4)
    picture, other = write_png(tmp_path / "a.png", np.uint8(good)), tmp_path / "b.png"
    write_png(other, np.uint8(good + 1))
    path = tmp_path / "d.png"
    for values, said in (
        (good.T.copy(), "d.png: found a size of 3x4, expected 4x3, its picture's"),
        (np.full((3, 4), 7, np.uint16), "d.png: is 7 everywhere"),
        (np.uint8(good), "d.png: found a PNG of mode L, expected one channel of 16 bits"),
    ):
        write_png(path, values)
        with pytest.raises(InputError, match=said):
            open_depth(path, (4, 3), picture)
    path.write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"d.png: not a readable depth map"):
        open_depth(path, (4, 3))
    with pytest.raises(InputError, match=r"none.png: no such depth map"):
        open_depth(tmp_path / "none.png", (4, 3))
    save_depth(path, good.astype(float), picture)
    assert np.allclose(np.asarray(open_depth(path, (4, 3), picture)), good / 11, atol=1e-5)
    with pytest.raises(InputError, match=r"d.png: is the depth of another picture than .*b.png"):
        open_depth(path, (4, 3), other)
    for flat in (np.ones((3, 4)), np.full((3, 4), np.nan)):
        with pytest.raises(InputError, match=r"a.png: its depth is"):
            save_depth(path, flat, picture)


def study_with_depth(folder: Path) -> tuple[pd.DataFrame, Path, Path]:
    """People, images and a depth map of each image, which rises to the right at a slope of its own."""
    study = make_study(folder, train=6, test=2)
    people = read_people(study.manifest)
    for number, (name, rows) in enumerate(people.groupby("image")):
        width, height = rows[["width", "height"]].iloc[0]
        ramp = np.linspace(0, 30000 + 100 * number, width).astype(np.uint16)
        write_png(depth_file(folder / "depth", name), np.tile(ramp, (height, 1)))
    return people, study.folder / "images", folder / "depth"


@pytest.mark.slow
def test_people_without_depth_count_as_failures(tmp_path: Path) -> None:
    people, images, depth = study_with_depth(tmp_path)
    name = people["image"].iloc[0]
    depth_file(depth, name).unlink()
    out = tmp_path / "samples.h5"
    with pytest.raises(InputError, match=r"people were without a picture.*no such depth map"):
        write_samples(people, images, 28, out, 0, depth)
    write_samples(people, images, 28, out, 0.9, depth)
    samples = Samples.open(out)
    lost = (people["image"] == name).to_numpy()
    assert [bool(problem) for problem in samples.problem] == lost.tolist()
    copy_samples(
        people, [(out, np.arange(len(people)), samples.sample_id)], 28, tmp_path / "copy.h5"
    )
    again = Samples.open(tmp_path / "copy.h5")
    assert np.array_equal(again.depth[:], samples.depth[:])


@pytest.mark.slow
def test_shuffled_depth_is_that_of_other_pictures(tmp_path: Path) -> None:
    people, images, depth = study_with_depth(tmp_path)
    write_samples(people, images, 56, tmp_path / "own.h5", 0, depth)
    write_samples(people, images, 56, tmp_path / "shuffled.h5", 0, depth, shuffled=True)
    own, shuffled = Samples.open(tmp_path / "own.h5"), Samples.open(tmp_path / "shuffled.h5")
    assert np.array_equal(own.scene[:], shuffled.scene[:])
    before, after = own.depth[:], shuffled.depth[:]
    alone = people[people["image"] == people["image"].iloc[0]]
    with pytest.raises(InputError, match="found one picture, expected several"):
        write_samples(alone, images, 56, tmp_path / "one.h5", 0, depth, shuffled=True)
    assert not any(np.array_equal(one, other) for one, other in zip(before, after, strict=True))
    assert sorted(before.sum((1, 2))) == sorted(after.sum((1, 2)))


@pytest.mark.slow
def test_depth_goes_with_its_picture(tmp_path: Path) -> None:
    people, images, depth = study_with_depth(tmp_path)
    write_samples(people, images, 56, tmp_path / "deep.h5", 0, depth)
    write_samples(people, images, 56, tmp_path / "plain.h5", 0)
    deep, plain = Samples.open(tmp_path / "deep.h5"), Samples.open(tmp_path / "plain.h5")
    assert np.array_equal(deep.scene[:], plain.scene[:]) and plain.depth is None
    model = PDP(PDPConfig.world())
    rows = np.array([5, 0, 3])
    inputs = cached_inputs(deep, rows, model, torch.device("cpu"))
    for place, row in zip(inputs.image_of, rows, strict=True):
        own = torch.from_numpy(deep.depth[deep.scene_index[[row]]])
        assert torch.equal(inputs.depth[place], own)
    with pytest.raises(
        InputError, match=r"a pdp: needs the depth of each image, found pictures without"
    ):
        cached_inputs(plain, rows, model, torch.device("cpu"))


def test_depth_is_augmented_as_points_are() -> None:
    """In a window and flipped, the depth at a point is what it was at that point of the whole picture."""
    size = 64
    ramp = (torch.arange(size) + 0.5) / size
    depth = torch.stack([ramp.expand(size, size), ramp[:, None].expand(size, size)])
    view = replace(
        plain_view(2, torch.device("cpu")),
        window=torch.tensor([[0.2, 0.1, 0.8, 0.7]] * 2),
        flip=torch.tensor([True, True]),
    )
    shown = view_depth(depth, view)
    assert shown.shape == (2, 1, size, size)
    point = torch.tensor([[0.3, 0.6]] * 2)
    column, row = (view_points(point, view)[0] * size).long().tolist()
    assert shown[0, 0, row, column] == pytest.approx(0.3, abs=0.02)
    assert shown[1, 0, row, column] == pytest.approx(0.6, abs=0.02)


def test_pictures_that_would_share_a_map_are_named(tmp_path: Path) -> None:
    check_depth_names(["d/a.jpg", "d/b.jpg", "e/a.jpg", "d/a.jpg"])
    with pytest.raises(
        InputError, match=r"d/a.png and d/a.jpg: their depth maps would have one name"
    ):
        check_depth_names(["d/a.jpg", "d/b.jpg", "d/a.png"])


def test_maps_that_are_no_inverse_depth_are_told_together() -> None:
    """Those that are nearer below, as most are, are let pass; so are a few others."""
    near_below = np.tile(np.linspace(0, 1, 30)[:, None], (1, 30))
    right, wrong, metric = DepthLook(), DepthLook(), DepthLook()
    for number in range(30):
        right.take(near_below if number > 8 else near_below[::-1])
        wrong.take(near_below[::-1])
        metric.take(near_below * 0.01)
    assert right.lines() == []
    assert "30 of 30 maps are larger at the top" in wrong.lines()[0]
    assert "30 of 30 maps use less than 5% of 0..65535" in metric.lines()[0]
