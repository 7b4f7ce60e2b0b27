"""The models against reference outputs, at the paper's sizes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from golden_rule import Goldens, assert_near, head_masks, strided
from torch import Tensor, nn

from gcdr.data.heatmaps import minmax
from gcdr.models.denoiser import Denoiser
from gcdr.models.interface import GazeInputs
from gcdr.models.released import read_released
from gcdr.models.sizes import DenoiserConfig, VATConfig
from gcdr.models.unet import time_sinusoids
from gcdr.refine.diffusion import SAMPLERS, Sampling, Schedule, ddim, draws, training_pair

pytestmark = [pytest.mark.golden, pytest.mark.slow]
torch.set_num_threads(1)


def as_released(path: Path, weights: dict[str, Tensor]) -> nn.Module:
    """The model of these weights, by way of a file in GCDR's layout."""
    torch.save({"state_dict": weights, "lr": 0.0, "train_step": 0}, path)
    model, _ = read_released(path)
    path.unlink()
    return model


def record(model: nn.Module, names: dict[str, str], channels: int, rows: int) -> dict[str, Tensor]:
    """Record the outputs of modules (label -> module name) in the next call."""
    found: dict[str, Tensor] = {}

    def hook(label: str):
        # A copy, because what follows may work in place.
        return lambda _module, _inputs, output: found.update(
            {label: strided(output, channels, rows)}
        )

    for label, name in names.items():
        model.get_submodule(name).register_forward_hook(hook(label))
    return found


def inputs_of(reference: Goldens, expected: dict[str, Any], prior: Tensor | None) -> GazeInputs:
    """The people whose head boxes a reference file gives, everybody in a picture of their own."""
    boxes = expected["meta"]["inputs"]["head_boxes"]
    return GazeInputs(
        images=reference.blocks("input.scene", len(boxes)),
        image_of=torch.arange(len(boxes)),
        head_box=torch.tensor(boxes) / 224,
        head_crop=reference.blocks("input.face", len(boxes)),
        head_mask=head_masks(boxes),
        prior=prior,
    )


@pytest.fixture(scope="module")
def reference(goldens: Callable[[str], Path]) -> Goldens:
    return Goldens(goldens)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["vat_spatial", "vat_gc"])
@torch.inference_mode()
def test_vat(tmp_path: Path, reference: Goldens, name: str) -> None:
    expected = reference.arrays(name)
    gradcam = name == "vat_gc"
    model = as_released(tmp_path / "w.pt", reference.weights(name))
    assert model.config == VATConfig.paper(gradcam)
    assert sum(p.numel() for p in model.parameters()) == expected["meta"]["params"]

    labels = [key for key in expected if key.startswith("feat.")]
    detail = (8, 16) if gradcam else (16, 14)
    found = record(model, {label: label.removeprefix("feat.") for label in labels}, *detail)
    prior = reference.uniform("input.gradcam", (3, 1, 64, 64)) ** 2 if gradcam else None
    output = model(inputs_of(reference, expected, prior))
    assert sorted(found) == sorted(labels)
    for label in labels:
        assert_near(found[label], expected[label])
    assert_near(output.heatmap, expected["out.heatmap"])
    assert_near(output.in_frame, expected["out.inout"])
    if "out.attention" in expected:
        assert_near(found["feat.attn"].softmax(dim=1), expected["out.attention"])


@pytest.fixture(scope="module")
def denoiser(reference: Goldens, tmp_path_factory: pytest.TempPathFactory) -> Denoiser:
    file = tmp_path_factory.mktemp("released") / "w.pt"
    return as_released(file, reference.weights("gcdr_diffusion"))


def context_of(reference: Goldens, denoiser: Denoiser) -> list[Tensor]:
    return denoiser.context(inputs_of(reference, reference.arrays("gcdr_denoiser"), None))


@pytest.fixture(scope="module")
def context(reference: Goldens, denoiser: Denoiser) -> list[Tensor]:
    with torch.inference_mode():
        return context_of(reference, denoiser)


