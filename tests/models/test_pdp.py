"""Miao et al.: what is asked of a gaze model, beyond the reference values."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from golden_rule import Goldens
from torch import Tensor

from gcdr.base.errors import InputError
from gcdr.data.along_tracks import Tracks
from gcdr.models.build import load_model, save_model
from gcdr.models.denoiser import Denoiser
from gcdr.models.description import GazeModelSettings
from gcdr.models.interface import GazeInputs
from gcdr.models.named import initial_gaze_model, kind_of
from gcdr.models.pdp import PDP, PDPConfig, in_frame_logit
from gcdr.models.pdp_loss import patch_distribution, patch_targets, reference_targets
from gcdr.models.released import read_released, write_released
from gcdr.models.sizes import DenoiserConfig
from gcdr.models.starting import start_from
from gcdr.models.vat import VAT, VATConfig
from gcdr.models.video_pdp import VideoPDP, VideoPDPConfig, windows
from gcdr.predictor.predictor import blocks_of_people
from gcdr.training.gaze import student_loss
from gcdr.training.loop import by_rate, learn_in_time

torch.set_num_threads(1)
WORLD = PDPConfig.world()


def people(count: int = 4, depth: bool = True, prior: bool = False) -> GazeInputs:
    generator = torch.Generator().manual_seed(0)
    draw = lambda *shape: torch.rand(*shape, generator=generator)  # noqa: E731
    mask = torch.zeros(count, 1, 56, 56)
    mask[:, :, 5:20, 8:24] = 1
    return GazeInputs(
        images=draw(2, 3, 56, 56),
        image_of=torch.arange(count) % 2,
        head_box=torch.tensor([[0.1, 0.1, 0.4, 0.4]]).repeat(count, 1),
        head_crop=draw(count, 3, 56, 56),
        head_mask=mask,
        prior=draw(count, 1, 32, 32) if prior else None,
        depth=draw(2, 1, 56, 56) if depth else None,
    )


@torch.inference_mode()
def test_depth_is_that_of_the_image_and_is_asked_for_by_name() -> None:
    torch.manual_seed(0)
    model, inputs = PDP(WORLD).eval(), people()
    output = model(inputs)
    assert output.heatmap.shape == (4, 32, 32) and output.patches.shape == (4, 50)
    swapped = model(replace(inputs, depth=inputs.depth.flip(0)))
    assert not torch.allclose(swapped.patches, output.patches)
    both = replace(inputs, images=inputs.images.flip(0), depth=inputs.depth.flip(0))
    moved = model(replace(both, image_of=1 - inputs.image_of))
    assert torch.allclose(moved.heatmap, output.heatmap, atol=1e-5)
    with pytest.raises(InputError, match="depth: found none, the model needs one of each image"):
        model(replace(inputs, depth=None))
    blind = PDP(PDPConfig.world(depth=False)).eval()
    assert not blind.needs.depth and torch.equal(
        blind(inputs).heatmap, blind(replace(inputs, depth=None)).heatmap
    )


@torch.inference_mode()
def test_in_frame_is_what_the_distribution_has_inside() -> None:
    patches = 3 * torch.randn(20, 50, generator=torch.Generator().manual_seed(1))
    inside = 1 - patch_distribution(patches)[:, -1]
    assert torch.allclose(in_frame_logit(patches).sigmoid(), inside, atol=1e-6)


@pytest.mark.parametrize("size", [28, 32, 64, 65])
def test_targets_cover_the_map_and_are_never_undefined(size: int) -> None:
    """Nor for maps that the reference cannot say anything of."""
    maps = torch.zeros(size * size + 2, size, size)
    maps.view(len(maps), -1)[torch.arange(size * size), torch.arange(size * size)] = 1
    maps[-2] = float("nan")
    outside = torch.zeros(len(maps), dtype=torch.bool)
    outside[-1] = True
    targets = patch_targets(maps, outside)
    assert torch.allclose(targets.sum(1), torch.ones(len(maps)))
    assert (targets[:-1, -1] == 0).all() and targets[-1, -1] == 1
    # The patch that a single cell is in is the one of the network's own grid over the whole picture.
    cell = torch.arange(size)
    own = ((cell + 0.5) * 7 / size).long()
    expected = (own[:, None] * 7 + own[None]).flatten()
    assert (targets[torch.arange(size * size), expected] > 0).all()
    assert torch.allclose(targets[-2, :49], torch.full((49,), 1 / 49))


def test_reference_targets_are_undefined_where_theirs_are() -> None:
    cells = [(-20.0, 5), (-10.5, 5), (-9.5, 5), (-8.0, 5), (72.9, 5), (74.0, 5), (63.9, 5)]
    maps = reference_targets(torch.tensor(cells, dtype=torch.float64) / 64)
    undefined = maps.isnan().flatten(1).any(1)
    assert undefined.tolist() == [False, True, True, False, False, False, False]
    assert maps.nan_to_num().flatten(1).amax(1).tolist() == [0, 0, 0, 1, 1, 0, 1]
    inside = torch.zeros(len(maps), dtype=torch.bool)
    patches = patch_targets(maps, inside, "reference").isnan().any(1)
    assert patches.tolist() == [True, True, True, False, True, True, False]
    assert not patch_targets(maps, inside).isnan().any()


def test_the_branch_learns_of_those_who_look_out_and_maps_need_not() -> None:
    torch.manual_seed(0)
    model = PDP(replace(WORLD, inout=True))
    output, target = model(people()), torch.rand(4, 32, 32)
    out = torch.tensor([False, True, False, True])
    target[out] = 0
    loss = student_loss(model, output, target, 10.0, looks_out=out)
    maps = model.objective(output.heatmap[~out], target[~out])
    assert torch.isclose(loss, 10 * (maps + model.branch_loss(output, target)))
    told = torch.autograd.grad(model.branch_loss(output, target), output.patches)[0]
    assert (told[out, -1] < 0).all() and (told[~out, -1] > 0).all(), (
        "outside is raised, and lowered"
    )
    counts = torch.tensor([True, True, False, False])
    some = student_loss(model, output, target, 10.0, counts, out)
    assert torch.isclose(
        some, student_loss(model, output.people(counts), target[:2], 10.0, None, out[:2])
    )


def test_attention_learns_at_half_the_rate() -> None:
    groups = by_rate(PDP(WORLD))
    slow = next(group for group in groups if group["factor"] == 0.5)
    assert [tuple(p.shape) for p in slow["params"]] == [(192, 64), (192,)]
    assert [group["factor"] for group in by_rate(VAT(VATConfig.world()))] == [1.0]


def test_it_starts_from_models_that_see_less(tmp_path: Path) -> None:
    torch.manual_seed(0)
    vat, model = VAT(replace(VATConfig.world(), inout=True)), PDP(WORLD)
    save_model(tmp_path / "vat", vat)
    before = model.state_dict()["conv1_scene.weight"].clone()
    start_from(model, tmp_path / "vat")
    stem = model.conv1_scene.weight
    assert torch.equal(stem[:, [0, 1, 2, 4]], vat.conv1_scene.weight)
    assert torch.equal(stem[:, 3], before[:, 3])
    assert torch.equal(model.deconv1.weight, vat.deconv1.weight)
    save_model(tmp_path / "pdp", model)
    again = load_model(tmp_path / "pdp")
    assert isinstance(again, PDP) and torch.equal(again.conv1_scene.weight, stem)
    seeing = replace(DenoiserConfig.world(), towers=WORLD.towers)
    denoiser = Denoiser(seeing)
    start_from(denoiser, tmp_path / "pdp")
    assert torch.equal(denoiser.feat_extractor.conv1_scene.weight, stem)


def test_with_a_prior_it_is_another_model() -> None:
    model = initial_gaze_model(GazeModelSettings("pdp", "world"), True, None, 0)
    assert model.needs.prior and model.needs.depth and not model.tells_in_frame
    assert model(people(prior=True)).heatmap.shape == (4, 32, 32)
    told = initial_gaze_model(GazeModelSettings("pdp", "world"), False, None, 0, 1.0)
    assert told.tells_in_frame and told(people()).in_frame.shape == (4,)


def test_a_configuration_sets_its_options() -> None:
    options: dict[str, float | str] = {"patch_weight": 0, "patch_rule": "reference"}
    settings = GazeModelSettings("pdp", "world", options=options)
    model = initial_gaze_model(settings, False, None, 0)
    assert model.config == replace(WORLD, patch_weight=0, patch_rule="reference")
    assert model.branch_loss(model(people()), torch.ones(4, 32, 32)) == 0
    with pytest.raises(InputError, match=r"PDP, options, patch_rule: found 'none'"):
        initial_gaze_model(replace(settings, options={"patch_rule": "none"}), False, None, 0)


def test_windows_are_five_frames_of_a_track() -> None:
    track = torch.tensor([7, 3, 7, 7, 3, 7, 7, 7, 9])
    rows, place = windows(track)
    assert rows.tolist() == [[1, 4, 4, 4, 4], [0, 2, 3, 5, 6], [7] * 5, [8] * 5]
    assert torch.equal(rows.flatten()[place], torch.arange(9))


@torch.inference_mode()
def test_frames_of_a_window_see_each_other_and_no_other() -> None:
    torch.manual_seed(0)
    model = VideoPDP(VideoPDPConfig.world(depth=False)).eval()
    inputs = replace(people(12, depth=False), track=torch.tensor([0, 1] * 6))
    whole = model(inputs).heatmap
    mixed = torch.tensor([1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10])
    assert torch.allclose(model(inputs.people(mixed)).heatmap, whole[mixed], atol=1e-5)
    one = inputs.people(torch.arange(0, 12, 2))
    assert torch.allclose(model(one).heatmap, whole[::2], atol=1e-5)
    # The sixth frame is a window of its own; the fifth changes what is said of the first.
    last = model(one.people(torch.tensor([5]))).heatmap
    assert torch.allclose(last, whole[10:11], atol=1e-5)
    fewer = model(one.people(torch.arange(4))).heatmap
    assert not torch.allclose(fewer, whole[:8:2], atol=1e-3)


def test_what_is_trained_on_video_is_what_they_train() -> None:
    with torch.device("meta"):
        model = VideoPDP(VideoPDPConfig.paper())
    learn_in_time(model)
    trained = [p.numel() for p in model.parameters() if p.requires_grad]
    assert sum(trained) == 5_628_513


def test_it_is_asked_in_whole_windows(tmp_path: Path) -> None:
    """What is said of a frame does not depend on how many tracks there are beside its own."""
    rows = np.arange(60)
    tracks = Tracks(np.repeat(np.arange(3), 20), np.tile(np.arange(20), 3))
    model = VideoPDP(VideoPDPConfig.world())
    for part, stretch in blocks_of_people(model, SimpleNamespace(tracks=tracks), rows):
        for one in np.unique(stretch):
            assert tracks.frame[part[stretch == one]][0] % 5 == 0


@pytest.fixture(scope="module")
def keys(goldens: Callable[[str], Path]) -> Callable[[str], dict[str, Tensor]]:
    def tensors(name: str) -> dict[str, Tensor]:
        return {
            key: torch.tensor(0) if key.endswith("tracked") else torch.zeros(1).expand(shape)
            for key, shape in Goldens(goldens).keys(name).items()
        }

    return tensors


@pytest.mark.golden
@pytest.mark.parametrize(
    ("name", "depth", "said"),
    [
        ("pdp_spatial", True, "PDP"),
        ("pdp_spatial_nodepth", False, "PDP without depth"),
        ("pdp_video", True, "Video PDP"),
    ],
)
@pytest.mark.slow
def test_released_files(keys: Callable, tmp_path: Path, name: str, depth: bool, said: str) -> None:
    state, path = keys(name), tmp_path / "w.pt"
    torch.save({"state_dict": {f"module.{k}": v for k, v in state.items()}, "lr": 1e-4}, path)
    model, facts = read_released(path)
    assert facts == {"released": said, "lr": 1e-4} and model.needs.depth is depth
    assert model.config == kind_of(model.kind).sizes["paper" if depth else "paper-nodepth"](False)
    write_released(model, tmp_path / "back.pt")
    assert read_released(tmp_path / "back.pt")[0].config == model.config
    for broken, expected in (
        ({k: v for k, v in state.items() if k != "qkv_proj.bias"}, "missing qkv_proj.bias"),
        (state | {"further.weight": torch.zeros(1)}, "unknown further.weight"),
        (state | {"attn.weight": torch.zeros(49, 7)}, r"attn.weight \(found \[49, 7\]"),
        (
            state | {"attn.bias": torch.full((49,), float("nan"))},
            "attn.bias holds values that are not",
        ),
    ):
        torch.save({"state_dict": broken}, path)
        with pytest.raises(InputError, match=expected) as error:
            read_released(path)
        assert str(path) in str(error.value) and "\n" not in str(error.value)
