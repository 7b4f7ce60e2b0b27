"""Miao et al. against reference outputs, at the paper's size."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from golden_rule import assert_near, strided
from pdp_rule import PDPGoldens
from torch import Tensor, nn

from gcdr.models.pdp import PDP
from gcdr.models.pdp_loss import (
    patch_distribution,
    patch_divergence,
    patch_targets,
    pdp_loss,
    reference_targets,
)
from gcdr.models.released import read_released
from gcdr.models.video_pdp import VideoPDP

pytestmark = pytest.mark.golden
torch.set_num_threads(1)


@pytest.fixture(scope="module")
def reference(goldens: Callable[[str], Path]) -> PDPGoldens:
    return PDPGoldens(goldens)


def as_released(path: Path, weights: dict[str, Tensor]) -> PDP:
    """The model of these weights, by way of a file as several GPUs write it."""
    torch.save({"state_dict": {f"module.{k}": v for k, v in weights.items()}, "lr": 0.0}, path)
    model, _ = read_released(path)
    path.unlink()
    return model


@pytest.fixture(scope="module")
def model(reference: PDPGoldens, tmp_path_factory: pytest.TempPathFactory) -> PDP:
    return as_released(tmp_path_factory.mktemp("pdp") / "w.pt", reference.weights("pdp_spatial"))


def record(model: PDP, labels: list[str]) -> dict[str, Tensor]:
    """Record in the next call what the reference files keep of modules and of tokens."""
    found: dict[str, Tensor] = {}

    def keep(label: str, part: Callable[[Tensor], Tensor]) -> Callable[..., None]:
        def hook(_module: nn.Module, _inputs: Any, output: Tensor) -> None:
            found[label] = part(output)

        return hook

    def tokens(name: str) -> Callable[..., Tensor]:
        method = getattr(model, name)

        def kept(x: Tensor) -> Tensor:
            found[name] = method(x)
            return found[name]

        return kept

    for label in labels:
        name = {"patch_hidden": "inout_patch_encode"}.get(label.removeprefix("feat."))
        name = name or label.removeprefix("feat.")
        if hasattr(model, name):
            module = model.get_submodule(name)
            part = (lambda x: x[:, ::16]) if "patch" in name else (lambda x: strided(x, 16, 14))
            module.register_forward_hook(keep(label, part))
    model.qkv_proj.register_forward_hook(keep("qkv", lambda x: x))
    model.attn.register_forward_hook(keep("attention", lambda x: x.softmax(1)))
    model.placed, model.attended = tokens("placed"), tokens("attended")
    return found


@pytest.mark.slow
@torch.inference_mode()
def test_spatial(reference: PDPGoldens, tmp_path: Path) -> None:
    expected = reference.arrays("spatial")
    boxes = expected["meta"]["boxes"]
    model = as_released(tmp_path / "w.pt", reference.weights("pdp_spatial"))
    assert sum(p.numel() for p in model.parameters()) == 61_651_416
    labels = [key for key in expected if key.startswith("feat.")]
    found = record(model, labels)
    inputs = reference.inputs(boxes)
    output = model(inputs)
    query, key, _ = found["qkv"].chunk(3, -1)
    attended = (query @ key.mT).softmax(-1)
    found = found | {  # later calls record into the other
        "patch_attention": attended,
        "feat.qkv": found["qkv"][:, ::7, ::48],
        "feat.tokens_in": found["placed"][..., ::16],
        "feat.tokens_out": found["attended"][..., ::16],
        "out.heatmap": output.heatmap,
        "out.patch_logits": output.patches,
        "out.patch_dist": patch_distribution(output.patches),
        "out.p_in": output.in_frame.sigmoid(),
    }
    flat = model(replace(inputs, depth=torch.zeros_like(inputs.depth)))
    found |= {"depth0.patch_logits": flat.patches, "depth0.heatmap": flat.heatmap[:, ::4, ::4]}
    blind = as_released(tmp_path / "w.pt", reference.weights("pdp_spatial_nodepth"))
    assert sum(p.numel() for p in blind.parameters()) == 61_609_864 and not blind.needs.depth
    output = blind(inputs)
    found |= {
        "nodepth.patch_logits": output.patches,
        "nodepth.heatmap": output.heatmap[:, ::4, ::4],
    }
    compared = {key for key in expected if not key.startswith("training.")} - {"meta"}
    for label in compared:
        tolerance = 1e-6 if label in ("out.patch_dist", "out.p_in") else 5e-5
        assert_near(found[label].contiguous(), expected[label], tolerance)


@pytest.mark.slow
def test_gradients(reference: PDPGoldens, model: PDP) -> None:
    content = reference.arrays("spatial")
    expected = content["meta"]["training"]
    output = model(reference.inputs(content["meta"]["boxes"]))
    points = [[float("nan")] * 2 if p is None else p for p in content["meta"]["points"]]
    target = reference_targets(torch.tensor(points, dtype=torch.float64))
    outside = torch.tensor([p is None for p in content["meta"]["points"]])
    patches = patch_targets(target, outside, "reference")
    assert_near(target, content["training.heatmap_gt"], 1e-6)
    assert_near(patches, content["training.patch_gt"], 1e-6)
    maps = pdp_loss(output.heatmap, output.patches, target, patches, (10000, 0))
    loss = pdp_loss(output.heatmap, output.patches, target, patches)
    assert maps.item() == pytest.approx(expected["mse_x10000"], rel=1e-6)
    apart = pdp_loss(output.heatmap, output.patches, target, patches, (0, 20))
    assert apart.item() == pytest.approx(expected["kl_x20"], rel=1e-6)
    loss.backward()
    parameters = dict(model.named_parameters())
    norms = {n: None if p.grad is None else p.grad.norm().item() for n, p in parameters.items()}
    unused = [name for name, value in expected["grad_l2"].items() if value is None]
    assert unused == [name for name in norms if norms[name] is None]
    known = {name: value for name, value in expected["grad_l2"].items() if value is not None}
    # ReLUs that flip make them uncertain: float64 differs from the reference as much.
    assert {name: norms[name] for name in known} == pytest.approx(known, rel=5e-3, abs=1e-4)
    assert set(norms) == set(expected["grad_l2"])


VIDEO_FRAMES = (0, 4, 5)
"""Of which alone the file keeps what convolutions and the attention of patches put out."""


@pytest.mark.slow
@torch.inference_mode()
def test_video(reference: PDPGoldens, tmp_path: Path) -> None:
    expected = reference.arrays("video")
    meta = expected["meta"]
    model = as_released(tmp_path / "w.pt", reference.weights("pdp_video"))
    assert isinstance(model, VideoPDP)
    assert sum(p.numel() for p in model.parameters()) == 61_976_286
    layers = [key for key in expected if key.startswith("feat.") and "temporal" not in key]
    found = record(model, layers)
    weights, mapped = [], []
    model.temporal_attention.register_forward_hook(lambda _m, _i, out: weights.append(out[1]))
    model.temporal_mapping.register_forward_hook(lambda _m, _i, out: mapped.append(out))
    after, over_time = [], model.over_time
    model.over_time = lambda *args: after.append(over_time(*args)) or after[-1]
    inputs = reference.inputs(meta["boxes"], "input.video")
    output = model(replace(inputs, track=torch.tensor([0] * 5 + [1] * 5)))
    query, key, _ = found["qkv"].chunk(3, -1)
    some = list(VIDEO_FRAMES)
    convolutions = {
        label: value[some] for label, value in found.items() if label.startswith("feat.")
    }
    found = convolutions | {
        "attention": found["attention"],
        "patch_attention": (query @ key.mT).softmax(-1)[some],
        "feat.qkv": found["qkv"][some][:, ::7, ::48],
        "feat.tokens_in": found["placed"][some][..., ::16],
        "feat.tokens_spatial": found["attended"][..., ::16],
        "feat.tokens_out": after[0][..., ::16],
        "feat.temporal_map": mapped[0],
        "feat.temporal_attention": weights[0],
        "out.heatmap": output.heatmap[:, ::2, ::2],
        "out.patch_logits": output.patches,
        "out.patch_dist": patch_distribution(output.patches),
        "out.p_in": output.in_frame.sigmoid(),
        "out.inout_old": model.former_in_frame(after[0]),
    }
    for label in set(expected) - {"meta"}:
        tolerance = 1e-6 if label in ("out.patch_dist", "out.p_in") else 5e-5
        assert_near(found[label].contiguous(), expected[label], tolerance)

    points = [[float("nan")] * 2 if p is None else p for p in meta["points"]]
    target = reference_targets(torch.tensor(points, dtype=torch.float64))
    outside = torch.tensor([p is None for p in meta["points"]])
    told = torch.tensor(meta["frame_mask"]).bool()
    of_patches = patch_targets(target, outside, "reference")
    seen = (output.heatmap[told], output.patches[told], target[told], of_patches[told])
    maps, loss = pdp_loss(*seen, (5000, 0)).item(), pdp_loss(*seen, (5000, 40)).item()
    assert maps == pytest.approx(meta["training"]["mse_x5000"], rel=1e-6)
    assert loss == pytest.approx(meta["training"]["total"], rel=1e-6)


def target_rows(reference: PDPGoldens, content: dict[str, Any]) -> tuple[Tensor, Tensor]:
    """Target maps (24, 64, 64) by our functions, pseudo-maps as stored, and who looks outside."""
    points = [[float("nan")] * 2 if p is None else p for p in content["meta"]["points"]]
    maps = reference_targets(torch.tensor(points, dtype=torch.float64))
    pseudo = torch.from_numpy(content["heatmap"][content["meta"]["pseudo_rows"]])
    return torch.cat([maps, pseudo]), ~torch.tensor(content["meta"]["inside"]).bool()


def test_targets(reference: PDPGoldens) -> None:
    content = reference.arrays("targets")
    maps, outside = target_rows(reference, content)
    assert_near(maps, content["heatmap"], 1e-6)
    patches = patch_targets(maps, outside, "reference")
    assert_near(patches, content["patch_dist"], 1e-6)
    whole = patch_targets(maps, outside)
    assert torch.allclose(whole.sum(1), torch.ones(len(whole)))


def test_losses(reference: PDPGoldens) -> None:
    content = reference.arrays("targets")
    logits = (2 * reference.normal("loss.logits", (24, 50))).requires_grad_()
    heatmap = reference.uniform("loss.heatmap", (24, 64, 64)) ** 4
    maps, outside = target_rows(reference, content)
    target = patch_targets(maps, outside, "reference")
    assert_near(patch_distribution(logits).detach(), content["loss.pred_dist"], 1e-6)
    apart = patch_divergence(logits, target)
    np.testing.assert_allclose(apart.detach(), content["loss.kl_per_sample"], rtol=1e-6)
    apart.mean().backward()
    gradient = torch.from_numpy(content["loss.grad_logits"])
    assert_near(logits.grad, gradient, 1e-4 * gradient.abs().max().item())
    error = ((heatmap - maps) ** 2).mean((1, 2))
    np.testing.assert_allclose(error, content["loss.mse_per_sample"], rtol=1e-6)
    for name, weights in (("gazefollow_total", (10000, 20)), ("vat_total", (5000, 40))):
        total = pdp_loss(heatmap, logits, maps, target, weights).item()
        assert total == pytest.approx(content["meta"]["loss"][name], rel=1e-6)
