"""Models that are asked: folded copies say the same, and leave the model as it is."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from gcdr.models.denoiser import Denoiser
from gcdr.models.folding import fused, ready, rectified
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


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
@torch.inference_mode()
def test_a_folded_convolution_its_sum_and_relu_say_the_same(precision: torch.dtype) -> None:
    """The same values as in three, of strided and of grouped ones; what is added stays as it was."""
    torch.manual_seed(3)
    for settings in ({"padding": 1}, {"stride": 2}, {"padding": 1, "groups": 2}):
        layer = nn.Conv2d(8, 8, 3, **settings).to(precision)
        x = torch.randn(2, 8, 9, 7, dtype=precision).contiguous(memory_format=torch.channels_last)
        plus = torch.randn_like(layer(x))
        before = plus.clone()
        exact = layer.double()(x.double())
        layer.to(precision)
        for added in (None, plus):
            found = rectified(x, layer, nn.Identity(), added)
            expected = (exact if added is None else exact + added.double()).relu()
            assert (found - expected).abs().max() <= (1e-5 if precision == torch.float32 else 0.05)
            assert found.dtype == precision and torch.equal(plus, before)


@torch.inference_mode()
def test_the_one_pass_is_taken_and_hides_nothing() -> None:
    """A sum takes it, and what is no number stays so, with a sum and without."""
    layer, x = nn.Conv2d(4, 4, 3, padding=1), torch.rand(1, 4, 6, 6)
    with torch.profiler.profile() as seen:
        rectified(x, layer, nn.Identity(), torch.rand(1, 4, 6, 6))
    assert any("mkldnn::_convolution_pointwise" in event.key for event in seen.key_averages())
    x[0, 1, 2, 2] = torch.nan
    for plus in (None, torch.rand(1, 4, 6, 6)):
        assert rectified(x, layer, nn.Identity(), plus).isnan().any()
    broken = torch.full((1, 4, 6, 6), torch.nan)
    assert rectified(torch.rand(1, 4, 6, 6), layer, nn.Identity(), broken).isnan().all()


def test_gradients_and_graphs_take_the_plain_operations() -> None:
    """oneDNN's pass has neither a gradient nor a place in an exported model."""
    layer, x = nn.Conv2d(3, 4, 1), torch.rand(1, 3, 5, 5, requires_grad=True)
    rectified(x, layer, nn.Identity()).sum().backward()
    assert x.grad is not None and x.grad.abs().sum() > 0
    norm = nn.BatchNorm2d(4).eval()
    with torch.no_grad():
        assert torch.equal(rectified(x, layer, norm), norm(layer(x)).relu())
        exported = torch.export.export(Once(layer), (x.detach(),))
    assert "mkldnn" not in str(exported.graph)


class Once(nn.Module):
    """A folded convolution by itself."""

    def __init__(self, layer: nn.Conv2d) -> None:
        super().__init__()
        self.layer, self.norm = layer, nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return rectified(x, self.layer, self.norm)
