"""Models that follow tracks: unequal lengths, chunks with carried memory, tracks in any order."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from golden_rule import assert_near
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_study import CPU, GAZE, make_study, pictures_of
from torch import Tensor, nn

import gcdr
from gcdr.base.errors import InputError
from gcdr.base.files import read_json, write_json
from gcdr.base.outlines import tensor_shapes
from gcdr.data.manifest import read_annotated, write_table
from gcdr.data.split import split_labels
from gcdr.models.build import load_model, save_model
from gcdr.models.contents import check_first_weights, known_model
from gcdr.models.convlstm import ConvLSTM, pack_tracks
from gcdr.models.description import GazeModelSettings
from gcdr.models.interface import GazeInputs, SeesPeople, TrackMemory
from gcdr.models.named import initial_gaze_model, kind_of
from gcdr.models.pretrained import take_pretrained
from gcdr.models.pretrained_card import PretrainedSettings, check_pretrained
from gcdr.models.released import read_released, write_released
from gcdr.models.sizes import SIGNAL, VATConfig, VideoDenoiserConfig, VideoVATConfig, beginning
from gcdr.models.vat import VAT
from gcdr.models.video_denoiser import VideoDenoiser
from gcdr.models.video_vat import VideoVAT
from gcdr.refine.diffusion import SAMPLERS, Sampling, Schedule, draws
from gcdr.training.gaze import train_gaze_model
from gcdr.training.loop import learn_in_time, truncate_gradients

torch.set_num_threads(1)
TRACK = [4, 9, 4, 2, 9, 4, 4, 9]  # of 4, 3 and 1 frames, mixed


def video_vat(norms: str = "always") -> VideoVAT:
    """Of random weights, with norms that change what passes them."""
    torch.manual_seed(0)
    model = VideoVAT(replace(VideoVATConfig.world(), inout=True, norms=norms)).eval()
    for name, value in model.named_buffers():
        if name.endswith("running_var"):
            value.uniform_(0.7, 1.1)
    return remembering(model)


@torch.no_grad()
def remembering(model: VideoVAT | VideoDenoiser) -> VideoVAT | VideoDenoiser:
    """The model with a memory that is no longer as it starts."""
    for weights in model.convlstm_scene.parameters():
        weights.add_(0.1 * torch.rand_like(weights) - 0.05)
    return model


def video_vat_gc() -> VideoVAT:
    """The same with a prior map."""
    torch.manual_seed(0)
    return remembering(VideoVAT(replace(VideoVATConfig.world(True), inout=True)).eval())


def frames(track: list[int] = TRACK, prior: bool = False) -> GazeInputs:
    rng = torch.Generator().manual_seed(0)
    count, corner = len(track), 0.6 * torch.rand(len(track), 2, generator=rng)
    return GazeInputs(
        images=torch.randn(count, 3, 56, 56, generator=rng),
        image_of=torch.arange(count),
        head_box=torch.cat([corner, corner + 0.2], 1),
        head_crop=torch.randn(count, 3, 56, 56, generator=rng),
        head_mask=torch.rand(count, 1, 56, 56, generator=rng).round(),
        track=torch.tensor(track),
        prior=torch.rand(count, 1, 32, 32, generator=rng) if prior else None,
    )


def asked_in_time(model: SeesPeople, inputs: GazeInputs) -> tuple[list[Tensor], TrackMemory]:
    """All that a model says of frames, and its memory."""
    if isinstance(model, VideoDenoiser):
        return model.context_in_time(inputs)
    output = model(inputs)
    return [output.heatmap, output.in_frame], output.memory


def video_denoiser() -> VideoDenoiser:
    torch.manual_seed(0)
    return remembering(VideoDenoiser(VideoDenoiserConfig.world()).eval())


MODELS = pytest.mark.parametrize("build", [video_vat, video_vat_gc, video_denoiser])


def near(found: list[Tensor], expected: list[Tensor]) -> None:
    for one, other in zip(found, expected, strict=True):
        assert_near(one, other, 1e-5)


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=12))
def test_rows_are_packed_step_by_step_longest_track_first(track: list[int]) -> None:
    packing = pack_tracks(torch.tensor(track))
    assert sorted(packing.order.tolist()) == list(range(len(track)))
    lengths = [track.count(name) for name in packing.tracks.tolist()]
    assert lengths == sorted(lengths, reverse=True) and sum(lengths) == len(track)
    for step, rows in enumerate(packing.order.split(packing.sizes)):
        live = packing.tracks[: len(rows)].tolist()
        assert [track[row] for row in rows] == live
        assert [track[:row].count(track[row]) for row in rows.tolist()] == [step] * len(rows)


@MODELS
@torch.inference_mode()
def test_a_frame_depends_on_those_before_it_in_its_track_alone(build: Callable) -> None:
    model = build()
    inputs = frames(prior=model.needs.prior)
    whole, _ = asked_in_time(model, inputs)
    for track in set(TRACK):
        rows = torch.tensor([row for row, name in enumerate(TRACK) if name == track])
        near(asked_in_time(model, inputs.people(rows))[0], [one[rows] for one in whole])
    other = replace(inputs, images=inputs.images.clone())
    other.images[0] += 1  # of track 4, whose later frames are 2, 5 and 6
    differs = (asked_in_time(model, other)[0][0] - whole[0]).flatten(1).abs().amax(1) > 0
    assert differs.nonzero().flatten().tolist() == [0, 2, 5, 6]


@pytest.mark.slow
@MODELS
@settings(max_examples=12, deadline=None)
@given(st.lists(st.integers(1, 7), unique=True))
@torch.inference_mode()
def test_chunks_with_carried_memory_say_what_the_whole_says(build: Callable, cuts: list) -> None:
    model = build()
    inputs = frames(prior=model.needs.prior)
    whole, memory = asked_in_time(model, inputs)
    said, carried = [], None
    for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(TRACK)], strict=True):
        part = replace(inputs.people(torch.arange(start, end)), memory=carried)
        found, carried = asked_in_time(model, part)
        said.append(found)
    near([torch.cat(parts) for parts in zip(*said, strict=True)], whole)
    for name, value in memory.tensors.items():
        near([carried.of(memory.track)[name]], [value])


@pytest.mark.slow
@MODELS
@settings(max_examples=12, deadline=None)
@given(st.permutations([2, 4, 9]), st.permutations([0, 1, 2]))
@torch.inference_mode()
def test_order_and_names_of_tracks_change_nothing(
    build: Callable, order: list, names: list
) -> None:
    model = build()
    inputs = frames(prior=model.needs.prior)
    whole, _ = asked_in_time(model, inputs)
    rows = torch.tensor(sorted(range(len(TRACK)), key=lambda row: order.index(TRACK[row])))
    called = torch.tensor([names[[2, 4, 9].index(name)] for name in TRACK])
    moved = replace(inputs, track=called).people(rows)
    near(asked_in_time(model, moved)[0], [one[rows] for one in whole])


@MODELS
@torch.inference_mode()
def test_without_tracks_everybody_is_a_track_of_one_frame(build: Callable) -> None:
    model = build()
    inputs = frames(prior=model.needs.prior)
    plain, _ = asked_in_time(model, replace(inputs, track=None))
    near(plain, asked_in_time(model, replace(inputs, track=torch.arange(len(TRACK))))[0])
    assert (plain[0][2] - asked_in_time(model, inputs)[0][0][2]).abs().max() > 1e-4


@torch.inference_mode()
def test_a_lone_frame_passes_all_norms_unless_as_in_the_reference() -> None:
    ours, theirs = video_vat(), video_vat("reference")
    theirs.load_state_dict(ours.state_dict())
    two, inputs = torch.tensor([0, 1]), frames()
    assert torch.equal(ours(inputs).heatmap, theirs(inputs).heatmap)
    pair, lone = inputs.people(two), inputs.people(two[:1])
    near([ours(lone).heatmap], [ours(pair).heatmap[:1]])
    assert (theirs(lone).heatmap - ours(lone).heatmap).abs().max() > 1e-3
    near([theirs(pair).heatmap], [ours(pair).heatmap])


def test_memory_of_tracks_that_pause_is_carried_and_of_others_is_none() -> None:
    lstm = ConvLSTM(2, layers=1, dropout=0.0)
    picture = GazeInputs(image_of=torch.arange(3), head_box=torch.zeros(3, 4))
    _, first = lstm(torch.ones(3, 2, 4, 4), replace(picture, track=torch.tensor([5, 7, 5])))
    later = replace(picture.people(torch.tensor([0])), track=torch.tensor([6]), memory=first)
    _, second = lstm(torch.ones(1, 2, 4, 4), later)
    assert sorted(second.track.tolist()) == [5, 6, 7]
    paused = torch.tensor([7, 5])
    assert torch.equal(second.of(paused)["cell"], first.of(paused)["cell"])
    assert first.of(paused)["cell"].all() and not first.of(torch.tensor([6, 8]))["cell"].any()
    kept = second.keep(torch.tensor([7, 6, 1]))
    assert sorted(kept.track.tolist()) == [6, 7] and len(kept.tensors["hidden"]) == 2


def test_gradients_reach_earlier_frames_of_the_same_track() -> None:
    lstm = ConvLSTM(2, layers=2, dropout=0.0)
    x = torch.randn(4, 2, 4, 4, generator=torch.Generator().manual_seed(0), requires_grad=True)
    inputs = GazeInputs(
        image_of=torch.arange(4), head_box=torch.zeros(4, 4), track=torch.tensor([0, 1, 0, 0])
    )
    lstm(x, inputs)[0][2].sum().backward()
    assert x.grad.flatten(1).any(1).tolist() == [True, False, True, False]
    assert all(parameter.grad.any() for parameter in lstm.parameters())


def test_gradients_go_no_further_back_than_the_frames_they_are_cut_after() -> None:
    """Frames 0 to 6 of a track beside one of 2: values stay, gradients end where the next piece begins."""
    lstm = ConvLSTM(2, layers=2, dropout=0.0)
    track = torch.tensor([0, 1, 0, 0, 1, 0, 0, 0, 0])
    x = torch.randn(9, 2, 4, 4, generator=torch.Generator().manual_seed(0), requires_grad=True)
    inputs = GazeInputs(image_of=torch.arange(9), head_box=torch.zeros(9, 4), track=track)
    whole, _ = lstm(x, inputs)
    truncate_gradients(nn.Sequential(lstm), 3)
    pieces, _ = lstm(x, inputs)
    assert torch.equal(whole, pieces)
    (to_last,) = torch.autograd.grad(
        pieces[7].sum(), x, retain_graph=True
    )  # frame 5, of piece 3 to 5
    assert to_last.flatten(1).any(1).tolist() == [False] * 5 + [True] * 3 + [False]
    (to_begun,) = torch.autograd.grad(pieces[8].sum(), x)  # frame 6 begins a piece
    assert to_begun.flatten(1).any(1).nonzero().tolist() == [[8]]
    with pytest.raises(InputError, match="truncate: found 3 for a Linear, which remembers nothing"):
        truncate_gradients(nn.Linear(1, 1), 3)


@torch.inference_mode()
def test_half_precision_keeps_the_memory_in_full() -> None:
    model = video_vat()
    full = model(frames()).heatmap
    model.precision = torch.bfloat16
    half = model(frames())
    assert half.heatmap.dtype == half.memory.tensors["cell"].dtype == torch.float32
    assert 0 < (half.heatmap - full).abs().max() < 0.2 * full.abs().max()


@MODELS
@torch.inference_mode()
def test_a_folder_gives_the_model_back(build: Callable, tmp_path: Path) -> None:
    model = build()
    save_model(tmp_path / "model", model)
    again = load_model(tmp_path / "model")
    assert type(again) is type(model) and again.config == model.config
    inputs = frames(prior=model.needs.prior)
    near(asked_in_time(again, inputs)[0], asked_in_time(model, inputs)[0])


def test_the_card_of_a_folder_chooses_the_norms(tmp_path: Path) -> None:
    save_model(tmp_path, video_vat())
    card = read_json(tmp_path / "model.json")
    card["config"]["norms"] = "reference"
    write_json(tmp_path / "model.json", card)
    lone = frames().people(torch.tensor([0]))
    with torch.inference_mode():
        near([load_model(tmp_path)(lone).heatmap], [video_vat("reference")(lone).heatmap])
    card["config"]["norms"] = "never"
    write_json(tmp_path / "model.json", card)
    with pytest.raises(InputError, match=r"norms: found 'never', expected .*'reference'"):
        load_model(tmp_path)


@torch.inference_mode()
def test_a_model_of_pictures_that_is_extended_sees_what_it_saw(tmp_path: Path) -> None:
    torch.manual_seed(0)
    vat = VAT(VATConfig.world()).eval()
    save_model(tmp_path, vat)
    settings = GazeModelSettings(kind="video-vat", size="world")
    model = initial_gaze_model(settings, False, tmp_path, 0).eval()
    still = frames([4] * 6)  # of one picture, six times
    still = replace(still, head_box=still.head_box[:1].expand(6, 4), images=still.images[:1])
    still = replace(still, image_of=torch.zeros(6, dtype=torch.int64))
    still = replace(still, head_crop=still.head_crop[:1].expand(6, -1, -1, -1))
    still = replace(still, head_mask=still.head_mask[:1].expand(6, -1, -1, -1))
    before, after = vat(still).heatmap, model(still).heatmap
    error = (after - before).flatten(1).norm(dim=1) / before.flatten(1).norm(dim=1)
    assert error[-1] < 0.1 and error[0] < 0.2


def test_weights_of_a_memory_keep_the_signal_that_they_are_for(tmp_path: Path) -> None:
    settings = GazeModelSettings(kind="video-vat", size="world")
    started = initial_gaze_model(settings, False, None, 0)
    assert started.config.signal == started.convlstm_scene.signal == SIGNAL
    save_model(tmp_path / "released", VideoVAT(VideoVATConfig.world()))
    save_model(tmp_path / "ours", started)
    for folder, signal in (("released", 1.0), ("ours", SIGNAL)):
        model = initial_gaze_model(settings, False, tmp_path / folder, 0)
        assert model.config.signal == model.convlstm_scene.signal == signal
        assert load_model(tmp_path / folder).convlstm_scene.signal == signal


@pytest.mark.parametrize("build", [video_vat, video_vat_gc])
@torch.inference_mode()
def test_the_signal_goes_into_the_weights_of_the_released_layout(build: Callable) -> None:
    model = build()
    model.config = replace(model.config, signal=0.02)
    model.convlstm_scene.signal = 0.02
    folded = VideoVAT(model.released_config).eval()
    folded.load_state_dict(model.released_state())
    assert folded.convlstm_scene.signal == 1.0
    inputs = frames(prior=model.needs.prior)
    chunk, rest = torch.arange(3), torch.arange(3, 8)
    for part, memory in ((inputs, None), (inputs.people(chunk), None)):
        said, expected = folded(part.after(memory)), model(part.after(memory))
        near([said.heatmap, said.in_frame], [expected.heatmap, expected.in_frame])
    later = [
        one(inputs.people(rest).after(one(inputs.people(chunk)).memory)) for one in (folded, model)
    ]
    near([later[0].heatmap], [later[1].heatmap])
    assert (build()(inputs).heatmap - model(inputs).heatmap).abs().max() > 1e-3, (
        "the signal matters"
    )


def test_vat_starts_all_that_it_has(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    vat, model = VAT(VATConfig.world()), video_vat()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    save_model(tmp_path, vat)
    kind_of("video-vat").start(model, tmp_path)
    started = vat.state_dict()
    for name, value in model.state_dict().items():
        assert torch.equal(value, started.get(name, before[name])), name
    assert "convlstm_scene.weight_ih_l0" in capsys.readouterr().out
    with pytest.raises(InputError, match=r"no place for: .*bn_ds"):
        save_model(tmp_path, model)
        kind_of("vat").start(vat, tmp_path)


@torch.inference_mode()
def test_maps_are_refined_in_chunks_as_along_the_whole_track() -> None:
    model, inputs, rng = video_denoiser(), frames(), torch.Generator().manual_seed(1)
    prior = torch.rand(len(TRACK), 32, 32, generator=rng)
    way = Sampling(250, 2, Schedule(), SAMPLERS["reference"])
    noise = torch.randn(1, len(way.indices), len(TRACK), 32, 32, generator=rng)

    def refined(rows: Tensor, memory: TrackMemory | None) -> tuple[Tensor, TrackMemory]:
        part = replace(inputs.people(rows), memory=memory)
        context, carried = model.context_in_time(part)
        predict = partial(model.predict, context=context)
        return draws(predict, prior[rows], noise[:, :, rows], way)[0], carried

    whole, _ = refined(torch.arange(8), None)
    first, memory = refined(torch.arange(3), None)
    near([torch.cat([first, refined(torch.arange(3, 8), memory)[0]])], [whole])


@pytest.mark.slow
def test_the_workflow_trains_it_on_people_as_tracks_of_one_frame(tmp_path: Path) -> None:
    study, table = make_study(tmp_path / "study", train=12, test=3), tmp_path / "labels.parquet"
    write_table(split_labels(read_annotated(study.manifest), 40, 0.2, 0), table)
    model = GazeModelSettings("video-vat", "world")
    given = pictures_of(study, table)
    trained = replace(GAZE, model=model)
    save_model(tmp_path / "vat", VAT(VATConfig.world()))
    train_gaze_model(*given, None, None, tmp_path / "vat", trained, 0, CPU, tmp_path / "teacher")
    teacher = gcdr.load(tmp_path / "teacher").model
    assert isinstance(teacher, VideoVAT) and not teacher.config.inout
    before = initial_gaze_model(model, False, None, 0).convlstm_scene.weight_ih_l1
    assert not torch.equal(teacher.convlstm_scene.weight_ih_l1, before)


@pytest.mark.slow
def test_a_video_denoiser_is_not_taken_for_a_denoiser(tmp_path: Path) -> None:
    save_model(tmp_path / "model", video_denoiser())
    ready = PretrainedSettings(56, 32, "vat", 500, "linear")
    with pytest.raises(InputError, match="found a video denoiser, expected a denoiser as pretr"):
        take_pretrained("diffusion", tmp_path / "model", ready, tmp_path / "taken")
    for check in (
        lambda: check_pretrained(tmp_path / "model", "denoiser", ready),
        lambda: check_first_weights(tmp_path / "model/model.safetensors", "denoiser", "world"),
    ):
        with pytest.raises(InputError, match="holds video denoiser, expected"):
            check()


@pytest.mark.parametrize("start", ["vat-gc", "vat", "video-vat", None])
def test_vat_gc_in_time_starts_from_stills_and_films(
    start: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.manual_seed(1)
    sources = {"vat-gc": VAT(VATConfig.world(True)), "vat": VAT(VATConfig.world())}
    source = (sources | {"video-vat": VideoVAT(VideoVATConfig.world())}).get(start)
    if source is not None:
        save_model(tmp_path / "model", source)
    settings = GazeModelSettings(kind="video-vat", size="world")
    fresh = initial_gaze_model(settings, True, None, 0).state_dict()
    model = initial_gaze_model(settings, True, tmp_path / "model" if source else None, 0)
    assert model.needs.prior and model.needs.tracks
    state = source.state_dict() if source else {}
    attention = state.pop("attn.weight", None)
    for name, value in model.state_dict().items():
        if name != "attn.weight":
            assert torch.equal(value, state.get(name, fresh[name])), name
    if start == "vat-gc":
        assert torch.equal(model.attn.weight, attention)
    else:  # as VAT-GC of stills starts from VAT
        assert torch.equal(model.attn.weight, fresh["attn.weight"])
        assert ("attn.weight" in capsys.readouterr().out) == (source is not None)
    assert model.convlstm_scene.signal == (1.0 if start == "video-vat" else SIGNAL)
    with pytest.raises(InputError, match="Grad-CAM map: found none, the model takes one"):
        model(frames())


@torch.inference_mode()
def test_a_prior_map_matters_in_its_frame_and_those_after_it() -> None:
    model, inputs = video_vat_gc(), frames(prior=True)
    other = replace(inputs, prior=inputs.prior.clone())
    other.prior[2] = 0.0  # the second frame of track 4, whose later frames are 5 and 6
    differs = (model(other).heatmap - model(inputs).heatmap).flatten(1).abs().amax(1) > 0
    assert differs.nonzero().flatten().tolist() == [2, 5, 6]


def test_what_is_learned_in_time_includes_where_the_map_enters() -> None:
    with_map, without = video_vat_gc(), video_vat()
    for model in (with_map, without):
        learn_in_time(model)
    learned = {name for name, one in with_map.named_parameters() if one.requires_grad}
    plain = {name for name, one in without.named_parameters() if one.requires_grad}
    assert learned - plain == {"attn.weight", "attn.bias"} and plain < learned
    assert "fc_inout.weight" in plain and "conv1_scene.weight" not in plain


@pytest.mark.slow
def test_vat_gc_in_time_of_the_papers_size_goes_through_a_released_file(tmp_path: Path) -> None:
    model = VideoVAT(beginning(VideoVATConfig.paper(True)))
    assert sum(one.numel() for one in model.parameters()) == 99_289_786
    write_released(model, tmp_path / "film-gc.pt")
    again, facts = read_released(tmp_path / "film-gc.pt")
    assert facts["released"] == "Video VAT-GC" and again.config == VideoVATConfig.paper(True)
    assert known_model(tensor_shapes(tmp_path / "film-gc.pt")) == "Video VAT-GC"
    state = model.released_state()
    assert all(torch.equal(state[name], value) for name, value in again.state_dict().items())
    denoiser = VideoDenoiser(beginning(VideoDenoiserConfig.paper()))
    with pytest.raises(InputError, match=r"signal 0\.02, .* expected a denoiser that started from"):
        write_released(denoiser, tmp_path / "d.pt")
    write_released(VideoDenoiser(VideoDenoiserConfig.paper()), tmp_path / "d.pt")


def test_a_video_vat_stands_on_no_backbone(tmp_path: Path) -> None:
    state = {"conv1_scene.weight": torch.zeros(1), "convlstm_scene.bias_ih_l0": torch.zeros(1)}
    torch.save(state, tmp_path / "w.pt")
    with pytest.raises(InputError, match=r"w.pt: found a Video VAT, which stands on no frozen"):
        read_released(tmp_path / "w.pt", tmp_path / "dinov2.pth")
