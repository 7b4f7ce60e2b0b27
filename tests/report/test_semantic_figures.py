"""Figures of where and what of a tiny study: whom they show, and what stands on them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_study import CPU, Study, make_study

from gcdr.base.errors import InputError
from gcdr.data.label_space import read_label_space
from gcdr.data.manifest import people_digest, read_annotated, read_people, write_table
from gcdr.data.stores import write_labels
from gcdr.data.tokens import open_cache
from gcdr.evaluation import stages
from gcdr.models.build import save_model
from gcdr.models.semgaze import Semgaze
from gcdr.models.semgaze_config import SemgazeConfig
from gcdr.models.semgaze_decoder import HalfAttention
from gcdr.models.sizes import VATConfig
from gcdr.models.vat import VAT
from gcdr.predictor.predictor import load_gaze_model, people_blocks
from gcdr.priors.text_towers import embed_vocabulary
from gcdr.report.semantic_figures import (
    named_plate,
    people_plate,
    stages_plate,
    write_named_figure,
    write_people_figures,
)

WORLD = Path(__file__).parents[2] / "assets/world/vqa"


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """With a model of random weights in ``model``, and the embedded vocabulary in ``text``."""
    study = make_study(tmp_path_factory.mktemp("study"), train=4, test=8)
    torch.manual_seed(0)
    save_model(study.folder / "model", Semgaze(SemgazeConfig.world()))
    embed_vocabulary(WORLD, None, study.folder / "text/embeddings.safetensors")
    return study


@pytest.fixture(scope="module")
def tested(study: Study) -> stages.Tested:
    return stages.test_people(study.manifest, study.annotations, study.samples)


def test_shares_are_those_of_the_attention() -> None:
    """Values times shares are what a single head puts out."""
    torch.manual_seed(0)
    attention = HalfAttention(16, 1)
    queries, context = torch.randn(2, 3, 16), torch.randn(2, 5, 16)
    shares = attention.shares(queries, context)
    torch.testing.assert_close(shares.sum(-1), torch.ones(2, 3))
    found = attention.out_proj(shares @ attention.v_proj(context))
    torch.testing.assert_close(found, attention(queries, context), rtol=1e-5, atol=1e-6)


def test_attention_is_of_the_cells(study: Study, tested: stages.Tested) -> None:
    model = load_gaze_model(study.folder / "model")
    ((_, inputs),) = people_blocks(model, open_cache(study.samples), tested.ids, CPU)
    with torch.inference_mode():
        looks = model.attention(inputs)
        assert looks is not None and looks.shape == (len(tested.ids), 7, 7)
        torch.testing.assert_close(looks.sum((1, 2)), torch.ones(len(looks)))
        model.config = replace(model.config, people="together")
        assert model.attention(inputs) is None
    assert VAT(VATConfig.world(None)).attention(inputs) is None


def test_names_stand_below_people(study: Study, tested: stages.Tested) -> None:
    images = study.folder / "images"
    plate = named_plate([("tiny", images, tested, study.manifest)] * 2, people=3)
    assert [row.name for row in plate.rows] == ["tiny", "tiny"] and not plate.scale
    known = set(read_annotated(study.manifest)["label"].dropna())
    assert all(cell.note in known for row in plate.rows for cell in row.cells)
    many = named_plate([("tiny", images, tested, study.manifest)], people=99)
    shown = [cell for cell in many.rows[0].cells if cell.picture is not None]
    assert len(shown) == tested.inside.sum() and len(many.columns) == 99


def test_all_names_and_boxes_that_data_have_are_shown(
    study: Study, tested: stages.Tested, tmp_path: Path
) -> None:
    table = read_annotated(study.manifest)
    table["accepted"] = "cup|mug"
    for side, value in zip(("x0", "y0", "x1", "y1"), (10.0, 10.0, 30.0, 30.0), strict=True):
        table[f"object_{side}"] = value
    write_table(table, tmp_path / "annotated.parquet")
    images = study.folder / "images"
    plain = named_plate([("a", images, tested, study.manifest)], people=2).rows[0].cells
    boxed = named_plate([("a", images, tested, tmp_path / "annotated.parquet")], people=2)
    assert [cell.note for cell in boxed.rows[0].cells] == ["cup / mug"] * 2
    for one, other in zip(plain, boxed.rows[0].cells, strict=True):
        assert one.picture is not None and other.picture is not None
        assert not np.array_equal(np.asarray(one.picture), np.asarray(other.picture))


def test_everybody_of_a_picture_is_shown(study: Study, tested: stages.Tested) -> None:
    place = (study.samples, study.folder / "images", tested, study.manifest, study.folder / "text")
    plate = people_plate(study.folder / "model", *place)
    assert list(plate.columns) == ["Scene and given name", "Attention", "Heatmap and name"]
    space = read_label_space(study.folder / "text")
    assert f"in the space of: {space.tower}." in plate.caption
    inside = tested.looking_inside().people["image"].value_counts()
    most = int(inside.max())
    pictures = sum(bool(row.name) for row in plate.rows)
    assert pictures == min(3, (inside == most).sum()) and len(plate.rows) == most * pictures
    name, share = plate.rows[0].cells[2].note.rsplit(", ", 1)
    assert name and 0 < float(share) <= 1
    save_model(study.folder / "vat", VAT(VATConfig.world(None)))
    with pytest.raises(InputError, match="says where and not what"):
        people_plate(study.folder / "vat", *place)


@pytest.mark.slow
def test_figures_are_files(study: Study, tested: stages.Tested, tmp_path: Path) -> None:
    maps, digest = (
        np.zeros((len(tested.ids), 8, 8), np.float32),
        people_digest(read_people(study.manifest)),
    )
    maps[:, 3, 4] = 1
    write_labels(
        tmp_path / "maps.h5", tested.ids, maps, np.ones(len(maps), bool), {}, people=digest, made_by={}
    )  # fmt: skip
    images, text = study.folder / "images", study.folder / "text"
    plate = stages_plate(tmp_path / "maps.h5", study.manifest, images, tested, "a tower")
    assert plate.caption.startswith("What a tower is shown")
    shapes = {cell.picture.size for row in plate.rows for cell in row.cells if cell.picture}
    assert len(shapes) == 1, "all pictures are of one shape, whatever is left of them"
    said, stages = tmp_path / "said.png", tmp_path / "stages.png"
    write_people_figures(
        study.folder / "model", tmp_path / "maps.h5", study.samples, study.samples, images, study.manifest,
        study.manifest, study.annotations, text, "a tower", [said], [stages],
    )  # fmt: skip
    about = {"name": "tiny", "images": str(images), "manifest": str(study.manifest)}
    about |= {"annotations": str(study.annotations), "samples": str(study.samples)}
    twice = [tmp_path / "a.png", tmp_path / "b.png"]
    write_named_figure([about | {"annotated": str(study.manifest)}], twice)
    assert twice[0].read_bytes() == twice[1].read_bytes()
    for file in (said, stages, twice[0]):
        with Image.open(file) as image:
            assert min(image.size) > 100
