"""Models as ONNX: the file says what torch says, and a script without torch says what a prediction does."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import gcdr
from gcdr.base.errors import InputError
from gcdr.cli.commands import main
from gcdr.data.views import MEAN
from gcdr.models.build import backbone_card, save_model
from gcdr.models.gazelle import Gazelle
from gcdr.models.gazelle_config import GazelleConfig
from gcdr.models.named import kind_of
from gcdr.models.pdp import PDP, PDPConfig
from gcdr.models.semgaze import Semgaze
from gcdr.models.semgaze_config import SemgazeConfig
from gcdr.models.sizes import VATConfig, VideoVATConfig
from gcdr.models.vat import VAT
from gcdr.models.video_vat import VideoVAT
from gcdr.predictor import onnx_files
from gcdr.predictor.onnx_files import convert_to_onnx, input_names, metadata

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

ROOT = Path(__file__).parents[2]
FROZEN = str(ROOT / "assets/world/frozen")
EXAMPLE = ROOT / "docs/examples/predict_onnx.py"
HEADS = [[20.5, 10, 60.25, 51], [-9.5, -6, 30, 40.0], [100.0, 80, 133, 130]]
WITHOUT_TORCH = """
import json, sys
for name in ("torch", "torchvision", "gcdr"):
    sys.modules[name] = None
import runpy
predict = runpy.run_path(sys.argv[1])["predict"]
from PIL import Image
said = [predict(sys.argv[2], Image.open(sys.argv[3]).convert("RGB"), box) for box in json.loads(sys.argv[4])]
print(json.dumps([[point.tolist(), heatmap.tolist(), told] for point, heatmap, told in said]))
"""


def made(kind: str, folder: Path) -> Path:
    """A folder of a model with random weights that tells in from out of the frame."""
    torch.manual_seed(0)
    if kind == "vat":
        save_model(folder, VAT(replace(VATConfig.world(), inout=True)))
    elif kind == "pdp":
        save_model(folder, PDP(replace(PDPConfig.world(depth=False), inout=True)))
    else:
        model = Gazelle(GazelleConfig.world(inout=True))
        kind_of("gazelle").load_backbone(model, FROZEN)
        nn.init.normal_(model.head_token.weight, std=3)  # so that people of a picture differ
        save_model(folder, model, {"backbone": backbone_card(FROZEN)})
    return folder


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("picture") / "a b.png"
    coarse = np.random.default_rng(0).integers(0, 255, (9, 12, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize((123, 91), Image.Resampling.BICUBIC).save(path)
    return path


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["vat", "gazelle", "pdp"])
def test_a_script_without_torch_says_what_a_prediction_says(
    kind: str, picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    folder, out = made(kind, tmp_path / "model"), tmp_path / "model.onnx"
    assert main(["convert", str(folder), str(out), "--pictures", str(picture)]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"{out}: {kind}, images, image_of, head_") and said.count("\n") == 1
    assert "on random inputs" in said and "on pictures" in said

    asked = [sys.executable, "-c", WITHOUT_TORCH, str(EXAMPLE), str(out), str(picture)]
    answer = subprocess.run([*asked, json.dumps(HEADS)], capture_output=True, text=True, check=True)
    (expected,) = gcdr.load(folder, "cpu").predict([Image.open(picture)], [HEADS])
    found = json.loads(answer.stdout)
    cell = 1 / expected.heatmap.shape[-1]
    for number, (point, heatmap, told) in enumerate(found):
        stretched = np.array(heatmap) - np.min(heatmap)
        stretched /= stretched.max()
        np.testing.assert_allclose(stretched, expected.heatmap[number], atol=0.02)
        assert np.abs(np.array(point) - expected.points[number]).max() <= cell + 1e-6
        assert told == pytest.approx(expected.in_frame[number], abs=2e-3)

    line = [sys.executable, str(EXAMPLE), str(out), str(picture), *map(str, HEADS[0])]
    said = subprocess.run(line, capture_output=True, text=True, check=True).stdout
    assert said.split()[:2] == [f"{side:.4f}" for side in found[0][0]] and "in frame" in said

    session = onnxruntime.InferenceSession(str(out), providers=["CPUExecutionProvider"])
    assert {put.name: put.shape[0] for put in session.get_outputs()} == {
        "heatmap": "people",
        "in_frame": "people",
    }
    for put in session.get_inputs():
        assert put.shape[0] == ("images" if put.name == "images" else "people")
    meta = session.get_modelmeta().custom_metadata_map
    assert meta["kind"] == kind and json.loads(meta["mean"]) == list(MEAN)
    assert list(json.loads(meta["inputs"])) == [put.name for put in session.get_inputs()]


def test_a_model_names_what_it_sees_and_how_it_is_made() -> None:
    for prior in (False, True):
        model = VAT(VATConfig.world(prior))
        names = ["images", "image_of", "head_crop", "head_mask", *["prior"] * prior]
        assert input_names(model) == names
    assert list(onnx_files.random_inputs(model, 2, 5)) == names
    said = metadata(model)
    assert json.loads(said["input_size"]) == 56 and json.loads(said["map_size"]) == 32
    assert said["mask"] == model.head_mask and list(json.loads(said["outputs"])) == ["heatmap"]
    assert input_names(Gazelle(GazelleConfig.world())) == ["images", "image_of", "head_box"]
    for refused, why in {
        VideoVAT(VideoVATConfig.world()): "a video-vat: follows tracks, which is not written",
        PDP(PDPConfig.world()): "a pdp: needs depth, which is not written",
        Semgaze(SemgazeConfig.world()): "a semgaze: says what is looked at, which is not written",
    }.items():
        with pytest.raises(InputError, match=f"^{why} as ONNX"):
            input_names(refused)


class Off:
    """Stands for onnxruntime, and is off by a little everywhere."""

    def __init__(self, path: str, providers: list[str]) -> None:
        assert Path(path).is_file()

    def run(self, names: list[str], fed: dict[str, np.ndarray]) -> list[np.ndarray]:
        count = len(fed["image_of"])
        return [np.full((count, 32, 32), 7.0, np.float32), np.zeros(count, np.float32)][
            : len(names)
        ]


class Program:
    """Stands for what torch exports."""

    model_proto = onnx.helper.make_model(onnx.helper.make_graph([], "nothing", [], []))


def test_a_file_that_says_something_else_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, out = made("vat", tmp_path / "model"), tmp_path / "model.onnx"
    out.write_bytes(b"of before")
    monkeypatch.setattr(onnxruntime, "InferenceSession", Off)
    monkeypatch.setattr(torch.onnx, "export", lambda *args, **named: Program())
    with pytest.raises(InputError, match=r"model\.onnx: onnxruntime differs from torch by .*1e-04"):
        convert_to_onnx(folder, out)
    assert out.read_bytes() == b"of before" and len(list(tmp_path.iterdir())) == 2


def test_what_cannot_be_written_is_said_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    out = str(tmp_path / "a.onnx")
    assert main(["convert", str(tmp_path / "absent"), out]) == 2
    assert "absent" in capsys.readouterr().err
    assert main(["convert", str(tmp_path), out, "--pictures", str(tmp_path / "b.jpg")]) == 2
    assert "b.jpg" in capsys.readouterr().err
    assert main(["convert", str(tmp_path), str(tmp_path / "c"), "--pictures", out]) == 2
    assert "--pictures is for an .onnx file alone" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert main(["convert", str(tmp_path), out]) == 2
    said = capsys.readouterr().err
    assert "package onnxruntime is not installed" in said
    assert "pip install onnx onnxruntime onnxscript" in said and said.count("\n") == 1
