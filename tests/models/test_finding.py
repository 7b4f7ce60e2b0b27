"""Models by name: those of finished runs, and released ones."""

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

import gcdr
from gcdr.base.download import planned_files
from gcdr.base.errors import InputError
from gcdr.models.build import save_model
from gcdr.models.finding import find_model, finished_models, released_files
from gcdr.models.kinds import GAZE_MODELS
from gcdr.models.sizes import VATConfig
from gcdr.models.vat import VAT

ROOT = Path(__file__).parents[2]
GCDR = "gcdr-t250-n2-k1+ofa-world-body"
MADE = [
    f"demo/labels10-seed0/students/{GCDR}+vat",
    f"demo/labels10-seed0/students/{GCDR}+gazelle",
    "demo/labels10-seed0/students/semi-vat+vat",
    "demo/labels10-seed0/teachers/vat+vat",
    "demo/labels10-seed0/teachers/diffusion",
    "demo/labels10-seed0/students/left-over",
    "two/labels5-seed1/students/argmax+points+vat",
    "two/labels20-seed1/students/argmax+points+vat",
    "two/labelsown-seed1/students/semi-vat-gc+points+vat+gazelle",
]


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What runs leave, as empty files, in the folder that tests run in."""
    for folder in MADE:
        file = tmp_path / "results" / folder / "model.safetensors"
        file.parent.mkdir(parents=True)
        file.touch()
    monkeypatch.chdir(tmp_path)
    return Path("results")


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("demo/semi-vat", 2),
        ("demo/vat", 3),
        (f"demo/{GCDR}+gazelle", 1),
        (f"demo/labels10-seed0/{GCDR}+vat", 0),
        ("two/labels20-seed1/argmax", 7),
        ("two/semi-vat-gc", 8),
    ],
)
def test_a_finished_model_is_found_by_study_and_method(
    results: Path, name: str, number: int
) -> None:
    assert find_model(name) == (results / MADE[number], None)


def test_every_finished_gaze_model_has_a_name_of_its_own(results: Path) -> None:
    models = list(finished_models(results))
    assert len(models) == len(MADE) - 2  # neither the denoiser nor what is no variant
    assert [find_model(str(model))[0] for model in models] == [model.folder for model in models]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("demo/gcdr", r"found 2 models, expected one of demo/labels10-seed0/gcdr-t250-n2-k1\+"),
        ("two/argmax", r"found 2 models, .*two/labels20-seed1/argmax.*two/labels5-seed1/argmax"),
        ("demo/semi-vta", r"no model's name, did you mean demo/semi-vat\? Expected one of demo/"),
        ("demo/diffusion", r"no model's name"),
        ("demo", r"no model's name"),
        ("a/b/c/d", r"no model's name.*gazelle-vitb14"),
        (
            "gazelle_dinov2_vitb14",
            r"snakemake --cores 1 weights/gazelle/gazelle_dinov2_vitb14.pt w",
        ),
    ],
)
def test_a_name_of_nothing_or_of_several_lists_the_known_ones(
    results: Path, name: str, said: str
) -> None:
    with pytest.raises(InputError, match=said) as error:
        gcdr.load(name)
    assert "\n" not in str(error.value)


def test_a_path_is_a_path(results: Path) -> None:
    there = results / MADE[0]
    assert find_model(str(there)) == find_model(there) == (there, None)
    assert find_model("nowhere.pt") == (Path("nowhere.pt"), None)
    with pytest.raises(InputError, match=r"demo/vat/model\.json"):
        gcdr.load(Path("demo/vat"))


def test_released_models_are_those_that_downloads_fetches(results: Path) -> None:
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    planned = planned_files(config["downloads"])
    addresses = {
        folder: at for kind in GAZE_MODELS.values() for folder, at in kind.addresses.items()
    }
    for file, backbone in released_files().items():
        places = [Path("weights", file), Path("weights", backbone)]
        assert {str(place) for place in places} <= planned.keys()
        for place in places:  # from where a name alone fetches them, too
            assert planned[str(place)] == f"{addresses[place.parent.name]}/{place.name}"
        for place in places:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.touch()
        assert find_model(Path(file).stem) == tuple(places)


def test_a_name_loads_and_predicts(results: Path) -> None:
    torch.manual_seed(0)
    save_model(results / MADE[3], VAT(VATConfig.world()))
    picture = np.zeros((40, 50, 3), np.uint8)
    (found,) = gcdr.load("demo/vat", "cpu").predict([picture], [[[5, 5, 20, 20]]])
    assert found.points.shape == (1, 2)
