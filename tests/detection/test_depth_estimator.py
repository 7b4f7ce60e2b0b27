"""A maintained estimator of depth, of the real architecture with random weights, asked once a picture."""

import errno
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from tiny_study import CPU, make_study

from gcdr.base.errors import InputError
from gcdr.data.depth_maps import depth_file, open_depth
from gcdr.data.manifest import read_people
from gcdr.detection import depth_estimator
from gcdr.detection.depth_estimator import DepthEstimator, estimate_depth

pytestmark = pytest.mark.slow
VIT = {
    "hidden_size": 16, "num_hidden_layers": 4, "num_attention_heads": 2, "mlp_ratio": 1, "image_size": 28,
    "patch_size": 14, "out_indices": [1, 2, 3, 4], "reshape_hidden_states": False,
}  # fmt: skip


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    transformers = pytest.importorskip("transformers")
    folder = tmp_path_factory.mktemp("depth-anything")
    torch.manual_seed(0)
    config = transformers.DepthAnythingConfig(
        backbone_config=transformers.Dinov2Config(**VIT), reassemble_hidden_size=16,
        neck_hidden_sizes=[4, 8, 8, 8], fusion_hidden_size=8, head_hidden_size=4,
    )  # fmt: skip
    transformers.DepthAnythingForDepthEstimation(config).save_pretrained(folder)
    transformers.DPTImageProcessor(
        size={"height": 56, "width": 56}, keep_aspect_ratio=True, ensure_multiple_of=14
    ).save_pretrained(folder)
    return folder


def test_every_picture_is_asked_once(weights: Path, tmp_path: Path) -> None:
    study = make_study(tmp_path, train=6, test=2)
    people, images = read_people(study.manifest), study.folder / "images"
    broken = people["image"].iloc[-1]
    (images / broken).write_bytes(b"no picture")
    out = tmp_path / "depth"
    estimate_depth(people, images, weights, CPU, out)
    for name, rows in people.groupby("image"):
        path, size = depth_file(out, name), tuple(rows[["width", "height"]].iloc[0])
        assert path.exists() == (name != broken)
        if name != broken:
            depth = np.asarray(open_depth(path, size, images / name))
            assert depth.shape == size[::-1] and (depth.min(), depth.max()) == (0, 1)


def test_a_stopped_estimate_goes_on(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is asked twice, a torn map again; what came of other weights is gone."""
    study = make_study(tmp_path, train=6, test=2)
    people, images = read_people(study.manifest), study.folder / "images"
    whole, out = tmp_path / "whole", tmp_path / "depth"
    estimate_depth(people, images, weights, CPU, whole)
    (tmp_path / ".depth.begun-0000").mkdir()
    asked: list[int] = []
    ask = DepthEstimator.depth

    def stopped(self: DepthEstimator, picture: Image.Image) -> np.ndarray:
        asked.append(1)
        if len(asked) == 4:
            raise KeyboardInterrupt
        return ask(self, picture)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with (
        monkeypatch.context() as patched,
        pytest.raises(InputError, match=r"depth: .*No space left"),
    ):
        patched.setattr(depth_estimator, "save_depth", full)
        estimate_depth(people, images, weights, CPU, out)
    monkeypatch.setattr(DepthEstimator, "depth", stopped)
    with pytest.raises(KeyboardInterrupt):
        estimate_depth(people, images, weights, CPU, out)
    (begun,) = tmp_path.glob(".depth.begun-*")
    done = sorted(begun.rglob("*.png"))
    assert len(done) == 3 and not out.exists()
    done[0].write_bytes(done[0].read_bytes()[:-9])
    estimate_depth(people, images, weights, CPU, out)
    names = [path.relative_to(whole) for path in sorted(whole.rglob("*.png"))]
    assert len(asked) == 4 + len(names) - 2 and not begun.exists()
    assert all((whole / name).read_bytes() == (out / name).read_bytes() for name in names)


def test_half_a_model_is_refused(weights: Path, tmp_path: Path) -> None:
    for name in ("config.json", "preprocessor_config.json"):
        (tmp_path / name).write_bytes((weights / name).read_bytes())
    tensors = load_file(weights / "model.safetensors")
    first = sorted(tensors)[0]
    save_file({k: v for k, v in tensors.items() if k != first}, tmp_path / "model.safetensors")
    with pytest.raises(InputError, match=f"1 tensors are missing.*{first}"):
        DepthEstimator.load(tmp_path, CPU)
    said = json.loads((weights / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(said | {"depth_estimation_type": "metric"}))
    with pytest.raises(InputError, match="depth_estimation_type 'metric', expected relative"):
        DepthEstimator.load(tmp_path, CPU)
