"""Gaze-LLE and its backbone against reference outputs."""

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gazelle_rule import BACKBONES, GazelleGoldens, people
from golden_rule import assert_near
from torch import Tensor, nn

from gcdr.models.backbone import ViT, resample_as_dinov2
from gcdr.models.gazelle import Gazelle, head_maps, sinusoids
from gcdr.models.gazelle_config import GazelleConfig
from gcdr.models.gazelle_loss import gazelle_loss, gazelle_targets
from gcdr.models.gazelle_released import load_backbone, load_decoder, read_gazelle_weights
from gcdr.models.interface import GazeInputs

pytestmark = pytest.mark.golden
torch.set_num_threads(1)
PARTS = {"plain": False, "inout": True}
SHARED = ("backbone.", "linear_pos", "head_maps")
NANO = {"embed_dim": 96, "depth": 3, "num_heads": 3}


@pytest.fixture(scope="module")
def reference(goldens: Callable[[str], Path]) -> GazelleGoldens:
    return GazelleGoldens(goldens)


def models_of(reference: GazelleGoldens, name: str, folder: Path) -> Iterator[tuple[str, Gazelle]]:
    """The models of these weights, by way of files in the released layouts; they share a backbone."""
    _, vit, channels = BACKBONES[name]
    sizes = {"input_size": 196, "grid": (14, 20)} if name == "nano" else {}
    config = GazelleConfig(backbone=vit, channels=channels, **sizes)
    table = sinusoids(config.width, *config.grid)
    weights = folder / "backbone.pth"
    torch.save(reference.backbone(name), weights)
    if name != "vitb14":
        backbone = ViT(vit, config.picture_size, **(NANO if name == "nano" else {}))
        load_backbone(backbone, weights)
    for part, inout in PARTS.items():
        decoder = folder / f"{part}.pt"
        torch.save(reference.decoder(name, inout, table), decoder)
        if name == "vitb14" and not inout:
            model = read_gazelle_weights(decoder, weights)
            backbone = model.backbone
            yield part, model
            continue
        model = Gazelle(dataclasses.replace(config, inout=inout), backbone)
        load_decoder(model, decoder)
        yield part, model.eval()


