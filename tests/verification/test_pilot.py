"""The pilot on a made GazeFollow: a wrong layer, a wrong split and a cut download, each stopped and named."""

import copy
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from fake_gazefollow import write_gazefollow, write_training
from safetensors.torch import load_file, save_file
from workflow_runs import Workspace

from gcdr.base.errors import InputError
from gcdr.base.files import read_json
from gcdr.cli.cli_pilot import NOT_EXPECTED
from gcdr.cli.commands import main
from gcdr.config.checked import read_config
from gcdr.priors.kinds.registry import parse_prior
from gcdr.verification.claims import claim_of
from gcdr.verification.pilot import (
    Piloted,
    check_released_split,
    likely_cause,
    settings_of_others,
)
from gcdr.verification.trained import cause_in_training, supervised_model

ROOT = Path(__file__).parents[2]
BLIND = "decoder.layers.1.encoder_attn.q_proj"  # whose maps then say nothing of the picture
PICTURES = 40


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo world in GazeFollow's layout, with a VQA model whose second layer looks everywhere alike."""
    root = tmp_path_factory.mktemp("gazefollow")
    write_training(root, 40, (10, 5), size=(32, 24))
    write_gazefollow(root, PICTURES, size=(320, 240))
    shutil.copytree(ROOT / "assets/world/vqa", root / "vqa", ignore=lambda *_: ["card.json"])
    tensors = load_file(root / "vqa/model.safetensors")
    blind = {name: torch.zeros_like(value) for name, value in tensors.items() if BLIND in name}
    assert len(blind) == 2
    save_file(tensors | blind, root / "vqa/model.safetensors")
    return root


def asked(data: Path, folder: Path, layer: int, vqa: Path | None = None) -> list[str]:
    """The command for a configuration that takes a layer's maps."""
    config = {
        "device": "cpu",
        "datasets": {"gf": {"kind": "gazefollow", "root": str(data), "drawn": True}},
        "studies": {"gf": {"dataset": "gf", "seed": 0}},
        "report": {"name": "gf", "studies": ["gf"]},
        "split": {"validation": 0, "by": "person", "released": str(data / "weak_supervision")},
        "priors": {"ofa-world": {"layer": layer, "weights": str(vqa or data / "vqa")}},
    }
    (folder / "gf.yaml").write_text(yaml.safe_dump(config))
    return ["pilot", "--configfile", str(folder / "gf.yaml"), "--pictures", str(PICTURES)]


