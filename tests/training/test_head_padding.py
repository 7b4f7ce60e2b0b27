"""How far head boxes are grown: as in the data that a model learned from, wherever it is asked afterwards."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_study import CPU, DIFFUSION, GAZE, Study, make_study, pictures_of

from gcdr.base.errors import InputError
from gcdr.base.files import read_json
from gcdr.base.tensors import each_tensor
from gcdr.data.cache import Samples, copy_samples, write_samples
from gcdr.data.crops import cut, head_pixels
from gcdr.data.manifest import read_annotated, read_people, write_table
from gcdr.data.split import split_labels
from gcdr.data.views import random_view
from gcdr.models.build import load_model
from gcdr.models.inputs import cached_inputs
from gcdr.training.denoising import train_diffusion_model
from gcdr.training.gaze import train_gaze_model


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """One whose pictures are of films: heads are shown as they are boxed."""
    study = make_study(tmp_path_factory.mktemp("padding"))
    people = read_people(study.manifest)
    labels = split_labels(read_annotated(study.manifest), 50, 0.2, 0)
    write_table(labels, study.folder / "labels.parquet")
    write_samples(people, study.folder / "images", 56, study.folder / "grown.h5", failures=0)
    write_samples(people, study.folder / "images", 56, study.samples, failures=0, padding=0.0)
    return study


def test_a_model_keeps_what_it_learned_with(study: Study, tmp_path: Path) -> None:
    """Trained, written and read, it is shown the head alone; of pictures the box and a tenth on each side."""
    given = pictures_of(study, study.folder / "labels.parquet")
    train_gaze_model(*given, None, None, None, GAZE, 0, CPU, tmp_path / "vat")
    train_diffusion_model(*given, None, DIFFUSION, 0, CPU, tmp_path / "diffusion")
    assert read_json(tmp_path / "vat/model.json")["head_padding"] == 0.0
    model = load_model(tmp_path / "vat")
    assert model.head_padding == load_model(tmp_path / "diffusion").head_padding == 0.0
    samples, rows = Samples.open(study.samples), np.arange(4)
    shown = cached_inputs(samples, rows, model, CPU).head_crop
    model.head_padding = 0.1
    wider = cached_inputs(samples, rows, model, CPU).head_crop
    person = read_people(study.manifest).iloc[0]
    box = person[["head_x0", "head_y0", "head_x1", "head_y1"]].to_numpy(float)
    with Image.open(study.folder / "images" / person["image"]) as image:
        own = cut(image.convert("RGB"), box, model.crop_size)
    own = torch.from_numpy(np.asarray(own).transpose(2, 0, 1) / 255).float()
    mean, std = (torch.tensor(value)[:, None, None] for value in model.colours)
    off = [float((crop[0] * std + mean - own).abs().mean()) for crop in (shown, wider)]
    assert off[0] < 0.03 < off[1], off


def test_augmented_heads_grow_from_there(study: Study) -> None:
    box, gaze = torch.tensor([[0.4, 0.4, 0.6, 0.6]]).repeat(64, 1), torch.full((64, 2), torch.nan)
    bare, usual = (
        random_view(box, gaze, torch.Generator().manual_seed(0), padding=padding)
        for padding in (0.0, 0.1)
    )
    assert bare.padding.min() == 0 and 0.05 < bare.padding.max() <= 0.1
    assert torch.allclose(usual.padding - bare.padding, torch.tensor(0.1))
    same = each_tensor(bare, lambda tensor: tensor)
    assert torch.equal(same.window, usual.window) and torch.equal(same.colour, usual.colour)


def test_a_pool_grows_heads_as_its_sources_do_if_they_agree(study: Study, tmp_path: Path) -> None:
    people = read_people(study.manifest)
    ids = people["sample_id"].to_numpy()
    image = people["image"].to_numpy()
    part = image < np.sort(np.unique(image))[4]
    for caches, padding in (
        ((study.samples, study.samples), 0.0),
        ((study.samples, study.folder / "grown.h5"), 0.1),
    ):
        sources = [
            (cache, np.flatnonzero(of), ids[of])
            for cache, of in zip(caches, (part, ~part), strict=True)
        ]
        copy_samples(people, sources, 56, tmp_path / f"pool-{padding}.h5")
        assert Samples.open(tmp_path / f"pool-{padding}.h5").head_padding == padding
    assert Samples.open(study.samples).head.shape[-1] == head_pixels(56)


@pytest.mark.parametrize("found", [0.3, -0.1, "0.1", True])
def test_a_card_with_a_padding_that_no_cache_has_is_refused(
    study: Study, tmp_path: Path, found: object
) -> None:
    given = pictures_of(study, study.folder / "labels.parquet")
    train_gaze_model(*given, None, None, None, GAZE, 0, CPU, tmp_path / "vat")
    card = read_json(tmp_path / "vat/model.json") | {"head_padding": found}
    (tmp_path / "vat/model.json").write_text(json.dumps(card))
    with pytest.raises(
        InputError, match=r"found head_padding .*, expected a number from 0 to 0\.2"
    ):
        load_model(tmp_path / "vat")