def record(model: Gazelle, labels: list[str], part: str) -> dict[str, Tensor]:
    """Record in the next call what the reference files keep, also where people come one by one."""
    found: dict[str, Tensor] = {}

    def keep(label: str, module: nn.Module, channels: int) -> None:
        def hook(_module: nn.Module, _inputs: Any, output: Tensor) -> None:
            kept = output[:, ::31, ::channels].clone()
            found[label] = torch.cat([found[label], kept]) if label in found else kept

        module.register_forward_hook(hook)

    stride = max(1, model.config.channels // 32)
    vit = model.backbone.model
    for label in labels:
        if label == "backbone.embed":
            keep(label, vit.norm_pre, stride)
        elif label == "backbone.norm":
            keep(label, vit.norm, stride)
        elif label.startswith("backbone.block"):
            keep(label, vit.blocks[int(label.removeprefix("backbone.block"))], stride)
        elif label.startswith(f"{part}.head_block"):
            keep(label, model.transformer[int(label[-1])], 8)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", ["nano", "vits14", pytest.param("vitb14", marks=pytest.mark.slow)])
@torch.inference_mode()
def test_model(tmp_path: Path, reference: GazelleGoldens, name: str) -> None:
    expected = reference.arrays(name)
    pictures, (image_of, head_box) = reference.pictures(name), people(expected["meta"])
    compared, features = set(), None
    for part, model in models_of(reference, name, tmp_path):
        starts = f"{part}.", *(SHARED if features is None else ())
        labels = [key for key in expected if key.startswith(starts)]
        shown = pictures if features is None else features
        found, features = outputs(model, labels, part, shown, image_of, head_box)
        assert set(labels) <= set(found)
        compared |= set(labels)
        for label in labels:
            tolerance = 1e-5 if label.endswith(("heatmap", "raw", "inout.inout")) else 1e-4
            assert_near(found[label], expected[label].astype(np.float32), tolerance)
    assert compared == set(expected) - {"meta", "training.targets"}


def outputs(
    model: Gazelle, labels: list[str], part: str, shown: Tensor, image_of: Tensor, box: Tensor
) -> tuple[dict[str, Tensor], Tensor]:
    """All that a reference file may hold of a model, and what its backbone makes of the pictures.

    ``shown`` are these, or that, as another decoder on the backbone had it.
    """
    found = record(model, labels, part)
    raw: list[Tensor] = []
    handle = model.heatmap_head.register_forward_hook(lambda _m, _i, output: raw.append(output))
    features = model.encode(shown) if shown.shape[1] == 3 else shown
    output = model(GazeInputs(images=None, tokens=features, image_of=image_of, head_box=box))
    handle.remove()
    stride = max(1, model.config.channels // 32)
    placed = model.linear(features) + model.pos_embed
    found |= {
        "backbone.map": features[:, ::stride, ::4, ::4],
        "linear_pos": placed[:, ::8, ::4, ::4],
        "head_maps": head_maps(box, *model.config.grid),
        f"{part}.prompt": model.prompted(features, image_of, box)[:, ::31, ::8],
        f"{part}.raw": raw[0].sigmoid(),
        f"{part}.heatmap": output.heatmap,
    }
    if output.in_frame is not None:
        found["inout.inout_logit"] = output.in_frame
        found["inout.inout"] = output.in_frame.sigmoid()
    return found, features


@pytest.mark.slow
def test_gradients(tmp_path: Path, reference: GazelleGoldens) -> None:
    content = reference.arrays("nano")
    expected, targets = content["meta"]["training"], content["training.targets"]
    image_of, head_box = people(content["meta"])
    model = dict(models_of(reference, "nano", tmp_path))["inout"]
    inputs = GazeInputs(images=reference.pictures("nano"), image_of=image_of, head_box=head_box)
    output, target = model(inputs), torch.from_numpy(targets)
    in_frame = torch.tensor(expected["inout"])
    maps = gazelle_loss(output, target, in_frame, 0.0)
    loss = gazelle_loss(output, target, in_frame)
    assert maps.item() == pytest.approx(expected["heatmap_loss"], rel=1e-5)
    assert (loss - maps).item() == pytest.approx(expected["inout_loss"], rel=1e-5)
    loss.backward()
    norms = {n: p.grad.norm().item() for n, p in model.named_parameters() if p.grad is not None}
    assert norms == pytest.approx(expected["gradient_l2"], rel=1e-4)


def test_position_tables(reference: GazelleGoldens) -> None:
    expected = reference.arrays("pos")
    shape = reference.keys("dinov2_vitb14")["pos_embed"]
    table = reference.weight("pos_embed", shape)[:, 1:, ::64]
    table = table.transpose(1, 2).unflatten(2, (37, 37))
    for height, width in ((448, 448), (224, 224), (196, 280)):
        found = resample_as_dinov2(table, height // 14, width // 14)
        assert_near(found[0].flatten(1).T, expected[f"pos.{height}x{width}"], 1e-6)
    assert resample_as_dinov2(table, 37, 37) is table


def test_head_maps(reference: GazelleGoldens) -> None:
    content = reference.arrays("helpers")
    count, rows, columns = content["meta"]["head_map_shape"]
    boxes = torch.tensor(content["meta"]["head_map_boxes"], dtype=torch.float64)
    expected = np.unpackbits(content["head_maps"])[: count * rows * columns]
    for kind in (torch.float32, torch.float64):
        found = head_maps(boxes.to(kind), rows, columns)
        assert found.sum((1, 2)).tolist() == content["meta"]["head_map_sums"]
        assert np.array_equal(found.numpy(), expected.reshape(count, rows, columns))


def test_targets(reference: GazelleGoldens) -> None:
    content = reference.arrays("helpers")
    points = torch.tensor(content["meta"]["target_points"], dtype=torch.float64)
    assert_near(gazelle_targets(points), content["target_heatmaps"], 1e-6)
    content = reference.arrays("nano")
    points = torch.tensor(content["meta"]["training"]["points"], dtype=torch.float64)
    expected = content["training.targets"][: len(points)]
    assert_near(gazelle_targets(points), expected, 1e-6)
