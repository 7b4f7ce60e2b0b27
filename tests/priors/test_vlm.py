"""Vision-language models through transformers: what is loaded, what is refused, and batches."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from small_vlm import CPU, LOADED, make_model

from gcdr.base.errors import InputError
from gcdr.priors.answers import Point
from gcdr.priors.vlm import FAMILIES, PointingModel


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("transformers")
    return make_model(tmp_path_factory.mktemp("qwen3"), "qwen3_vl")


def pictures() -> list[Image.Image]:
    rng = np.random.default_rng(0)
    sizes = [(72, 96), (130, 60), (72, 96), (33, 210)]
    return [Image.fromarray(rng.integers(0, 255, (*one, 3), dtype=np.uint8)) for one in sizes]


@pytest.mark.parametrize("family", list(FAMILIES))
def test_batches_say_what_single_pictures_do(family: str, tmp_path: Path, weights: Path) -> None:
    folder = weights if family == "qwen3_vl" else make_model(tmp_path, family)
    model = PointingModel.load(folder, CPU, **LOADED)
    together = model.point(pictures(), "Point.")
    alone = [model.point([one], "Point.")[0] for one in pictures()]
    assert together == alone and len({text for text, _ in together}) > 1
    settings = model.model.generation_config
    assert not settings.do_sample and settings.repetition_penalty in (None, 1.0)


def test_pixels_are_those_of_the_resized_picture(tmp_path: Path) -> None:
    """Of Qwen2.5-VL: (130, 60) becomes (140, 56), whole patches of 14 two by two."""
    pytest.importorskip("transformers")
    model = PointingModel.load(make_model(tmp_path, "qwen2_5_vl"), CPU, **LOADED)
    (seen,) = model._seen(torch.tensor([[1, 10, 4]]))
    (grid,) = model.processor.image_processor([pictures()[1]])["image_grid_thw"].tolist()
    assert grid == [1, 10, 4] and seen == (56, 140)
    assert FAMILIES["qwen2_5_vl"]('{"point_2d": [14, 35]}', seen).places == (Point(0.25, 0.25),)
    assert FAMILIES["qwen3_vl"]('{"point_2d": [250, 250]}', seen).places == (Point(0.25, 0.25),)


def test_another_architecture_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "llava"}')
    with pytest.raises(
        InputError, match=r"found model_type 'llava', expected .* qwen3_vl, qwen2_5"
    ):
        PointingModel.load(tmp_path, CPU, **LOADED)
    (tmp_path / "config.json").write_text("[]")
    with pytest.raises(InputError, match="found model_type None"):
        PointingModel.load(tmp_path, CPU, **LOADED)


def _without_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def _pickled(folder: Path) -> None:
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    _without_weights(folder)


def _without_a_tensor(folder: Path) -> None:
    state = load_file(folder / "model.safetensors")
    state.pop(next(name for name in state if "layers.1" in name))
    save_file(state, folder / "model.safetensors", {"format": "pt"})


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_without_weights, "not a whole qwen3_vl model"),
        (_pickled, "not a whole qwen3_vl model"),
        (_without_a_tensor, "1 tensors are missing, .* the first is "),
        (lambda folder: (folder / "chat_template.jinja").unlink(), "found no chat template"),
        (lambda folder: (folder / "processor_config.json").unlink(), "not a whole qwen3_vl model"),
    ],
)
def test_a_folder_that_lacks_something_is_refused(
    weights: Path, tmp_path: Path, spoil: Callable[[Path], Any], said: str
) -> None:
    shutil.copytree(weights, tmp_path, dirs_exist_ok=True)
    spoil(tmp_path)
    with pytest.raises(InputError, match=said):
        PointingModel.load(tmp_path, CPU, **LOADED)


def test_code_beside_weights_is_never_run(weights: Path, tmp_path: Path) -> None:
    shutil.copytree(weights, tmp_path, dirs_exist_ok=True)
    (tmp_path / "own.py").write_text("raise SystemExit('code of the folder was run')\n")
    config = json.loads((tmp_path / "config.json").read_text())
    config["auto_map"] = {"AutoConfig": "own.Config", "AutoModelForImageTextToText": "own.Model"}
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert PointingModel.load(tmp_path, CPU, **LOADED).family == "qwen3_vl"


def test_without_transformers_the_error_says_what_to_install(weights: Path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(InputError, match=r"not installed .* pip install 'transformers>=5'"):
        PointingModel.load(weights, CPU, **LOADED)