@pytest.mark.slow
def test_a_wrong_layer_is_told_by_the_one_that_is_right(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    right = tmp_path / "right.json"
    main([*asked(data, tmp_path, 1), "--out", str(right)])
    said = capsys.readouterr().out
    assert said.startswith("split: ") and " training people keep their label" in said
    assert "Grad-CAM of OFA on gazefollow: all" in said and "0.254" in said
    assert main([*asked(data, tmp_path, 2), "--expected", str(right)]) == NOT_EXPECTED
    said = capsys.readouterr().out
    assert "asked otherwise than in configs/gazefollow.yaml: " in said and "layer" in said
    assert "stop. The likely cause is a wrong layer: the maps of layer 1" in said
    assert main([*asked(data, tmp_path, 1), "--expected", str(right)]) == 0
    assert capsys.readouterr().out.endswith("as expected\n")


def test_a_cut_download_and_a_wrong_split_are_named_before_anything_is_asked(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    cut = tmp_path / "vqa"
    shutil.copytree(data / "vqa", cut)
    whole = (cut / "model.safetensors").read_bytes()
    (cut / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    assert main(asked(data, tmp_path, 1, cut)) == 2
    error = capsys.readouterr().err
    assert (
        "model.safetensors" in error
        and "truncated or damaged" in error
        and "Traceback" not in error
    )

    other = tmp_path / "gf"
    shutil.copytree(data, other)
    lists = [
        other / f"weak_supervision/train_annotations_weak_ratio{s}_use.txt" for s in (0.05, 0.1)
    ]
    shutil.copy(*lists)
    assert main(asked(other, tmp_path, 1)) == 2
    assert "likely a wrong split" in (error := capsys.readouterr().err) and "expected 10 %" in error
    lists[1].write_text(lists[1].read_text().replace("train/", "test2/"))
    with pytest.raises(
        InputError, match=r"likely a wrong split: found .* people in no training picture"
    ):
        check_released_split(other / "train_annotations_release.txt", lists[1], 10)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
@pytest.mark.parametrize("more", [[], ["--trained"]])
def test_a_device_that_lacks_is_said_before_anything_is_made(
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    more: list[str],
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("gcdr.cli.cli_pilot._make", lambda *_: pytest.fail("made"))
    command = [*asked(data, tmp_path, 1), *more, "--device", "cuda"]
    assert main(command) == 2 and "no usable CUDA GPU" in capsys.readouterr().err


@pytest.mark.slow
def test_the_supervised_model_is_trained_as_in_the_run_and_held_to_what_is_expected(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    workspace = Workspace(tmp_path)
    command = [*asked(data, tmp_path, 1), "--trained"]
    workspace.write("short.yaml", "gaze: {recipe: {steps: 2, batch: 4}, labelled_per_batch: 2}\n")
    command[2:2] = [command[2], str(tmp_path / "short.yaml")]
    del command[4]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "src"))
    folder = "results/gf/labels10-seed0/teachers/vat+vat"
    model = f"{folder}/model.safetensors"  # here the jobs start warm; below nothing is left to do
    run = workspace.snakemake(model, configs=("gf.yaml", "short.yaml"))
    assert run.returncode == 0, run.stdout[-3000:]
    assert main([*command, "--out", "mine.json"]) == NOT_EXPECTED
    said = capfd.readouterr().out
    assert f"{folder}; the interval is widened by 10%" in said
    assert "VAT (supervised), 10 % of the labels on gazefollow" in said and "0.202" in said
    assert "stop. The likely cause is settings: other than the paper's are gaze." in said
    assert main([*command, "--expected", "mine.json"]) == 0
    assert capfd.readouterr().out.endswith("as expected\n")
    metrics = read_json(tmp_path / "mine.json")["result"]["metrics"]
    assert metrics["AvgDist"]["published"] == 0.202


def test_causes_of_a_trained_model() -> None:
    paper = read_config([ROOT / "config.yaml", ROOT / "configs/gazefollow.yaml"])

    def result(mean: float = 0.5, **agrees: bool) -> dict[str, Any]:
        one = {"published": 0.2, "low": 0.29, "high": 0.31}
        metrics = {name: {**one, "agrees": value} for name, value in agrees.items()}
        return {"metrics": metrics, "protocols": {"mean_dist": mean}}

    wrong = result(AvgDist=False, AUC=True)
    near = cause_in_training(result(0.195, AvgDist=False), paper, paper)
    assert near == "the protocol: the published AvgDist is near mean_dist of the same maps"
    assert cause_in_training(result(AvgDist=True, AUC=True), paper, paper) is None
    unused = copy.deepcopy(paper)
    unused["gaze"]["models"]["gazelle"]["size"] = "world"
    assert "boxes or labels" in (cause_in_training(result(AvgDist=False), unused, paper) or "")
    other = copy.deepcopy(paper)
    other["gaze"]["models"]["vat"]["init"] = None
    assert "the first weights" in (cause_in_training(wrong, other, paper) or "")
    other = copy.deepcopy(paper)
    other["split"]["share"] = 20
    said = cause_in_training(wrong, other, paper)
    assert said == "settings: other than the paper's are split.share"
    assert "boxes or labels" in (cause_in_training(wrong, paper, paper) or "")
    distances = result(AvgDist=False, MinDist=True, AUC=False)
    assert "none that is known" in (cause_in_training(distances, paper, paper) or "")


def test_the_model_of_the_papers_shows() -> None:
    names = ("config.yaml", "configs/gazefollow.yaml", "configs/labelled-shows.yaml")
    deep = read_config([ROOT / name for name in (*names[:2], "configs/gazefollow-depth.yaml")])
    with pytest.raises(InputError, match=r"gaze.model: found pdp, which sees depth"):
        supervised_model(deep)
    source, claim, folder = supervised_model(read_config([ROOT / name for name in names]))
    assert source["kind"] == "videoattentiontarget"
    assert str(folder) == "results/labelledshows/labelschosen-seed0/teachers/vat+film"
    assert claim_of(source["kind"], claim).values == {"Dist": 0.144, "AUC": 0.825}
    config = read_config([ROOT / name for name in names])
    far = {"agrees": False, "published": 9.0, "low": 0.1, "high": 0.2}
    wrong = {"metrics": dict.fromkeys(("Dist", "AUC"), far), "protocols": {"dist_to_mean": 0.1}}
    assert "boxes or labels" in (cause_in_training(wrong, config, config) or "")
    config["studies"]["labelledshows"]["init"] = None
    paper = read_config([ROOT / name for name in names])
    assert "the first weights" in (cause_in_training(wrong, config, paper) or "")


def test_causes_are_named_in_turn() -> None:
    def prior(**more: Any) -> Any:
        about = {"kind": "vqa", "weights": "w", "layers": [1, 2], "layer": 1, **more}
        return parse_prior("ofa", about)

    def result(agrees: bool, mean: float = 0.5) -> dict[str, Any]:
        measured = 0.26 if agrees else 0.3
        one = {"agrees": agrees, "published": 0.25, "low": 0.29, "high": 0.31, "measured": measured}
        protocols = {"dist_to_mean_reference": 0.3, "dist_to_mean": 0.3, "mean_dist": mean}
        return {"metrics": {"AvgDist": one}, "protocols": protocols}

    wrong = {1: result(False), 2: result(False)}
    assert likely_cause(Piloted({1: result(True), 2: result(False)}, 1, 1), prior()) is None
    told = {
        "a wrong layer: the maps of layer 2": (Piloted({**wrong, 2: result(True)}, 1, 1), prior()),
        "the overlay: head": (Piloted(wrong, 1, 1), prior(overlay="head")),
        "boxes: bodies were found for 40%": (Piloted(wrong, 0.4, 1), prior()),
        "answers: 50% of the people": (Piloted(wrong, 1, 0.5), prior()),
        "weights: the maps are no nearer": (Piloted(wrong, 1, 1, 0.28), prior()),
        "the protocol: the published AvgDist is near mean_dist of the same maps": (
            Piloted({1: result(False, 0.255), 2: result(False)}, 1, 1),
            prior(),
        ),
        "settings: other than the paper's are beam, layer": (
            Piloted(wrong, 1, 1),
            prior(),
            settings_of_others(prior(layer=2, beam=3), prior()),
        ),
        "none that is known": (Piloted(wrong, 1, 1), prior(), settings_of_others(prior(), prior())),
    }
    for cause, given in told.items():
        assert (likely_cause(*given) or "").startswith(cause)
    rng = np.random.default_rng(0)
    own = rng.random(48)
    noise = rng.normal(size=48)
    for gain, clear in (
        (0.0, False),
        (0.005, False),
        (0.1, True),
        (-0.1, False),
    ):  # layers are much alike
        other = own - gain + 0.1 * noise * (abs(gain) < 0.1)
        beside = {1: result(False), 2: result(True)}
        found = Piloted(beside, 1, 1, distances={1: own, 2: other})
        assert ("a wrong layer" in (likely_cause(found, prior()) or "")) == clear
    low = result(False)
    low["metrics"]["AvgDist"] |= {
        "measured": 0.2,
        "low": 0.19,
        "high": 0.21,
    }  # nearer than was published
    found = Piloted({1: low, 2: result(True)}, 1, 1, distances={1: own, 2: own + 0.05})
    assert "a wrong layer" in (likely_cause(found, prior()) or "")
    inside = result(True)
    inside["metrics"]["AvgDist"] |= {"measured": 0.27, "low": 0.24}
    found = Piloted({1: inside, 2: result(True)}, 1, 1, distances={1: own, 2: own - 0.1})
    assert likely_cause(found, prior()) is None
