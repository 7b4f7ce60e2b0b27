"""Models that a study is given: what is refused, what is planned, and one that is taken."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file
from snakemake.utils import update_config
from workflow_runs import ROOT, Workspace, jobs_in

from gcdr.base.errors import InputError
from gcdr.base.files import read_json
from gcdr.config.preflight import check_references
from gcdr.models.build import backbone_card, save_model
from gcdr.models.denoiser import Denoiser
from gcdr.models.description import GazeModelSettings
from gcdr.models.named import initial_gaze_model
from gcdr.models.pretrained import take_pretrained
from gcdr.models.pretrained_card import PretrainedSettings
from gcdr.models.sizes import DenoiserConfig, VATConfig
from gcdr.models.vat import VAT

SMOKE = "configs/smoke.yaml"
SETTINGS = PretrainedSettings(pixels=56, cells=32, kind="vat", timesteps=500, schedule="linear")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of a VAT, a VAT-GC, a Gaze-LLE and a denoiser of the demo's size."""
    folder = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    save_model(folder / "vat", VAT(VATConfig.world()), {"settings": {"in_frame": 1.0}})
    save_model(folder / "vat-gc", VAT(VATConfig.world(gradcam=True)))
    frozen = GazeModelSettings("gazelle", backbone=str(ROOT / "assets/world/frozen"))
    gazelle = initial_gaze_model(frozen, False, None, 0)
    save_model(folder / "gazelle", gazelle, {"backbone": backbone_card(frozen.backbone)})
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
    take_pretrained(name, models / model, SETTINGS, tmp_path)
    theirs, ours = (load_file(f / "model.safetensors") for f in (models / model, tmp_path))
    assert theirs.keys() == ours.keys() and all(theirs[k].equal(ours[k]) for k in ours)
    card = read_json(models / model / "model.json") | {"pretrained": str(models / model)}
    assert read_json(tmp_path / "model.json") == card | {"split": None}  # of the study's own: none
    assert not (tmp_path / "log.csv").exists()


@pytest.mark.parametrize(
    ("name", "model", "changed", "message"),
    [
        ("diffusion", "vat", {}, "vat: found a VAT, expected a denoiser as pretrained.diffusion"),
        ("vat", "vat-gc", {}, "found a VAT-GC, expected a VAT as pretrained.vat"),
        ("gcdr", "diffusion", {}, "found a denoiser, expected a VAT as pretrained.gcdr"),
        ("mapping-plain", "diffusion", {}, "expected a denoiser without towers"),
        ("vat", "vat", {"pixels": 224}, "a model of 56 pixels, the configuration has 224"),
        ("diffusion", "diffusion", {"timesteps": 1000}, "of 500 timesteps, .* has 1000"),
    ],
)
def test_a_model_that_does_not_fit_is_refused(
    models: Path, tmp_path: Path, name: str, model: str, changed: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        take_pretrained(name, models / model, replace(SETTINGS, **changed), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_missing_or_useless_one_is_named_at_once(models: Path) -> None:
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    update_config(config, yaml.safe_load((ROOT / SMOKE).read_text()))
    ready = {"diffusion": "nowhere/epoch_149_weights.pt", "raw": str(models), "vaat": str(models)}
    config["studies"]["smoke"]["pretrained"] = ready
    with pytest.raises(InputError) as error:
        check_references(config)
    lines = str(error.value).splitlines()[1:]
    assert "  studies.smoke.pretrained.diffusion: no file nowhere/epoch_149_weights.pt" in lines
    assert f"  studies.smoke.pretrained.raw: no file {models}/model.safetensors" in lines
    assert any("pretrained: found 'vaat', expected one of vat, vat-gc" in line for line in lines)


def test_pretrained_models_are_taken_and_not_trained(models: Path, workspace: Workspace) -> None:
    ready = f"{{diffusion: {models}/diffusion, gcdr: {models}/vat}}"
    rows = "report: {methods: [vat, semi-vat, gcdr, {method: gcdr, gaze: gazelle}]}\n"
    workspace.write("pretrained.yaml", f"{rows}studies: {{smoke: {{pretrained: {ready}}}}}\n")
    planned = workspace.planned(configs=(SMOKE, "pretrained.yaml"))
    # VAT, and Semi-VAT on its labels; VAT's student of GCDR and the teacher of the sweep are there, and
    # Gaze-LLE's student is none of VAT's
    assert planned["take_pretrained"] == 2 and "train_diffusion" not in planned
    assert (planned["train_teacher"], planned["train_student"], planned["make_labels"]) == (1, 2, 3)
    both = (
        f"{{diffusion: {models}/diffusion, gcdr: {{vat: {models}/vat, gazelle: {models}/gazelle}}}}"
    )
    workspace.write("both.yaml", f"studies: {{smoke: {{pretrained: {both}}}}}\n")
    split = "results/smoke/labels25-seed0"
    student = f"{split}/students/gcdr-t250-n2-k1+ofa-world-body+"
    taken = {
        f"{split}/teachers/diffusion/model.json": "diffusion",
        f"{student}vat/model.json": "vat",
        f"{student}gazelle/model.json": "gazelle",
    }
    run = workspace.snakemake(*taken, configs=(SMOKE, "both.yaml"))
    assert run.returncode == 0, run.stdout[-3000:]
    for card, name in taken.items():
        assert read_json(workspace.folder / card)["pretrained"] == f"{models}/{name}"
    assert read_json(workspace.folder / card)["backbone"]["file"] == "assets/world/frozen"


def test_each_gaze_model_starts_from_what_is_named_for_it(planning: Workspace) -> None:
    planning.write(
        "starts.yaml",
        "studies:\n"
        "  smoke: {init: {gazelle: {study: earlier, model: vat}}}\n"
        "  earlier: {dataset: smoke, seed: 1, init: assets/world/backbone}\n",
    )
    trained = [f"results/smoke/labels25-seed0/teachers/vat+{name}" for name in ("vat", "gazelle")]
    student = "results/smoke/labels25-seed0/students/semi-vat-gc+ofa-world-body+vat+gazelle"
    targets = [f"{one}/model.json" for one in (*trained, student)]
    run = planning.snakemake("-n", "-p", *targets, configs=(SMOKE, "starts.yaml"))
    assert run.returncode == 0, run.stdout[-3000:]
    assert jobs_in(run.stdout)["train_teacher"] == 4  # with VAT-GC, which labels for the student
    made = [line for line in run.stdout.splitlines() if "train_gaze.py" in line and "--out" in line]
    starts = {re.search("--out=(\\S+)", m)[1]: re.search("--init=(\\S+)", m) for m in made}
    earlier = "results/earlier/labels25-seed1/teachers/vat+gazelle"
    assert starts[trained[0]][1] == "assets/world/backbone"
    assert starts[trained[1]][1] == earlier
    assert starts[earlier] is None, "one value is for gaze.model alone"
    (student_line,) = (line for line in made if f"--out={student}" in line)
    assert "/pseudo/semi-vat-gc+ofa-world-body+vat.h5" in student_line, "VAT-GC labels for Gaze-LLE"
