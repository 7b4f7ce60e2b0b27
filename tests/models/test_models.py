"""The models at the demo world's sizes, their configurations and their files."""

import contextlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import Tensor, nn

from gcdr.base.errors import InputError
from gcdr.base.tensors import read_tensors
from gcdr.models.build import build_model, describe, load_model, save_model
from gcdr.models.denoiser import Denoiser, gaussian_matrix
from gcdr.models.interface import GazeInputs
from gcdr.models.precision import set_precision
from gcdr.models.semgaze import Semgaze
from gcdr.models.semgaze_config import SemgazeConfig
from gcdr.models.sizes import DenoiserConfig, TowersConfig, VATConfig
from gcdr.models.vat import VAT
from gcdr.models.weights import load_weights, warm_start

torch.set_num_threads(1)
CONFIGS = [
    VATConfig.paper(),
    VATConfig.paper(gradcam=True),
    VATConfig.world(),
    VATConfig.world(gradcam=True),
    DenoiserConfig.paper(),
    DenoiserConfig.world(),
]


def pictures(count: int, size: int = 56, prior: Tensor | None = None) -> GazeInputs:
    """Made-up people, everybody in a picture of their own."""
    rng = torch.Generator().manual_seed(0)
    scene, crop = torch.randn(2, count, 3, size, size, generator=rng)
    mask = torch.zeros(count, 1, size, size)
    mask[:, :, 8:20, 8:20] = 1
    return GazeInputs(
        images=scene,
        image_of=torch.arange(count),
        head_box=torch.tensor([8.0, 8, 20, 20]).repeat(count, 1) / size,
        head_crop=crop,
        head_mask=mask,
        prior=prior,
    )


def randomise(model: nn.Module) -> None:
    """Give zero-initialised layers values, so that a test sees what they do."""
    rng = torch.Generator().manual_seed(1)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.1, generator=rng)


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: type(config).__name__)
def test_configuration_round_trip(config: VATConfig | DenoiserConfig) -> None:
    assert type(config).from_json(json.loads(json.dumps(config.to_json()))) == config


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"depth": 3}, "unknown key 'depth'"),
        ({"inout": "yes"}, "inout: found 'yes', expected bool"),
        ({"compress": [1.5, 2]}, r"compress\[0\]: found 1.5, expected int"),
        ({"towers": {"blocks": [1, 2]}}, "towers: blocks: found .* expected 5 numbers"),
        ({"towers": 3}, "towers: found 3, expected a mapping"),
        ({"decoder_channels": [8, 2, 2]}, "the last number must be 1"),
    ],
)
def test_bad_configuration_is_refused(content: dict, message: str) -> None:
    with pytest.raises(InputError, match=rf"^model\.json.*{message}"):
        VATConfig.from_json(content, "model.json")


@pytest.mark.slow
@settings(max_examples=40)
@given(size=st.integers(8, 100), strides=st.lists(st.integers(1, 2), min_size=5, max_size=5))
def test_sizes_are_foreseen(size: int, strides: list[int]) -> None:
    config = TowersConfig(
        input_size=size,
        stem_kernel=3,
        stem_width=1,
        widths=(1,) * 5,
        blocks=(1, 1, 0, 1, 1),
        strides=tuple(strides),
        expansion=1,
    )
    model = VAT(VATConfig(config, (1, 1), (2, 1), (3, 4), (2, 2), inout=True)).eval()
    with torch.inference_mode():
        output = model(pictures(1, size))
    assert output.heatmap.shape[1:] == (model.config.map_size,) * 2
    assert output.in_frame.shape == (1,)


def test_world_vat() -> None:
    model = VAT(VATConfig.world())
    output = model(pictures(3))
    assert output.heatmap.shape == (3, 32, 32)
    assert output.in_frame is None
    output.heatmap.square().mean().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_gradcam_must_fit_the_model() -> None:
    with pytest.raises(InputError, match="found one, the model takes none"):
        VAT(VATConfig.world())(pictures(1, prior=torch.rand(1, 1, 32, 32)))
    with pytest.raises(InputError, match="found none, the model takes one"):
        VAT(VATConfig.world(gradcam=True))(pictures(1))


