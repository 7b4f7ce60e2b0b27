"""Stores, manifests, caches and stages: what fits, what is refused, and bits that do not depend on shards."""

import re
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gcdr.base.blocks import shard_rows
from gcdr.base.errors import InputError
from gcdr.data.cache import Samples
from gcdr.data.heatmaps import gaussians, minmax, peak_points
from gcdr.data.manifest import people_alone
from gcdr.data.prior_maps import prior_maps
from gcdr.data.prior_shards import merge_priors
from gcdr.data.stores import read_labels, read_prior, write_labels, write_prior
from gcdr.data.views import (
    View,
    head_masks,
    plain_view,
    view_crops,
    view_images,
    view_maps,
    view_masks,
    view_points,
)
from gcdr.datasets.world import people_of_drawn, write_world
from gcdr.world.dataset import WorldSettings


@given(st.integers(1, 500), st.integers(1, 70), st.integers(1, 12))
def test_shards_are_whole_blocks_that_cover_all(people: int, block: int, shards: int) -> None:
    parts = [shard_rows(people, block, number, shards) for number in range(1, shards + 1)]
    assert [row for part in parts for row in part] == list(range(people))
    assert all(part.start % block == 0 or not part for part in parts)


@pytest.mark.slow
def test_world_does_not_depend_on_workers(tmp_path: Path) -> None:
    small = WorldSettings(5, "gaze", 9, 4, annotators=3, width=64, height=48)
    one = write_world(tmp_path / "one", small)
    two = write_world(tmp_path / "two", small, workers=2)
    pd.testing.assert_frame_equal(one.manifest, two.manifest)
    pd.testing.assert_frame_equal(one.annotations, two.annotations)
    pd.testing.assert_frame_equal(people_alone(one.manifest), people_of_drawn(small))
    for path in (tmp_path / "one").rglob("*.jpg"):
        assert (
            path.read_bytes()
            == (tmp_path / "two" / path.relative_to(tmp_path / "one")).read_bytes()
        )
    tested = one.manifest[one.manifest["split"] == "test"]
    assert tested["in_frame"].all() and len(one.annotations) == 3 * len(tested)


def store(path: Path, ids: list[int], people: str = "abc", made_by: dict | None = None) -> Path:
    rng = np.random.default_rng(ids[0])
    write_prior(
        path, np.array(ids), rng.random((len(ids), 2, 4, 4)), np.ones(len(ids), bool),
        {"answer": [f"the ball {n}" for n in ids]}, layers=[3, 4], people=people, made_by=made_by or {},
    )  # fmt: skip
    return path


def test_prior_store_round_trip_and_layer(tmp_path: Path) -> None:
    path = store(tmp_path / "p.h5", [2, 5, 9])
    found = read_prior(path, "abc", np.array([9, 2]), 4)
    whole = read_prior(path, "abc", np.array([9, 2]))
    assert found.layers == [3, 4] and (found.heatmap == whole.heatmap[:, 1]).all()
    assert list(found.columns["answer"]) == ["the ball 9", "the ball 2"]


def test_stores_refuse_what_does_not_fit(tmp_path: Path) -> None:
    path = store(tmp_path / "p.h5", [2, 5])
    with pytest.raises(InputError, match="other people"):
        read_prior(path, "xyz", np.array([2]))
    with pytest.raises(InputError, match="sample_id 3 is not in it"):
        read_prior(path, "abc", np.array([3]))
    with pytest.raises(InputError, match=r"layer 1 is not in it; it holds \[3, 4\]"):
        read_prior(path, "abc", np.array([2]), 1)
    with pytest.raises(InputError, match="expected a gcdr label store"):
        read_labels(path, "abc")
    with h5py.File(path, "a") as file:
        file.attrs["version"] = 99
    with pytest.raises(InputError, match="99"):
        read_prior(path, "abc", np.array([2]))
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputError, match="truncated: found 200 of"):
        read_prior(path, "abc", np.array([2]))
    with pytest.raises(InputError, match="no such file"):
        read_prior(tmp_path / "none.h5", "abc", np.array([2]))
    shards = [store(tmp_path / "a.h5", [1]), store(tmp_path / "b.h5", [2], made_by={"beam": 1})]
    with pytest.raises(InputError, match="made_by"):
        merge_priors(shards, tmp_path / "m.h5")
    assert not (tmp_path / "m.h5").exists()


def test_stores_of_other_settings_are_refused(tmp_path: Path) -> None:
    """The same people in the right place, made with another beam, layer or seed."""
    told = {"beam": 5, "questions": {"none": "What?"}, "colour": [0, 255, 0]}
    path, ids = store(tmp_path / "p.h5", [2, 5], made_by=told | {"depth": 2}), np.array([2])
    for known in (None, {}, {"beam": 5}, told | {"colour": (0, 255, 0)}):
        assert len(read_prior(path, "abc", ids, 3, known).valid) == 1
    for other, said in (
        ({"beam": 1}, "beam 5, expected 1"),
        ({"questions": {"none": "Who?"}}, "questions.none 'What?', expected 'Who?'"),
        ({"questions": None}, "expected None"),
        ({"size": 64}, "size None, expected 64"),
    ):
        with pytest.raises(InputError, match=rf"p\.h5: made with .*{re.escape(said)}") as refused:
            prior_maps(path, "abc", ids, 3, 4, told | other)
        assert "\n" not in str(refused.value)
    maps, labels = np.full((1, 4, 4), 0.5), tmp_path / "l.h5"
    made = {"method": "gcdr", "settings": {"refine": {"timestep": 250}}, "seed": 1}
    write_labels(labels, ids, maps, ids == 2, {}, people="abc", made_by=made)
    assert len(read_labels(labels, "abc").valid) == len(
        read_labels(labels, "abc", made_by=made).valid
    )
    with pytest.raises(InputError, match=r"l\.h5: made with seed 1, expected 0"):
        read_labels(labels, "abc", made_by=made | {"seed": 0})
    with pytest.raises(InputError, match=r"made with settings\.refine\.timestep 250, expected 200"):
        read_labels(labels, "abc", made_by={"settings": {"refine": {"timestep": 200}}})