@torch.inference_mode()
def test_denoiser(reference: Goldens, denoiser: Denoiser) -> None:
    expected = reference.arrays("gcdr_denoiser")
    sizes = expected["meta"]["params"]
    assert denoiser.config == DenoiserConfig.paper()
    assert sum(p.numel() for p in denoiser.parameters()) == sizes["total"]
    assert sum(p.numel() for p in denoiser.diffusion_model.parameters()) == sizes["unet"]

    labels = [key for key in expected if key.startswith(("feat.", "unet."))]
    names = {label: last_layer(denoiser, label.removeprefix("feat.")) for label in labels}
    found = record(denoiser, names, 8, 16)
    context = context_of(reference, denoiser)
    for level, value in enumerate(context):
        assert_near(strided(value, 8, 16), expected[f"context.level{level}"])
    noisy = reference.uniform("input.xt", (2, 1, 64, 64))[:, 0]
    predicted = denoiser.predict(noisy, torch.tensor([137.0, 401.0]), context)
    assert sorted(found) == sorted(labels)
    for label in labels:
        assert_near(found[label], expected[label])
    assert_near(predicted, expected["out.x0"])
    times = torch.tensor([0, 1, 137, 401, 500])
    assert_near(time_sinusoids(times, 64), expected["time.sinusoid64"])


def last_layer(model: Denoiser, label: str) -> str:
    """Full name of the module whose output a block of the U-Net hands on."""
    name = label.replace("unet.", "diffusion_model.", 1)
    block = model.get_submodule(name)
    return f"{name}.{len(block) - 1}" if isinstance(block, nn.ModuleList) else name


@torch.inference_mode()
def test_training_call(reference: Goldens, denoiser: Denoiser, context: list[Tensor]) -> None:
    expected = reference.arrays("gcdr_training_calls")
    target = torch.from_numpy(expected["gt"])[:, 0]
    noise = reference.normal("noise.train", (2, 1, 64, 64))[:, 0]
    noisy, time = training_pair(Schedule(), target, torch.tensor([37, 412]), noise)
    assert_near(noisy, expected["train.net_input"])
    predicted = denoiser.predict(noisy, time, context)
    assert_near(predicted, expected["train.x0"])
    assert_near((predicted - target).square().mean(dim=(1, 2)), expected["train.per_sample_mse"])

    # A Mean Teacher's student: the labelled map is noised, the unlabelled starts from raw noise.
    known = reference.normal("noise.mt.q", (2, 1, 64, 64))[:1, 0]
    unknown = reference.normal("noise.mt.unsup", (2, 1, 64, 64))[1:, 0]
    noised, _ = training_pair(Schedule(), target[:1], torch.tensor([37]), known)
    noisy, time = torch.cat([noised, unknown]), torch.tensor(expected["meta"]["mt_t"])
    assert_near(noisy, expected["mt.net_input"])
    assert_near(denoiser.predict(noisy, time.float(), context), expected["mt.x0"])


@pytest.mark.slow
@torch.inference_mode()
def test_sampling_as_released(
    reference: Goldens, denoiser: Denoiser, context: list[Tensor]
) -> None:
    expected = reference.arrays("gcdr_ddim10")
    way = Sampling(None, 10, Schedule(), SAMPLERS["reference"])
    assert way.indices == expected["meta"]["visited"]
    start = reference.normal("input.xT", (2, 1, 64, 64))[:, 0]
    noise = [reference.normal(f"noise.ddim10.step{i}", (2, 1, 64, 64))[:, 0] for i in range(10)]
    inputs = []

    def predict(noisy: Tensor, time: Tensor) -> Tensor:
        inputs.append(noisy[0])
        return denoiser.predict(noisy, time, context)

    steps = ddim(predict, start, noise, way)
    predicted = torch.stack(list(steps))
    assert_near(predicted, expected["x0_per_step"])
    assert_near(torch.stack(inputs), expected["net_input_per_step.sample0"])
    assert_near(minmax(predicted[-1])[0], expected["out.minmax"])


@torch.inference_mode()
def test_refinement_as_released(
    reference: Goldens, denoiser: Denoiser, context: list[Tensor]
) -> None:
    expected = reference.arrays("gcdr_refine250")
    names = ["noise.refine.q", "noise.refine.step0", "noise.refine.step1"]
    noise = torch.stack([reference.normal(name, (2, 1, 64, 64))[:, 0] for name in names])
    heatmap = torch.from_numpy(expected["gradcam64"])[:, 0]
    predictions = []

    def predict(noisy: Tensor, time: Tensor) -> Tensor:
        predictions.append(denoiser.predict(noisy, time, context))
        return predictions[-1]

    way = Sampling(250, 2, Schedule(), SAMPLERS["reference"])
    (result,) = draws(predict, heatmap, noise[None], way)
    assert_near(torch.stack(predictions), expected["x0_per_step"])
    assert_near(result, expected["out.pred_x0"])
    assert_near(minmax(result)[0], expected["out.pseudo_label"])