@torch.inference_mode()
def test_gradcam_moves_the_prediction() -> None:
    model = VAT(VATConfig.world(gradcam=True)).eval()
    maps = torch.zeros(2, 1, 32, 32)
    maps[1, 0, 20:, 20:] = 1
    twice = pictures(1).people(torch.tensor([0, 0]))
    first, second = model(replace(twice, prior=maps)).heatmap
    assert not torch.allclose(first, second)


@torch.inference_mode()
def test_context_is_shared_by_draws() -> None:
    model = Denoiser(DenoiserConfig.world()).eval()
    randomise(model)
    context = model.context(pictures(2))
    rng = torch.Generator().manual_seed(2)
    noisy, time = torch.rand(6, 32, 32, generator=rng), torch.arange(6) * 80.0
    together = model.predict(noisy, time, context)
    repeated = model.predict(noisy, time, [level.repeat(3, 1, 1, 1) for level in context])
    torch.testing.assert_close(together, repeated)
    alone = model.predict(noisy[3:4], time[3:4], [level[1:] for level in context])
    torch.testing.assert_close(together[3:4], alone)
    with pytest.raises(InputError, match="noisy heatmaps: found shape"):
        model.predict(noisy[:3], time[:3], context)


@pytest.mark.slow
@pytest.mark.parametrize("norm", ["group", "batch"])
@pytest.mark.parametrize("head", ["plain", "mass"])
def test_denoiser_learns_and_keeps_its_range(norm: str, head: str) -> None:
    config = DenoiserConfig(
        towers=TowersConfig.world(),
        map_size=16,
        base_width=8,
        multipliers=(1, 2),
        residual_blocks=1,
        attention_levels=(1,),
        groups=4,
        norm=norm,
        head=head,
    )
    model = Denoiser(config)
    target = gaussian_matrix(16, config.sigma)[[3, 12]]
    target = target[:, :, None] * target[:, None, :]
    optimiser = torch.optim.Adam(model.parameters(), 3e-3)
    noisy, time, inputs = torch.rand(2, 16, 16), torch.tensor([9.0, 400.0]), pictures(2)
    losses = []
    for _ in range(20):
        predicted = model(noisy, time, inputs)
        loss = (predicted - target).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0]
    if head == "mass":
        assert predicted.min() >= 0 and predicted.max() <= 1


@pytest.mark.parametrize("head", ["plain", "mass"])
@torch.inference_mode()
def test_half_precision_stays_inside(head: str) -> None:
    vat = VAT(replace(VATConfig.world(), inout=True)).eval()
    denoiser = Denoiser(replace(DenoiserConfig.world(), head=head)).eval()
    randomise(denoiser)
    noisy, time, inputs = torch.rand(2, 32, 32), torch.tensor([9.0, 400.0]), pictures(2)
    exact = [vat(inputs).heatmap, vat(inputs).in_frame, denoiser(noisy, time, inputs)]
    for model in (vat, denoiser):
        set_precision(model, "bf16")
    output = vat(inputs)
    rounded = [output.heatmap, output.in_frame, denoiser(noisy, time, inputs)]
    for first, second in zip(exact, rounded, strict=True):
        assert second.dtype == torch.float32
        assert 0 < (first - second).abs().max() < 0.25 * first.abs().max()
    weights = [*vat.parameters(), *denoiser.parameters()]
    assert all(weight.dtype == torch.float32 for weight in weights)


def test_own_feature_extractor() -> None:
    class Colours(nn.Module):
        out_channels = 6

        def forward(self, inputs: GazeInputs) -> Tensor:
            seen = torch.cat([inputs.scene, inputs.head_crop], 1)
            return nn.functional.adaptive_avg_pool2d(seen, 5)

    model = Denoiser(DenoiserConfig.world(), Colours())
    predicted = model(torch.rand(2, 32, 32), torch.ones(2), pictures(2))
    assert predicted.shape == (2, 32, 32)


