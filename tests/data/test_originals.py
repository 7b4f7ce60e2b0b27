"""Random crops are cut from larger pictures than the cache has, and look as a crop of the original does."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gcdr.base.errors import InputError
from gcdr.data.cache import Samples, write_samples
from gcdr.data.manifest import BOX, build_manifest, read_annotated, write_table
from gcdr.data.originals import Originals, write_originals
from gcdr.data.split import split_labels
from gcdr.data.views import MEAN, STD, plain_view
from gcdr.models.sizes import VATConfig
from gcdr.models.vat import VAT
from gcdr.training import batches
from gcdr.training.targets import labelled_targets

CPU = torch.device("cpu")


def stripes(width: int, height: int, period: int = 4) -> Image.Image:
    """Vertical stripes, half of each period white."""
    white = np.arange(width) % period < period // 2
    return Image.fromarray(np.repeat(np.uint8(255 * white)[None, :, None], height, 0).repeat(3, 2))


def noise(width: int, height: int) -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(pixels)


def shown(folder: Path, images: dict[str, Image.Image], people: list[tuple], size: int) -> tuple:
    """Write images and labelled people (image, head box, gaze); (picture cache, larger pictures, labels)."""
    rows = pd.DataFrame(
        [[*box, *gaze] for _, box, gaze in people], columns=[*BOX, "gaze_x", "gaze_y"]
    )
    names = [name for name, *_ in people]
    rows = rows.assign(image=names, split="train", in_frame=True)
    rows["width"] = [images[name].width for name in names]
    rows["height"] = [images[name].height for name in names]
    folder.mkdir(exist_ok=True)
    for name, image in images.items():
        image.save(folder / name)
    write_table(build_manifest(rows, "rows"), folder / "manifest.parquet")
    table = read_annotated(folder / "manifest.parquet")
    labels = split_labels(table, 100, 0, 0)
    write_table(labels, folder / "labels.parquet")
    write_samples(table, folder, size, folder / "samples.h5", failures=1)
    write_originals(table, labels, folder, size, folder / "originals.h5")
    return (
        Samples.open(folder / "samples.h5"),
        Originals.open(folder / "originals.h5"),
        folder / "labels.parquet",
    )


def test_stripes_survive_a_crop_as_in_the_release(tmp_path: Path, monkeypatch) -> None:
    """Stripes of period 4 in 896 pixels, a quarter of them: std .5; enlarged from the cache it was .02."""
    images = {"a.png": stripes(896, 896)}
    people = [("a.png", (300, 300, 340, 350), (0.4, 0.4))]
    samples, originals, labels = shown(tmp_path, images, people, 224)
    window = np.array([[0.25, 0.25, 0.5, 0.5]], np.float32)
    crop = originals.crops(np.array([0]), window, 224)
    expected = images["a.png"].crop((224, 224, 448, 448))
    assert (crop[0].transpose(1, 2, 0) == np.asarray(expected)).all()
    assert (crop / 255).std() == pytest.approx(0.5)
    assert samples.scene[0].std() / 255 < 0.02, "a scene that is enlarged has lost them"

    view = replace(plain_view(1, CPU), window=torch.from_numpy(window))
    monkeypatch.setattr(batches, "random_view", lambda *given: view)
    config = VATConfig.world()
    config = replace(config, towers=replace(config.towers, input_size=224))
    targets, one = labelled_targets(labels, samples), np.array([0])
    drawn = batches.draw_batch(samples, originals, targets, one, priors=None, rng=(0, "augment", 1))
    (batch,) = batches.batches_of(drawn, VAT(config), 3.0, CPU)
    mean, std = (torch.tensor(values)[:, None, None] for values in (MEAN, STD))
    seen = batch.inputs.scene[0] * std + mean
    assert seen.std() == pytest.approx(0.5, abs=0.01)


edges = st.floats(0, 1, width=32)


@pytest.mark.slow
@settings(max_examples=40)
@given(edges, edges, edges, edges, st.sampled_from([(97, 64), (30, 120), (20, 15)]))
def test_any_window_is_what_a_crop_of_the_original_is(
    tmp_path_factory: pytest.TempPathFactory, a: float, b: float, c: float, d: float, shape: tuple
) -> None:
    window = np.float32([[min(a, b), min(c, d), max(a, b) + 0.01, max(c, d) + 0.01]])
    image = noise(*shape)
    folder = tmp_path_factory.getbasetemp() / f"noise-{shape[0]}"
    people = [("a.png", (2, 2, 5, 5), (0.2, 0.2))]
    made = folder / "originals.h5"
    originals = (
        Originals.open(made) if made.exists() else shown(folder, {"a.png": image}, people, 56)[1]
    )
    crop = originals.crops(np.array([0]), window, 56)[0].transpose(1, 2, 0)
    x0, y0, x1, y1 = (window[0].clip(0, 1).astype(float) * (*shape, *shape)).tolist()
    x0, y0 = min(x0, shape[0] - 0.01), min(y0, shape[1] - 0.01)
    outer = (int(x0), int(y0), int(np.ceil(x1)), int(np.ceil(y1)))
    inner = (x0 - outer[0], y0 - outer[1], x1 - outer[0], y1 - outer[1])
    expected = image.crop(outer).resize((56, 56), Image.Resampling.BILINEAR, box=inner)
    if min(inner[2] - inner[0], inner[3] - inner[1]) > 0.1:
        assert np.abs(crop.astype(int) - np.asarray(expected)).max() <= 1


@pytest.mark.slow
def test_a_large_picture_is_kept_as_small_as_its_smallest_crop_allows(tmp_path: Path) -> None:
    images = {
        "large.png": noise(800, 600),
        "near.png": noise(800, 600),
        "small.png": noise(90, 60),
    }
    far, near, small = (50, 50, 100, 150), (350, 250, 360, 265), (10, 10, 20, 20)
    people = [
        ("large.png", far, (0.9, 0.9)), ("near.png", far, (0.9, 0.9)), ("near.png", near, (0.46, 0.44)),
        ("small.png", small, (0.4, 0.4)),
    ]  # fmt: skip
    _, originals, _ = shown(tmp_path, images, people, 28)
    kept = dict(zip(sorted(images), originals.shape.tolist(), strict=True))
    assert kept["near.png"] == [600, 800] and kept["small.png"] == [60, 90]
    height, width = kept["large.png"]
    least = np.array([0.9 * 800 - 45, 0.9 * 600 - 40])  # padded head to gaze point
    shrunk = np.ceil(np.array([800, 600]) * 2 * 28 / least)
    assert np.abs(np.array([width, height]) - shrunk).max() <= 1
    window = np.float32([[0.05, 0.06, 0.92, 0.93]])
    crop = originals.crops(originals.sample_id[:1], window, 28)[0].transpose(1, 2, 0)
    box = tuple((window[0] * (800, 600, 800, 600)).tolist())
    whole = images["large.png"].resize((28, 28), Image.Resampling.BILINEAR, box=box)
    apart = np.abs(crop.astype(float) - np.asarray(whole, float)).mean()
    assert apart < 0.4 * np.asarray(whole, float).std(), "of white noise, which nothing harder is"


def test_only_labelled_people_who_look_into_the_frame_are_kept(tmp_path: Path) -> None:
    images = {f"{name}.png": noise(64, 48) for name in "abcd"}
    people = [(name, (4, 5, 24, 25), (0.5, 0.5)) for name in images]
    _, originals, labels = shown(tmp_path, images, people, 56)
    table, ids = pd.read_parquet(labels), originals.sample_id
    table.loc[0, "role"] = "unlabelled"
    table.loc[1, "role"] = "validation"
    table.loc[2, "in_frame"] = False
    people = read_annotated(tmp_path / "manifest.parquet")
    write_originals(people, table, tmp_path, 56, tmp_path / "few.h5")
    assert ids.tolist() == [0, 1, 2, 3]
    assert Originals.open(tmp_path / "few.h5").sample_id.tolist() == [3]


def test_what_cannot_be_read_is_left_out_and_its_crop_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = {f"{name}.png": noise(64, 48) for name in "ab"}
    people = [(name, (4, 5, 24, 25), (0.5, 0.5)) for name in images]
    _, _, labels = shown(tmp_path, images, people, 56)
    table, known = pd.read_parquet(labels), read_annotated(tmp_path / "manifest.parquet")
    (tmp_path / "a.png").write_bytes(b"")
    path = tmp_path / "originals.h5"
    write_originals(known, table, tmp_path, 56, path)
    assert "a.png: not a readable image" in capsys.readouterr().out
    originals, whole = Originals.open(path), np.float32([[0, 0, 0.5, 0.5]])
    assert originals.crops(np.array([1]), whole, 56).std() > 0
    with pytest.raises(InputError, match="larger picture of sample_id 0 could not be read"):
        originals.crops(np.array([0]), whole, 56)
    (tmp_path / "b.png").write_bytes(b"")
    with pytest.raises(InputError, match="no picture of a labelled person can be read"):
        write_originals(known, table, tmp_path, 56, path)
    with pytest.raises(InputError, match="not an HDF5 file"):
        Originals.open(labels)
