"""Prediction as a function: from pictures in memory, and the same from a picture cache."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from golden_rule import Goldens
from PIL import Image

import gcdr
from gcdr.base.errors import InputError
from gcdr.data.cache import Samples, write_samples
from gcdr.data.heatmaps import minmax, peak_points
from gcdr.data.manifest import BOX, build_manifest, people_digest, read_people, write_table
from gcdr.data.prior_maps import prior_maps
from gcdr.data.stores import write_prior
from gcdr.models.build import save_model
from gcdr.models.denoiser import Denoiser
from gcdr.models.sizes import DenoiserConfig, VATConfig
from gcdr.models.vat import VAT
from gcdr.predictor.predictor import PICTURES, Predictor, load

torch.set_num_threads(1)
CPU = torch.device("cpu")
SIZES = [(96, 72), (60, 80), (128, 40)]


def vat(gradcam: bool = False, in_frame: bool = True) -> VAT:
    """A VAT of random weights whose maps have a peak anywhere."""
    torch.manual_seed(0)
    return VAT(replace(VATConfig.world(gradcam), inout=in_frame)).eval()


def picture(number: int = 0) -> Image.Image:
    width, height = SIZES[number % len(SIZES)]
    rng = np.random.default_rng(number)
    coarse = Image.fromarray(rng.integers(0, 255, (6, 8, 3), dtype=np.uint8))
    return coarse.resize((width, height), Image.Resampling.BICUBIC)


@pytest.fixture(scope="module")
def cached(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pd.DataFrame]:
    """Five people in three pictures, whose heads reach out of them, as a picture cache and a manifest."""
    folder = tmp_path_factory.mktemp("cached")
    rows = []
    for number, count in enumerate((2, 1, 2)):
        picture(number).save(folder / f"{number}.png")
        for person in range(count):
            x, y = -3.5 + 21.25 * person, 4.25 * number - 2
            head = dict(zip(BOX, (x, y, x + 19.5, y + 17.75), strict=True))
            width, height = SIZES[number]
            size = {"width": width, "height": height}
            rows.append({"image": f"{number}.png", **size, **head, "split": "test"})
    write_table(build_manifest(pd.DataFrame(rows), "rows"), folder / "manifest.parquet")
    people = read_people(folder / "manifest.parquet")
    write_samples(people, folder, 56, folder / "samples.h5", failures=0)
    return folder, people


def by_picture(people: pd.DataFrame) -> tuple[list[str], list[np.ndarray]]:
    """Names of the pictures and the head boxes in each, in the order of the manifest."""
    groups = people.groupby("image", sort=False)
    return [name for name, _ in groups], [group[BOX].to_numpy() for _, group in groups]


def test_decoded_pictures_give_what_the_cache_gives(cached: tuple[Path, pd.DataFrame]) -> None:
    folder, people = cached
    predictor = Predictor(vat(), CPU)
    names, heads = by_picture(people)
    images = [Image.open(folder / name) for name in names]
    found = predictor.predict(images, heads)
    ids = people["sample_id"].to_numpy()
    expected = predictor.of_people(Samples.open(folder / "samples.h5"), ids, None)
    assert [len(one.points) for one in found] == [len(boxes) for boxes in heads]
    maps = np.concatenate([one.heatmap for one in found])
    np.testing.assert_allclose(maps, minmax(expected.heatmap)[0].numpy(), atol=1e-5)
    points = np.concatenate([one.points for one in found])
    np.testing.assert_allclose(points, peak_points(expected.heatmap).numpy(), atol=1e-6)
    inside = np.concatenate([one.in_frame for one in found])
    np.testing.assert_allclose(inside, expected.in_frame.sigmoid().numpy(), atol=1e-6)
    assert len(np.unique(maps.reshape(5, -1), axis=0)) == 5, "everybody is seen by themselves"


def test_prior_maps_give_what_the_prior_store_gives(
    cached: tuple[Path, pd.DataFrame], tmp_path: Path
) -> None:
    """Maps as a model left them, of any size and range, are resized and stretched here too."""
    folder, people = cached
    names, heads = by_picture(people)
    ids, digest = people["sample_id"].to_numpy(), people_digest(people)
    raw = np.random.default_rng(0).random((5, 1, 8, 8)).astype(np.float32) * 0.3 + 0.1
    write_prior(
        tmp_path / "prior.h5", ids, raw, np.ones(5, bool), {}, layers=[1], people=digest, made_by={}
    )  # fmt: skip
    known, _ = prior_maps(tmp_path / "prior.h5", digest, ids, 1, 32)
    predictor = Predictor(vat(gradcam=True), CPU)
    expected = predictor.of_people(Samples.open(folder / "samples.h5"), ids, known)
    ends = np.cumsum([len(boxes) for boxes in heads])[:-1]
    images = [Image.open(folder / name) for name in names]
    found = predictor.predict(images, heads, np.split(raw[:, 0], ends))
    maps = np.concatenate([one.heatmap for one in found])
    np.testing.assert_allclose(maps, minmax(expected.heatmap)[0].numpy(), atol=1e-4)


def test_arrays_and_pictures_are_the_same() -> None:
    predictor, boxes = Predictor(vat(), CPU), [[[10, 5, 30, 25]]]
    (one,), (two,) = (predictor.predict([i], boxes) for i in (picture(), np.asarray(picture())))
    assert np.array_equal(one.heatmap, two.heatmap)
    (grey,) = predictor.predict([picture().convert("L")], boxes)
    assert grey.heatmap.shape == (1, 32, 32)


def test_results_are_in_their_ranges_and_absent_where_not_told() -> None:
    heads = [[10.0, 5, 30, 25], [-4.0, -4, 15, 15], [80.5, 60.5, 120, 90]]
    (found,) = Predictor(vat(), CPU).predict([picture()], [heads])
    assert found.points.shape == (3, 2) and found.heatmap.shape == (3, 32, 32)
    assert found.points.dtype == found.heatmap.dtype == found.in_frame.dtype == np.float32
    assert (found.heatmap.min((1, 2)) == 0).all() and (found.heatmap.max((1, 2)) == 1).all()
    assert ((found.points > 0) & (found.points < 1)).all()
    assert ((found.in_frame > 0) & (found.in_frame < 1)).all()
    (silent,) = Predictor(vat(in_frame=False), CPU).predict([picture()], [heads])
    assert silent.in_frame is None


@pytest.mark.parametrize("nobody", [[], np.zeros((0, 4)), ()])
@pytest.mark.parametrize("gradcam", [False, True])
def test_pictures_of_nobody_have_empty_predictions(nobody: object, gradcam: bool) -> None:
    predictor, box = Predictor(vat(gradcam), CPU), [[10, 5, 30, 25]]
    prior = np.random.default_rng(0).random((1, 8, 8))
    for heads in ([nobody], [nobody, box, nobody]):
        priors = [prior if one is box else prior[:0] for one in heads] if gradcam else None
        found = predictor.predict([picture()] * len(heads), heads, priors)
        assert [len(one.points) for one in found] == [len(one) for one in heads]
        assert found[0].heatmap.shape == (0, 32, 32) and found[0].points.shape == (0, 2)
        assert found[0].in_frame.shape == (0,)
    assert predictor.predict([], [], [] if gradcam else None) == []


def test_pictures_of_nobody_need_no_prior() -> None:
    (found,) = Predictor(vat(gradcam=True), CPU).predict([picture()], [[]])
    assert len(found.points) == 0


def test_more_pictures_and_people_than_are_held_at_once() -> None:
    """The order is kept across blocks of pictures and of people, and so is what is said of each."""
    predictor = Predictor(vat(), CPU)
    kinds = [[[10, 5, 30, 25]], [], [[2, 3, 20, 22], [30, 8, 50, 30], [5, 20, 25, 38]] * 4]
    count = PICTURES + 3
    images, heads = [picture(n) for n in range(count)], [kinds[n % 3] for n in range(count)]
    found = predictor.predict(iter(images), iter(heads))
    assert [len(one.points) for one in found] == [len(boxes) for boxes in heads]
    for number in (0, 2, PICTURES - 2, PICTURES, count - 1):
        (alone,) = predictor.predict([images[number]], [heads[number]])
        np.testing.assert_allclose(found[number].heatmap, alone.heatmap, atol=1e-4)


@pytest.mark.parametrize(
    ("boxes", "said"),
    [
        ([10, 5, 30, 25], r"head boxes of shape \(4,\), expected \(people, 4\)"),
        ([[10, 5, 30]], r"head boxes of shape \(1, 3\), expected \(people, 4\)"),
        ([[10, 5, 30, 25], [1, 2]], r"head boxes that are no table of numbers"),
        ([["a", 5, 30, 25]], r"head boxes that are no table of numbers"),
        ([[10, 5, 10, 25]], r"head box \[10.0, 5.0, 10.0, 25.0\], expected x0 < x1"),
        ([[10, 25, 30, 5]], ".*expected x0 < x1 and y0 < y1"),
        ([[96, 5, 120, 25]], ".* in pixels of a picture of 96 x 72"),
        ([[10, -9, 30, 0]], ".* in pixels of a picture of 96 x 72"),
        ([[10, 5, float("nan"), 25]], r"head box \[10.0, 5.0, nan, 25.0\]"),
        ([[10, 5, float("inf"), 25]], r"head box \[10.0, 5.0, inf, 25.0\]"),
    ],
)
def test_bad_head_boxes_name_their_picture(boxes: object, said: str) -> None:
    with pytest.raises(InputError, match=rf"^picture 1: {said}"):
        Predictor(vat(), CPU).predict([picture()] * 2, [[[10, 5, 30, 25]], boxes])


def test_pictures_that_are_none_are_named() -> None:
    predictor, box = Predictor(vat(), CPU), [[[1, 1, 9, 9]]]
    for wrong in (np.zeros((20, 20), np.uint8), np.zeros((20, 20, 3), np.float32)):
        with pytest.raises(InputError, match=r"picture 0: found .* expected uint8 of"):
            predictor.predict([wrong], box)


def test_counts_must_agree() -> None:
    predictor, box = Predictor(vat(), CPU), [[10, 5, 30, 25]]
    with pytest.raises(InputError, match="found 2 pictures and head boxes of 1; expected as many"):
        predictor.predict([picture()] * 2, [box])
    with pytest.raises(InputError, match="found 1 pictures and head boxes of 2"):
        predictor.predict([picture()], [box, box])
    with pytest.raises(InputError, match=r"found 1 pictures and .* of 1, prior maps of 2"):
        predictor.predict([picture()], [box], [np.ones((1, 8, 8))] * 2)


@pytest.mark.parametrize(
    ("prior", "found"),
    [
        (None, "none"),
        (np.ones((2, 8, 8)), r"shape \(2, 8, 8\)"),
        (np.ones((8, 8)), r"shape \(8, 8\)"),
        (np.ones((1, 8, 6)), r"shape \(1, 8, 6\)"),
    ],
)
def test_a_model_with_prior_maps_asks_for_them(prior: np.ndarray | None, found: str) -> None:
    predictor, box = Predictor(vat(gradcam=True), CPU), [[10, 5, 30, 25]]
    said = f"picture 0: prior maps: found {found}, expected 1 square maps"
    with pytest.raises(InputError, match=said):
        predictor.predict([picture()], [box], None if prior is None else [prior])
    unneeded = Predictor(vat(), CPU).predict([picture()], [box], [prior])
    assert np.array_equal(
        unneeded[0].heatmap, Predictor(vat(), CPU).predict([picture()], [box])[0].heatmap
    )


def test_a_folder_is_loaded_by_the_name_that_users_type(tmp_path: Path) -> None:
    model = vat().train()
    save_model(tmp_path / "student", model)
    found = gcdr.load(tmp_path / "student", device="cpu")
    assert not found.model.training and found.device == CPU
    box = [[[10, 5, 30, 25]]]
    expected = Predictor(model, CPU).predict([picture()], box)
    assert np.array_equal(found.predict([picture()], box)[0].heatmap, expected[0].heatmap)
    assert np.array_equal(
        load(str(tmp_path / "student"), "cpu").predict([picture()], box)[0].points,
        expected[0].points,
    )


def test_what_is_no_gaze_model_is_refused(tmp_path: Path) -> None:
    save_model(tmp_path / "teacher", Denoiser(DenoiserConfig.world()))
    with pytest.raises(InputError, match="teacher: found a Denoiser, expected a gaze model"):
        load(tmp_path / "teacher", "cpu")
    with pytest.raises(InputError, match=r"absent.*no such file"):
        load(tmp_path / "absent", "cpu")
    with pytest.raises(InputError, match=r"absent\.pt: no such file"):
        load(tmp_path / "absent.pt", "cpu")


@pytest.mark.slow
@pytest.mark.golden
def test_a_released_file_is_loaded(goldens: Callable[[str], Path], tmp_path: Path) -> None:
    shapes = Goldens(goldens).keys("vat_spatial")
    state = {
        name: torch.tensor(0) if name.endswith("tracked") else torch.zeros(1).expand(shape)
        for name, shape in shapes.items()
    }
    torch.save({"model": state}, tmp_path / "vat.pt")
    assert load(tmp_path / "vat.pt", "cpu").model.config == VATConfig.paper()
