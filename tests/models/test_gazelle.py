"""Gaze-LLE: what is computed once, what never learns, and its objective."""

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_gazelle import CONFIG, SMALL, NoBackbone, people, people_of, small, with_tokens

from gcdr.base.errors import InputError
from gcdr.models.backbone import SceneTower, ViT, build_backbone
from gcdr.models.gazelle import Gazelle, head_maps
from gcdr.models.gazelle_config import GazelleConfig
from gcdr.models.gazelle_loss import gazelle_loss, gazelle_targets
from gcdr.models.gazelle_released import load_backbone
from gcdr.models.interface import GazeInputs, GazeOutput
from gcdr.models.sizes import TowersConfig

WORLD_TOWERS = Path(__file__).parents[2] / "assets/world/frozen"


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
    tower = SceneTower(TowersConfig.frozen())
    load_backbone(tower, WORLD_TOWERS)
    return tower


@pytest.mark.slow
def test_the_demo_world_learns(tower: SceneTower) -> None:
    """A few steps on made-up tokens: enough to see that every part is connected."""
    torch.manual_seed(0)
    model = Gazelle(GazelleConfig.world(), tower).train()
    tokens = model.encode(torch.randn(8, 3, 112, 112))
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