def test_blurred_mass_of_one_cell_is_its_label() -> None:
    blur = gaussian_matrix(8, 2.0)
    mass = torch.zeros(8, 8)
    mass[3, 5] = 1
    label = blur @ mass @ blur
    assert label[3, 5] == 1
    assert label[3, 7] == pytest.approx(torch.exp(torch.tensor(-0.5)).item())


@pytest.mark.slow
@pytest.mark.parametrize(
    "model", [VAT(VATConfig.world(gradcam=True)), Denoiser(DenoiserConfig.world())]
)
def test_file_round_trip(tmp_path: Path, model: nn.Module) -> None:
    save_model(tmp_path / "teacher", model.to(memory_format=torch.channels_last), {"seed": 7})
    again = load_model(tmp_path / "teacher")
    assert describe(again) == describe(model)
    assert not again.training
    for key, value in model.state_dict().items():
        assert torch.equal(again.state_dict()[key], value)
    assert json.loads((tmp_path / "teacher" / "model.json").read_text())["seed"] == 7


def test_a_card_is_changed_as_the_docs_say_and_not_by_hand(tmp_path: Path) -> None:
    save_model(tmp_path / "my-model", Semgaze(SemgazeConfig.world()))
    page = (Path(__file__).parents[2] / "docs/models.md").read_text()
    (code,) = [part for part in page.split("```") if "write_sealed(" in part]
    with contextlib.chdir(tmp_path):
        exec(code.removeprefix("python"))
    assert load_model(tmp_path / "my-model").config.people == "together"
    card = tmp_path / "my-model/model.json"
    card.write_text(card.read_text().replace("together", "alone"))
    with pytest.raises(InputError, match=r"model\.json: its content is not what was written"):
        load_model(tmp_path / "my-model")


def test_broken_files_are_refused(tmp_path: Path) -> None:
    save_model(tmp_path / "m", VAT(VATConfig.world()))
    (tmp_path / "m" / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(InputError, match="not a readable safetensors file"):
        load_model(tmp_path / "m")
    (tmp_path / "m" / "model.json").write_text('{"format_version": 99}')
    with pytest.raises(InputError, match="found format 99, expected 1"):
        load_model(tmp_path / "m")
    with pytest.raises(InputError, match="no such file"):
        load_model(tmp_path / "absent")
    with pytest.raises(InputError, match="no such file"):
        read_tensors(tmp_path / "absent.safetensors")
    with pytest.raises(InputError, match="found model 'gan', expected one of"):
        build_model({"model": "gan"})


def test_weights_must_fit_exactly(tmp_path: Path) -> None:
    model = VAT(VATConfig.world())
    weights = {key: value.clone() for key, value in model.state_dict().items()}
    del weights["conv4.bias"]
    weights["extra"] = torch.zeros(1)
    weights["attn.bias"] = torch.zeros(3)
    save_file(weights, tmp_path / "w.safetensors")
    before = model.attn.weight.clone()
    weights["attn.weight"] = torch.zeros_like(before)
    with pytest.raises(InputError) as caught:
        load_weights(model, weights, "w.safetensors")
    for part in ("missing conv4.bias", "unknown extra", r"attn.bias (found [3], expected [49])"):
        assert part in str(caught.value)
    assert torch.equal(model.attn.weight, before)


def test_warm_start_says_what_did_not_fit() -> None:
    vat, vat_gc = VAT(VATConfig.world()), VAT(VATConfig.world(gradcam=True))
    report = warm_start(vat_gc, vat.state_dict())
    assert (report.missing, report.misfits, report.unknown) == ([], ["attn.weight"], [])
    assert torch.equal(vat_gc.conv1_scene.weight, vat.conv1_scene.weight)
    denoiser = Denoiser(DenoiserConfig.world())
    report = warm_start(denoiser.feat_extractor, vat.state_dict())
    assert not report.missing and not report.misfits
    assert torch.equal(denoiser.feat_extractor.attn.weight, vat.attn.weight)
    with pytest.raises(InputError, match="no tensor fits"):
        warm_start(vat, {"weight": torch.zeros(1)})
