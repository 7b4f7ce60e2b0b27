"""Models that a study is given: what is refused, what is planned, and one that is taken."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file
from snakemake.utils import update_config
from workflow_runs import ROOT, Workspace

from gcdr.base.errors import InputError
from gcdr.base.files import read_json
from gcdr.config.preflight import check_references
from gcdr.models.build import save_model
from gcdr.models.denoiser import Denoiser
from gcdr.models.given import GivenSettings, take_given
from gcdr.models.sizes import DenoiserConfig, VATConfig
from gcdr.models.vat import VAT

SMOKE = "configs/smoke.yaml"
SETTINGS = GivenSettings(pixels=56, cells=32, kind="vat", timesteps=500, schedule="linear")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of a VAT, a VAT-GC and a denoiser of the demo's size."""
    folder = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    save_model(folder / "vat", VAT(VATConfig.world()), {"settings": {"in_frame": 1.0}})
    save_model(folder / "vat-gc", VAT(VATConfig.world(gradcam=True)))
    card = {"settings": {"timesteps": 500, "schedule": "linear"}}
    save_model(folder / "diffusion", Denoiser(DenoiserConfig.world()), card)
    return folder


@pytest.mark.parametrize(
    ("name", "model"),
    [("vat", "vat"), ("gcdr", "vat"), ("vat-gc", "vat-gc"), ("diffusion-mt", "diffusion")],
)
def test_a_given_model_keeps_weights_and_card(
    models: Path, tmp_path: Path, name: str, model: str
) -> None:
    (tmp_path / "log.csv").write_text("of a training before")
    take_given(name, models / model, SETTINGS, tmp_path)
    theirs, ours = (load_file(f / "model.safetensors") for f in (models / model, tmp_path))
    assert theirs.keys() == ours.keys() and all(theirs[k].equal(ours[k]) for k in ours)
    card = read_json(models / model / "model.json") | {"given": str(models / model)}
    assert read_json(tmp_path / "model.json") == card | {"split": None}  # of the study's own: none
    assert not (tmp_path / "log.csv").exists()


@pytest.mark.parametrize(
    ("name", "model", "changed", "message"),
    [
        ("diffusion", "vat", {}, "vat: found a VAT, expected a denoiser as given.diffusion"),
        ("vat", "vat-gc", {}, "found a VAT-GC, expected a VAT as given.vat"),
        ("gcdr", "diffusion", {}, "found a denoiser, expected a VAT as given.gcdr"),
        ("mapping-plain", "diffusion", {}, "expected a denoiser without towers"),
        ("vat", "vat", {"pixels": 224}, "a model of 56 pixels, the configuration has 224"),
        ("diffusion", "diffusion", {"timesteps": 1000}, "of 500 timesteps, .* has 1000"),
    ],
)
def test_a_model_that_does_not_fit_is_refused(
    models: Path, tmp_path: Path, name: str, model: str, changed: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        take_given(name, models / model, replace(SETTINGS, **changed), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_missing_or_useless_one_is_named_at_once(models: Path) -> None:
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    update_config(config, yaml.safe_load((ROOT / SMOKE).read_text()))
    given = {"diffusion": "nowhere/epoch_149_weights.pt", "raw": str(models), "vaat": str(models)}
    config["studies"]["smoke"]["given"] = given
    with pytest.raises(InputError) as error:
        check_references(config)
    lines = str(error.value).splitlines()[1:]
    assert "  studies.smoke.given.diffusion: no file nowhere/epoch_149_weights.pt" in lines
    assert f"  studies.smoke.given.raw: no file {models}/model.safetensors" in lines
    assert any("given: found 'vaat', expected one of vat, vat-gc" in line for line in lines)


def test_given_models_are_taken_and_not_trained(models: Path, workspace: Workspace) -> None:
    given = f"{{diffusion: {models}/diffusion, gcdr: {models}/vat}}"
    workspace.write("given.yaml", f"studies: {{smoke: {{given: {given}}}}}\n")
    configs = (SMOKE, "given.yaml")
    planned = workspace.planned(configs=configs)
    # VAT, and Semi-VAT on its labels; GCDR's student and the teacher of the sweep are there
    assert planned["take_given"] == 2 and "train_diffusion" not in planned
    assert (planned["train_teacher"], planned["train_student"], planned["make_labels"]) == (1, 1, 2)
    target = "results/smoke/labels25-seed0/teachers/diffusion/model.json"
    run = workspace.snakemake(target, configs=configs)
    assert run.returncode == 0, run.stdout[-3000:]
    assert read_json(workspace.folder / target)["given"] == f"{models}/diffusion"
