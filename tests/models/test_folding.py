"""Models that are asked: folded copies say the same, and leave the model as it is."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from gcdr.models.denoiser import Denoiser
from gcdr.models.folding import fused, ready
from gcdr.models.interface import GazeInputs
from gcdr.models.precision import set_precision
from gcdr.models.sizes import DenoiserConfig, VATConfig, VideoVATConfig
from gcdr.models.vat import VAT
from gcdr.models.video_vat import SkippingNorm, VideoVAT
from gcdr.priors.vqa.ofa.resnet import ResNet


def used(model: nn.Module) -> nn.Module:
    """The model with weights and statistics that a training could have left."""
    torch.manual_seed(0)
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.3)
            layer.running_var.uniform_(0.5, 2)
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.normal_(layer.bias, 0, 0.3)
    return model.eval()


def people(count: int) -> GazeInputs:
    rng = torch.Generator().manual_seed(1)
    return GazeInputs(
        images=torch.rand(count, 3, 56, 56, generator=rng),
        image_of=torch.arange(count),
        head_box=torch.rand(count, 4, generator=rng),
        head_crop=torch.rand(count, 3, 56, 56, generator=rng),
        head_mask=torch.rand(count, 1, 56, 56, generator=rng),
    )


def norms(model: nn.Module) -> int:
    return sum(isinstance(layer, nn.BatchNorm2d) for layer in model.modules())


def close(found: torch.Tensor, expected: torch.Tensor) -> None:
    assert (found - expected).abs().max() <= 2e-5 * expected.abs().max()


@pytest.mark.parametrize(
    ("model", "left"),
    [
        (VAT(replace(VATConfig.world(), inout=True)), 0),
        (VideoVAT(VideoVATConfig.world()), None),
        (VideoVAT(replace(VideoVATConfig.world(), norms="reference")), None),
    ],
)
@torch.inference_mode()
def test_a_folded_gaze_model_says_the_same(model: nn.Module, left: int | None) -> None:
    """Of one person, where the video model leaves norms out, as of several."""
    used(model)
    made = ready(model, "cpu")
    assert norms(made) < norms(model)
    if left is None:  # those that a call may leave out, and those that no convolution precedes
        left = sum(isinstance(layer, SkippingNorm) for layer in model.modules())
        left = left or sum(name.endswith("bn_ds") for name, _ in model.named_modules())
    assert norms(made) == left
    for count in (1, 3):
        found, expected = made(people(count)), model(people(count))
        close(found.heatmap, expected.heatmap)
        if expected.in_frame is not None:
            # logits, of which one may lie near zero
            assert torch.allclose(found.in_frame, expected.in_frame, rtol=2e-5, atol=2e-5)


@torch.inference_mode()
def test_a_folded_denoiser_and_stem_say_the_same() -> None:
    model = used(Denoiser(DenoiserConfig.world()))
    for found, expected in zip(
        fused(model).context(people(2)), model.context(people(2)), strict=True
    ):
        close(found, expected)
    stem = used(ResNet((1, 2, 1), 8))
    images = torch.rand(2, 3, 64, 64)
    close(fused(stem)(images), stem(images))
    assert norms(fused(stem)) == 0


def test_a_copy_shares_what_is_not_folded_and_keeps_its_precision() -> None:
    model = VAT(VATConfig.world()).train()
    set_precision(model, "bf16")
    before = {name: value.clone() for name, value in model.state_dict().items()}
    made = fused(model)
    assert made.attn.weight is model.attn.weight and made.precision is torch.bfloat16
    assert model.training and not made.training and norms(model)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