def test_settings_that_are_no_table_are_refused(tmp_path: Path) -> None:
    path = store(tmp_path / "p.h5", [1], made_by=["beam"])  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"p\.h5, made_by: found \['beam'\], expected a table"):
        read_prior(path, "abc", np.array([1]))


def test_labels_with_nan_are_not_written(tmp_path: Path) -> None:
    maps = np.zeros((2, 4, 4), np.float32)
    maps[1, 0, 0] = np.nan
    with pytest.raises(ValueError, match="leaves"):
        write_labels(
            tmp_path / "l.h5", np.arange(2), maps, np.ones(2, bool), {}, people="a", made_by={}
        )
    assert not list(tmp_path.iterdir())
    write_labels(
        tmp_path / "l.h5", np.arange(2), maps, np.array([True, False]), {}, people="a", made_by={}
    )


def test_cache_of_other_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a gcdr picture cache"):
        Samples.open(store(tmp_path / "p.h5", [1]))


@settings(max_examples=60)
@given(
    st.tuples(st.floats(0.02, 0.98), st.floats(0.02, 0.98)),
    st.tuples(st.floats(0, 0.4), st.floats(0, 0.4), st.floats(0.6, 1), st.floats(0.6, 1)),
    st.booleans(),
)
def test_views_move_points_and_maps_together(
    point: tuple[float, float], window: tuple[float, ...], flip: bool
) -> None:
    place = torch.tensor([point])
    view = View(torch.tensor([window]), torch.tensor([flip]), torch.tensor([0.1]), torch.ones(1, 3))
    seen = view_points(place, view)
    if not ((seen > 0.08) & (seen < 0.92)).all():
        return
    moved = view_maps(gaussians(place, 64, 3.0), view)
    # Half a cell of the map before, as large as the window makes it, and half a cell of the one after.
    zoom = torch.tensor([1 / (window[2] - window[0]), 1 / (window[3] - window[1])])
    error = (peak_points(moved)[0].float() - seen[0]).abs()
    assert (error < (0.5 * zoom + 0.6) / 64).all()


def test_plain_view_leaves_the_scene_alone() -> None:
    scene = torch.rand(2, 3, 16, 16)
    head = torch.rand(2, 3, 22, 22)
    box = torch.tensor([[0.1, 0.2, 0.4, 0.5], [0.0, 0.0, 1.0, 1.0]])
    view = plain_view(2, torch.device("cpu"))
    seen, grey = view_images(scene, view)
    crop = view_crops(head, box, view, grey, 16)
    mask = view_masks(box, view, 16, "box")
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    assert torch.allclose(seen * std[:, None, None] + mean[:, None, None], scene, atol=1e-6)
    assert crop.shape == (2, 3, 16, 16) and mask.shape == (2, 1, 16, 16)
    assert (mask[1] == 1).all()
    assert head_masks(torch.tensor([[0.5, 0.5, 0.501, 0.501]]), 16).sum() == 1


@pytest.mark.parametrize("flip", [False, True])
def test_padded_masks_show_what_the_crop_shows(flip: bool) -> None:
    box = torch.tensor([[0.25, 0.5, 0.5, 0.75]])
    view = replace(
        plain_view(1, torch.device("cpu")),
        window=torch.tensor([[0.0, 0.0, 0.5, 1.0]]),
        flip=torch.tensor([flip]),
        padding=torch.tensor([0.125]),
    )
    masks = {kind: view_masks(box, view, 64, kind)[0, 0] for kind in ("box", "padded")}
    # A box of 32 x 16 cells of this window, grown by an eighth of it and cut at the window's edge.
    extents = {
        kind: [mask.any(axis).sum().item() for axis in (0, 1)] for kind, mask in masks.items()
    }
    assert extents == {"box": [32, 16], "padded": [36, 20]}
    assert masks["padded"][:, 0 if flip else -1].any()


@pytest.mark.slow
@given(st.floats(0, 0.999), st.floats(0, 0.999))
def test_peak_of_a_gaussian_is_its_cell(x: float, y: float) -> None:
    maps = gaussians(torch.tensor([[x, y]], dtype=torch.float32), 32, 3.0)
    place = torch.tensor([x, y], dtype=torch.float64)
    assert (peak_points(maps)[0] - place).abs().max() <= 0.5 / 32 + 1e-6
    assert torch.allclose(peak_points(maps, "reference"), peak_points(maps) - 0.5 / 32)


def test_flat_and_nan_maps_are_invalid() -> None:
    maps = torch.rand(3, 4, 4)
    maps[1] = 0.3
    maps[2, 0, 0] = float("nan")
    stretched, valid = minmax(maps)
    assert valid.tolist() == [True, False, False]
    assert torch.isfinite(stretched).all() and (stretched[1:] == 0).all()
