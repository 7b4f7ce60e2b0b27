"""Gaze-LLE: what is computed once, what never learns, and which files are refused."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import Tensor

from gcdr.base.errors import InputError
from gcdr.models.backbone import Backbone, SceneTower, ViT, build_backbone
from gcdr.models.gazelle import Gazelle, head_maps
from gcdr.models.gazelle_config import GazelleConfig
from gcdr.models.gazelle_loss import gazelle_loss, gazelle_targets
from gcdr.models.gazelle_released import (
    load_backbone,
    load_decoder,
    read_gazelle,
    recognise,
    save_decoder,
)
from gcdr.models.interface import GazeInputs, GazeOutput
from gcdr.models.sizes import TowersConfig

WORLD_TOWERS = Path(__file__).parents[2] / "assets/world/backbone"
SMALL = {"embed_dim": 24, "depth": 2, "num_heads": 2}
CONFIG = GazelleConfig(
    input_size=56, grid=(4, 4), channels=24, width=32, blocks=2, heads=4, map_size=8, inout=True
)


class NoBackbone(Backbone):
    """Of the sizes that a configuration asks for, and nothing else."""

    def __init__(self, config: GazelleConfig) -> None:
        super().__init__(torch.nn.Identity())
        self.grid, self.channels = tuple(config.grid), config.channels
        self.picture_size = config.picture_size


def small(inout: bool = True, seed: int = 0) -> Gazelle:
    torch.manual_seed(seed)
    config = GazelleConfig(**{**CONFIG.to_json(), "grid": (4, 4), "inout": inout})
    model = Gazelle(config, ViT("vit_base_patch14_dinov2", (56, 56), **SMALL))
    torch.nn.init.normal_(model.linear.weight)
    return model.eval()


def people(images: int, count: int, seed: int = 0) -> GazeInputs:
    generator = torch.Generator().manual_seed(seed)
    corner = torch.rand(count, 2, generator=generator) * 0.6
    return GazeInputs(
        images=torch.randn(images, 3, 56, 56, generator=generator),
        image_of=torch.randint(images, (count,), generator=generator),
        head_box=torch.cat([corner, corner + 0.4], dim=1),
    )


def people_of(inputs: GazeInputs) -> tuple[Tensor, Tensor]:
    return inputs.image_of, inputs.head_box


def with_tokens(inputs: GazeInputs, tokens: Tensor) -> GazeInputs:
    return GazeInputs(
        images=None, tokens=tokens, image_of=inputs.image_of, head_box=inputs.head_box
    )


@pytest.fixture(scope="module")
def model() -> Gazelle:
    return small()


def test_sizes_travel_as_json() -> None:
    for config in (GazelleConfig.paper(True), GazelleConfig.large(), GazelleConfig.world()):
        assert GazelleConfig.from_json(config.to_json()) == config


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"grid": [32]}, "grid"),
        ({"grid": [0, 32]}, "grid"),
        ({"grid": [30, 30]}, "grid"),
        ({"width": 30}, "width"),
        ({"heads": 7}, "heads"),
        ({"blocks": 0}, "blocks"),
        ({"drop_path": 1.0}, "drop_path"),
        ({"size": 1}, "size"),
    ],
)
def test_wrong_sizes_are_named(wrong: dict, named: str) -> None:
    with pytest.raises(InputError, match=named):
        GazelleConfig.from_json(wrong)


def test_backbones_that_there_are_not() -> None:
    for name in ("vit_of_my_own", "resnet18"):
        with pytest.raises(InputError, match=name):
            ViT(name, (56, 56))
    with pytest.raises(InputError, match="picture_size"):
        Gazelle(CONFIG, ViT("vit_base_patch14_dinov2", (70, 70), **SMALL))
    with pytest.raises(InputError, match="channels"):
        build_backbone(GazelleConfig.from_json({**GazelleConfig.world().to_json(), "channels": 9}))


def test_decoders_have_the_published_number_of_parameters() -> None:
    counts = []
    for sizes in (GazelleConfig.paper, GazelleConfig.large):
        for inout in (False, True):
            config = sizes(inout)
            model = Gazelle(config, NoBackbone(config))
            counts.append(sum(p.numel() for p in model.parameters() if p.requires_grad))
            assert len(model.decoder_state()) == (45 if inout else 40)
    assert counts == [2_826_752, 2_860_033, 2_892_288, 2_925_569]


def test_eight_people_in_an_image_are_one_backbone_pass(model: Gazelle) -> None:
    calls: list[int] = []
    handle = model.backbone.register_forward_hook(
        lambda _m, inputs, _o: calls.append(len(inputs[0]))
    )
    output = model(people(1, 8))
    handle.remove()
    assert calls == [1]
    assert output.heatmap.shape == (8, 8, 8) and output.in_frame.shape == (8,)
    assert output.heatmap.min() >= 0 and output.heatmap.max() <= 1


def test_nobody_at_all(model: Gazelle) -> None:
    assert model(people(2, 0)).heatmap.shape == (0, 8, 8)


def test_the_backbone_never_learns() -> None:
    model = small().train()
    assert model.training and not any(m.training for m in model.backbone.modules())
    output = model(people(2, 5))
    gazelle_loss(output, torch.rand(5, 8, 8), torch.ones(5)).backward()
    learning = {name for name, p in model.named_parameters() if p.grad is not None}
    assert learning == {name for name, p in model.named_parameters() if p.requires_grad}
    assert learning == set(model.decoder_state()) - {"pos_embed"}
    assert not model.encode(people(2, 5).images).requires_grad


@torch.inference_mode()
def test_tokens_in_place_of_images(model: Gazelle) -> None:
    inputs = people(3, 7)
    tokens = model.encode(inputs.images)
    assert tokens.shape == (3, 24, 4, 4)
    a, b = model(inputs), model(with_tokens(inputs, tokens))
    assert torch.equal(a.heatmap, b.heatmap) and torch.equal(a.in_frame, b.in_frame)
    half = model(with_tokens(inputs, tokens.half()))
    torch.testing.assert_close(half.heatmap, a.heatmap, atol=1e-2, rtol=0)


def test_images_or_tokens(model: Gazelle) -> None:
    inputs = people(1, 1)
    with pytest.raises(InputError, match="neither"):
        model(with_tokens(inputs, None))
    with pytest.raises(InputError, match="tokens"):
        model(with_tokens(inputs, torch.zeros(1, 24, 3, 4)))
    with pytest.raises(InputError, match="px"):
        model.encode(torch.zeros(1, 3, 28, 28))


@settings(max_examples=25)
@given(order=st.permutations(range(6)), seed=st.integers(0, 99))
@torch.inference_mode()
def test_people_do_not_see_each_other(model: Gazelle, order: list[int], seed: int) -> None:
    inputs, rows = people(3, 6, seed), torch.tensor(order)
    moved = GazeInputs(
        images=inputs.images, image_of=inputs.image_of[rows], head_box=inputs.head_box[rows]
    )
    straight, turned = model(inputs), model(moved)
    torch.testing.assert_close(turned.heatmap, straight.heatmap[rows], atol=1e-6, rtol=0)
    torch.testing.assert_close(turned.in_frame, straight.in_frame[rows], atol=1e-5, rtol=0)


@torch.inference_mode()
def test_no_box_is_no_head(model: Gazelle) -> None:
    boxes = torch.tensor([[float("nan")] * 4, [0.5, 0.5, 0.51, 0.51], [0.0, 0.0, 1.0, 1.0]])
    inputs = GazeInputs(
        images=people(1, 1).images, image_of=torch.zeros(3, dtype=torch.int64), head_box=boxes
    )
    maps = model(inputs).heatmap
    torch.testing.assert_close(maps[0], maps[1])
    assert not torch.allclose(maps[0], maps[2])


edge = st.floats(-1.5, 2.5, width=32)


@given(box=st.tuples(edge, edge, edge, edge), rows=st.integers(1, 9), columns=st.integers(1, 9))
def test_head_maps_are_slices(box: tuple[float, ...], rows: int, columns: int) -> None:
    expected = torch.zeros(rows, columns)
    x0, y0, x1, y1 = torch.tensor(box).tolist()
    # In float32, as the boxes are.
    cell = [
        float(torch.tensor(e) * n)
        for e, n in ((y0, rows), (y1, rows), (x0, columns), (x1, columns))
    ]
    top, bottom, left, right = map(round, cell)
    expected[top:bottom, left:right] = 1
    assert torch.equal(head_maps(torch.tensor([box]), rows, columns)[0], expected)


@torch.inference_mode()
def test_half_precision_is_close(model: Gazelle) -> None:
    inputs = people(2, 4)
    full = model(inputs)
    model.precision = torch.bfloat16
    half = model(inputs)
    model.precision = torch.float32
    assert half.heatmap.dtype == torch.float32
    torch.testing.assert_close(half.heatmap, full.heatmap, atol=0.05, rtol=0)


@torch.inference_mode()
def test_many_tokens_person_by_person() -> None:
    """On a CPU large grids are decoded so; the maps are those of all people at once."""
    config = GazelleConfig(input_size=64, grid=(16, 16), channels=8, width=32, heads=4, map_size=32)
    model = Gazelle(config, NoBackbone(config)).eval()
    tokens = model.prompted(torch.randn(2, 8, 16, 16), *people_of(people(2, 3)))
    torch.testing.assert_close(model._decoded(tokens), model.transformer(tokens))


# Files


@pytest.mark.parametrize("name", ["decoder.pt", "decoder.safetensors"])
def test_a_decoder_is_kept_without_its_backbone(tmp_path: Path, name: str) -> None:
    first, second = small(), small(seed=1)
    file = tmp_path / name
    torch.save(first.decoder_state(), file) if name.endswith("pt") else save_decoder(first, file)
    backbone = {name: value.clone() for name, value in second.backbone.state_dict().items()}
    load_decoder(second, file)
    for key, value in first.decoder_state().items():
        assert torch.equal(second.decoder_state()[key], value)
    for key, value in second.backbone.state_dict().items():
        assert torch.equal(value, backbone[key])


def without(state: dict[str, Tensor], *starts: str) -> dict[str, Tensor]:
    return {name: value for name, value in state.items() if not name.startswith(starts)}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda s: without(s, "linear.bias"), "missing linear.bias"),
        (lambda s: without(s, "inout_token"), "missing inout_token.weight"),
        (lambda s: s | {"extra": torch.zeros(1)}, "unknown extra"),
        (lambda s: s | {"linear.bias": torch.zeros(3)}, r"linear.bias \(found \[3\]"),
        (lambda s: s | {"linear.bias": torch.full((32,), torch.nan)}, "linear.bias.*not finite"),
    ],
)
def test_decoders_that_do_not_fit(tmp_path: Path, change: Callable, named: str) -> None:
    model, file = small(), tmp_path / "decoder.pt"
    torch.save(change(model.decoder_state()), file)
    with pytest.raises(InputError, match=f"decoder.pt.*{named}"):
        load_decoder(model, file)


def test_an_in_frame_head_may_start_from_scratch(tmp_path: Path) -> None:
    plain, model, file = small(inout=False, seed=1), small(), tmp_path / "decoder.pt"
    before = {k: v.clone() for k, v in model.decoder_state().items()}
    torch.save(plain.decoder_state(), file)
    with pytest.raises(InputError, match="missing inout_token"):
        load_decoder(model, file)
    load_decoder(model, file, inout_from_scratch=True)
    after = model.decoder_state()
    assert torch.equal(after["linear.weight"], plain.linear.weight)
    assert torch.equal(after["inout_head.0.weight"], before["inout_head.0.weight"])
    torch.save(model.decoder_state(), file)
    with pytest.raises(InputError, match="from scratch"):
        load_decoder(model, file, inout_from_scratch=True)
    with pytest.raises(InputError, match="unknown inout_token"):
        load_decoder(plain, file)


def hub_file(channels: int = 24, side: int = 5) -> dict[str, Tensor]:
    """A backbone's tensors as in a hub's file: with a mask token and another table."""
    state = small(seed=3).backbone.model.state_dict()
    return {name: value.clone() for name, value in state.items()} | {
        "mask_token": torch.zeros(1, channels),
        "pos_embed": torch.randn(1, 1 + side * side, channels),
    }


@pytest.mark.parametrize("layout", ["hub.pth", "whole.pt", "own.safetensors"])
def test_backbones_from_files(tmp_path: Path, layout: str) -> None:
    state, file = hub_file(), tmp_path / layout
    backbone = small().backbone
    if layout == "whole.pt":
        whole = {f"backbone.model.{k}": v for k, v in state.items()}
        torch.save({**small().decoder_state(), **whole}, file)
    elif layout == "hub.pth":
        torch.save(state, file)
    else:
        save_file(state, file)
    load_backbone(backbone, file)
    found = backbone.model.state_dict()
    assert torch.equal(found["blocks.1.attn.qkv.weight"], state["blocks.1.attn.qkv.weight"])
    assert torch.equal(found["pos_embed"][:, 0], state["pos_embed"][:, 0])
    assert not torch.equal(found["pos_embed"][:, 1:], state["pos_embed"][:, 1:17])


def test_a_table_of_the_right_size_is_taken_as_it_is(tmp_path: Path) -> None:
    state, backbone = hub_file(side=4), small().backbone
    torch.save(state, tmp_path / "hub.pth")
    load_backbone(backbone, tmp_path / "hub.pth")
    assert torch.equal(backbone.model.pos_embed, state["pos_embed"])


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda s: without(s, "cls_token"), "missing cls_token"),
        (lambda s: s | {"register_tokens": torch.zeros(1, 4, 24)}, "unknown register_tokens"),
        (lambda s: s | {"pos_embed": torch.zeros(1, 7, 24)}, "pos_embed has shape"),
        (lambda s: s | {"norm.bias": torch.full((24,), torch.inf)}, "norm.bias.*not finite"),
    ],
)
def test_backbones_that_do_not_fit(tmp_path: Path, change: Callable, named: str) -> None:
    file = tmp_path / "dino.pth"
    torch.save(change(hub_file()), file)
    with pytest.raises(InputError, match=f"dino.pth.*{named}"):
        load_backbone(small().backbone, file)


def test_another_vit_by_its_own_names(tmp_path: Path) -> None:
    sizes = {"embed_dim": 24, "depth": 1, "num_heads": 2}
    stored = ViT("vit_small_patch16_224", (224, 224), **sizes).model.state_dict()
    save_file(stored, tmp_path / "vit.safetensors")
    backbone = ViT("vit_small_patch16_224", (64, 96), **sizes)
    load_backbone(backbone, tmp_path / "vit.safetensors")
    assert backbone(torch.randn(2, 3, 64, 96)).shape == (2, 24, 4, 6)


@pytest.mark.parametrize("inout", [False, True])
@pytest.mark.parametrize(("size", "channels"), [("vitb14", 768), ("vitl14", 1024)])
def test_released_decoders_are_recognised(size: str, channels: int, inout: bool) -> None:
    state = {"linear.weight": torch.zeros(256, channels, 1, 1)}
    if inout:
        state["inout_token.weight"] = torch.zeros(1, 256)
    config = recognise(state, "gazelle.pt")
    assert config.channels == channels and config.inout == inout
    assert config == (GazelleConfig.paper if size == "vitb14" else GazelleConfig.large)(inout)


def test_files_that_are_no_released_decoder(tmp_path: Path) -> None:
    file = tmp_path / "gazelle.pt"
    torch.save({"conv1_scene.weight": torch.zeros(1)}, file)
    with pytest.raises(InputError, match=r"gazelle.pt: found conv1_scene"):
        read_gazelle(file)
    torch.save({"linear.weight": torch.zeros(256, 384, 1, 1)}, file)
    with pytest.raises(InputError, match="768 or 1024"):
        read_gazelle(file)
    torch.save({"linear.weight": torch.zeros(256, 768, 1, 1)}, file)
    with pytest.raises(InputError, match="decoder only"):
        read_gazelle(file)
    torch.save({"linear.weight": print}, file)
    with pytest.raises(InputError, match=r"found builtins.print|only tensors"):
        read_gazelle(file)


# Objective


def test_nobody_in_frame_teaches_no_maps(model: Gazelle) -> None:
    output = GazeOutput(
        heatmap=torch.rand(3, 8, 8).requires_grad_(), in_frame=torch.zeros(3).requires_grad_()
    )
    loss = gazelle_loss(output, torch.full((3, 8, 8), torch.nan), torch.zeros(3))
    loss.backward()
    assert loss.item() == pytest.approx(torch.log(torch.tensor(2.0)).item())
    assert output.heatmap.grad.eq(0).all()


def test_saturated_maps_have_finite_gradients() -> None:
    logit = torch.tensor([[[200.0, -200.0]]], requires_grad=True)
    target = torch.tensor([[[0.0, 1.0]]])
    loss = gazelle_loss(GazeOutput(heatmap=logit.sigmoid()), target)
    loss.backward()
    assert torch.isfinite(loss) and torch.isfinite(logit.grad).all()


def test_targets_without_a_point() -> None:
    points = torch.tensor([[torch.nan, torch.nan], [-0.1, 0.5], [0.5, 0.5]])
    assert gazelle_targets(points, 32).flatten(1).amax(1).tolist() == [0, 0, 1]


# The demo world


@pytest.fixture(scope="module")
def tower() -> SceneTower:
    tower = SceneTower(TowersConfig.world())
    load_backbone(tower, WORLD_TOWERS)
    return tower


def test_the_demo_world_learns(tower: SceneTower) -> None:
    """A few steps on made-up tokens: enough to see that every part is connected."""
    torch.manual_seed(0)
    model = Gazelle(GazelleConfig.world(), tower).train()
    tokens = model.encode(torch.randn(8, 3, 56, 56))
    points = torch.rand(8, 2)
    inputs = with_tokens(people(8, 8), tokens)
    target = gazelle_targets(points, model.map_size)
    optimiser = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], 3e-3)
    losses = []
    for _ in range(40):
        optimiser.zero_grad()
        loss = gazelle_loss(model(inputs), target)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0]
