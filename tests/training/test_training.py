"""The training loop: recipes, batches, Mean Teacher, and runs that are stopped and go on."""

import io
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from gcdr.base.errors import InputError
from gcdr.data.label_maps import LabelMaps
from gcdr.data.picture_rows import MappedRows
from gcdr.data.stores import read_labels, write_labels
from gcdr.models.interface import GazeInputs
from gcdr.models.sizes import VATConfig
from gcdr.models.vat import VAT
from gcdr.refine.diffusion import SAMPLERS, Sampling, Schedule, add_noise, trajectory
from gcdr.refine.maps import peak_maps, pseudo_labels
from gcdr.training.batches import compose
from gcdr.training.loop import fit, running_average, shuffled
from gcdr.training.recipes import MeanTeacher, Recipe
from gcdr.training.resume import Checkpoint
from gcdr.training.strategies import consistency_loss
from gcdr.training.targets import Targets, heatmap_targets, join, pseudo_targets

HELD = {"consistency": 4000.0, "labelled_per_batch": 2, "ramp_up": 5}
PAPER = {"schedule": "constant", "optimiser": "adam", "weight_decay": 0.0, "ema": None}


def recipe(**changes: object) -> Recipe:
    return Recipe.from_json({"steps": 6, "batch": 4, "lr": 0.1, **changes}, "recipe")


# Recipes


@pytest.mark.parametrize("changes", [{"steps": None}, {"epochs": 3}])
def test_length_is_in_steps_or_in_epochs(changes: dict) -> None:
    with pytest.raises(InputError, match=r"recipe: found steps .* exactly one of them"):
        recipe(**changes)


def test_papers_student_schedule() -> None:
    """25 epochs of the unlabelled 90 % in 60s, learning rate 2.5e-4, a fifth of it from epoch 15 on."""
    student = recipe(steps=None, epochs=25, lr=2.5e-4, decay_at=[15], **PAPER)
    per_epoch = 113_000 / 60
    assert student.length(per_epoch) == round(25 * per_epoch)
    before, after = round(15 * per_epoch) - 1, round(15 * per_epoch)
    rates = [student.lr * student.factor(step, per_epoch) for step in (0, before, after)]
    assert rates == pytest.approx([2.5e-4, 2.5e-4, 5e-5])


def train_line(chosen: Recipe, folder: Path, **how: object) -> tuple[nn.Module, list[float]]:
    """Fit a straight line with dropout (torch's own random state); the model and its losses."""
    torch.manual_seed(3)
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 1))
    data = torch.randn(40, 4, generator=torch.Generator().manual_seed(1))
    order = shuffled(np.arange(40), 6, 0, "line")
    stop, losses = how.pop("stop", None), []

    def loss_of_step(step: int) -> Tensor:
        if step == stop:
            raise KeyboardInterrupt
        rows = data[order(step)]
        losses.append(float(step))
        return torch.mean((model(rows)[:, 0] - rows.sum(1)) ** 2)

    return fit(model, loss_of_step, chosen, folder / "log.csv", "line", **how), losses


def bits(model: nn.Module) -> list[bytes]:
    return [value.numpy().tobytes() for value in model.state_dict().values()]


@pytest.mark.slow
@settings(max_examples=5)
@given(
    st.integers(0, 8),
    st.sampled_from([{}, PAPER, {"decay_at": [2], "optimiser": "adam"}]),
)
def test_killed_at_any_step_ends_in_the_same_bits(
    tmp_path_factory: pytest.TempPathFactory, stop: int, changes: dict
) -> None:
    folder, chosen = tmp_path_factory.mktemp("run"), recipe(steps=9, **changes)
    whole, steps = train_line(chosen, folder, per_epoch=5.0)
    log = (folder / "log.csv").read_text()
    checkpoint = folder / "state/state.pt"
    with pytest.raises(KeyboardInterrupt):
        train_line(chosen, folder, per_epoch=5.0, checkpoint=Checkpoint(checkpoint, 0), stop=stop)
    again, later = train_line(chosen, folder, per_epoch=5.0, checkpoint=Checkpoint(checkpoint, 0))
    assert bits(again) == bits(whole) and (folder / "log.csv").read_text() == log
    assert later == steps[stop:]


@pytest.mark.slow
def test_people_set_aside_are_looked_at_and_decide_nothing(tmp_path: Path) -> None:
    """Their loss is logged at some of the steps, asked of the kept model in eval mode."""
    asked: list[bool] = []

    def held_out(model: nn.Module) -> float:
        asked.append(any(part.training for part in model.modules()))
        model(torch.ones(3, 4))  # dropout and statistics would draw and move, in train mode
        return 0.5 + len(asked)

    chosen = recipe(steps=50, ema=0.9)
    (tmp_path / "bare").mkdir()
    whole, _ = train_line(chosen, tmp_path / "bare")
    looked, _ = train_line(chosen, tmp_path, held_out=held_out)
    assert bits(looked) == bits(whole) and asked == [False] * 3
    lines = [line.split(",") for line in (tmp_path / "log.csv").read_text().splitlines()]
    assert [line[3] for line in lines] == ["validation_loss", "1.5", "2.5", "3.5"]
    bare = (tmp_path / "bare/log.csv").read_text().splitlines()
    assert [line[:3] for line in lines] == [line.split(",") for line in bare]
    long = recipe(steps=1000, ema=None)
    train_line(long, tmp_path, held_out=held_out)
    lines = [line.split(",") for line in (tmp_path / "log.csv").read_text().splitlines()[1:]]
    assert len(lines) == 50 and sum(bool(line[3]) for line in lines) == 25 and lines[-1][3]


def test_damaged_state_begins_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole, _ = train_line(recipe(), tmp_path)
    for content in (b"not a state", _saved({"parts": {}}), _saved([1])):
        (tmp_path / "state.pt").write_bytes(content)
        again, _ = train_line(recipe(), tmp_path, checkpoint=Checkpoint(tmp_path / "state.pt", 1e9))
        assert bits(again) == bits(whole) and "beginning again" in capsys.readouterr().out


def _saved(content: object) -> bytes:
    file = io.BytesIO()
    torch.save(content, file)
    return file.getvalue()


@pytest.mark.slow
def test_a_flipped_bit_of_a_state_is_never_taken_for_weights(tmp_path: Path) -> None:
    """It is left aside, or it changed nothing that is read."""
    layer, progress = torch.nn.Linear(4, 4), {"step": 3, "losses": [0.5]}
    kept = Checkpoint(tmp_path / "state.pt", 0)
    kept.write({"layer": layer}, progress)
    whole = kept.path.read_bytes()
    draw = np.random.default_rng(0)
    left = 0
    for place, bit in zip(
        draw.integers(len(whole), size=200), draw.integers(8, size=200), strict=True
    ):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << bit
        kept.path.write_bytes(damaged)
        other = torch.nn.Linear(4, 4)
        read = kept.read({"layer": other})
        left += read is None
        if read is not None:
            assert read == progress and torch.equal(other.weight, layer.weight)
            assert torch.equal(other.bias, layer.bias)
    assert 20 < left < 200


def test_without_average_the_last_weights_are_kept(tmp_path: Path) -> None:
    last, _ = train_line(recipe(ema=None), tmp_path)
    copied, _ = train_line(recipe(ema=0.0), tmp_path)
    averaged, _ = train_line(recipe(ema=0.9), tmp_path)
    assert bits(last)[0] == bits(copied)[0] != bits(averaged)[0]


def test_half_precision_ends_with_the_training(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = VAT(VATConfig.world())
    inputs = GazeInputs(
        images=torch.randn(2, 3, 56, 56),
        image_of=torch.arange(2),
        head_box=torch.zeros(2, 4),
        head_crop=torch.randn(2, 3, 56, 56),
        head_mask=torch.zeros(2, 1, 56, 56),
    )
    target, seen = torch.rand(2, 32, 32), []
    average = running_average(model, 0.9)
    before = model.conv1_scene.weight.detach().clone()

    def loss_of_step(step: int) -> Tensor:
        seen.append((model.precision, average.module.precision))
        return torch.mean((model(inputs).heatmap - target) ** 2)

    half, log = recipe(steps=2, precision="bf16"), tmp_path / "log.csv"
    kept = fit(model, loss_of_step, half, log, "VAT", average=average)
    assert seen == [(torch.bfloat16, torch.bfloat16)] * 2  # Mean Teacher asks the average as well
    assert model.precision == torch.float32 == kept(inputs).heatmap.dtype
    assert average.module.precision == torch.float32
    assert kept.conv1_scene.weight.dtype == torch.float32
    assert not torch.equal(kept.conv1_scene.weight, before)


def test_a_gpu_that_is_full_is_named_with_what_helps(tmp_path: Path) -> None:
    def loss(step: int) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    said = "line: found a GPU whose memory does not suffice for a batch of 4; expected .* such as 2"
    with pytest.raises(InputError, match=said):
        fit(
            torch.nn.Linear(1, 1),
            loss,
            Recipe(lr=1, batch=4, steps=2),
            tmp_path / "log.csv",
            "line",
        )


def test_loss_that_is_not_finite_is_named(tmp_path: Path) -> None:
    model = nn.Linear(1, 1)

    def loss_of_step(step: int) -> Tensor:
        return model(torch.full((1, 1), torch.nan if step == 2 else 1.0)).sum()

    with pytest.raises(InputError, match="line: the loss is nan at step 3"):
        fit(model, loss_of_step, recipe(), tmp_path / "log.csv", "line")
    assert not list(tmp_path.iterdir())


def test_last_update_that_diverges_is_named(tmp_path: Path) -> None:
    model = nn.Linear(1, 1)

    def loss_of_step(step: int) -> Tensor:  # finite, of infinite slope
        return torch.sqrt(0.0 * model(torch.ones(1, 1))).sum()

    with pytest.raises(InputError, match="line, after 1 steps: weight is not finite"):
        fit(model, loss_of_step, recipe(steps=1), tmp_path / "log.csv", "line")
    assert not list(tmp_path.iterdir())


# Batches


@settings(max_examples=30)
@given(st.integers(1, 30), st.integers(1, 50), st.integers(0, 40))
def test_order_is_a_function_of_the_step(people: int, count: int, step: int) -> None:
    ids = np.arange(people) * 3
    order = shuffled(ids, count, 5, "anything")
    late = order(step)
    early = np.concatenate([order(k) for k in range(step + 1)])
    assert (early[-count:] == late).all()
    whole = len(early) // people * people
    assert (np.sort(early[:whole].reshape(-1, people), 1) == ids).all()


def people(first: int, count: int) -> Targets:
    return Targets(np.arange(first, first + count), np.full((count, 2), 0.5, np.float32))


def test_composition_of_a_batch() -> None:
    labelled = people(0, 30)
    pseudo = heatmap_targets(np.arange(30, 270), np.zeros((240, 4, 4), np.float32))
    held = compose(labelled, pseudo, 80, 20, 0)
    assert [(held.ids(step) < 30).sum() for step in range(9)] == [20] * 9
    assert held.per_epoch == 240 / 60
    mixed = compose(labelled, pseudo, 90, None, 0)
    assert (np.sort(np.concatenate([mixed.ids(step) for step in range(3)])) == np.arange(270)).all()
    assert mixed.per_epoch == 270 / 90
    assert compose(labelled, None, 10, None, 0).per_epoch == 3


@pytest.mark.parametrize(
    ("batch", "places", "said"),
    [
        (80, 80, "labelled_per_batch: found 80, expected 1 to 79"),
        (80, 0, "labelled_per_batch: found 0, expected 1 to 79"),
    ],
)
def test_batches_that_cannot_be_filled(batch: int, places: int, said: str) -> None:
    pseudo = heatmap_targets(np.arange(30, 270), np.zeros((240, 4, 4), np.float32))
    with pytest.raises(InputError, match=said):
        compose(people(0, 30), pseudo, batch, places, 0)


@settings(max_examples=30)
@given(
    st.integers(1, 12), st.integers(1, 30), st.integers(2, 40), st.integers(1, 39), st.booleans()
)
def test_batches_follow_the_people(
    known: int, rest: int, batch: int, places: int, mixed: bool
) -> None:
    """A kind without enough people is in every batch as a whole."""
    places = min(places, batch - 1)
    pseudo = heatmap_targets(np.arange(known, known + rest), None)
    made = compose(people(0, known), pseudo, batch, None if mixed else places, 0)
    ids = made.ids(3)
    if mixed:
        assert len(ids) == min(batch, known + rest)
    else:
        assert (ids < known).sum() == min(known, places)
        assert known > places or set(ids[ids < known]) == set(range(known))
        assert (ids >= known).sum() == min(rest, batch - places)
        assert made.per_epoch == rest / min(rest, batch - places)
    assert len(compose(people(0, known), None, batch, None, 0).ids(0)) == min(known, batch)


def test_small_batches_are_told_and_nobody_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    compose(people(0, 7), None, 64, None, 0)
    assert "found 7 labelled people for 64 places" in capsys.readouterr().out
    with pytest.raises(InputError, match="found 0 pseudo-labelled people"):
        compose(people(0, 7), heatmap_targets(np.arange(0), None), 8, 4, 0)


def test_label_counts_where_a_person_has_both() -> None:
    maps = np.ones((3, 2, 4, 4), np.float32) * np.array([1, 2], np.float32)[:, None, None]
    both = join(people(1, 2), heatmap_targets(np.array([0, 1, 5]), maps))
    assert both.sample_id.tolist() == [0, 1, 2, 5]
    assert np.isnan(both.gaze[:, 0]).tolist() == [True, False, False, True]
    rng = torch.Generator().manual_seed(0)
    taken = {float(both.maps(np.array([0]), rng)[0, 0, 0]) for _ in range(20)}
    assert taken == {1.0, 2.0}, "each batch takes one of the stored draws"


# Labels


def test_no_label_is_made_of_flat_or_broken_maps() -> None:
    maps = torch.rand(5, 2, 4, 4)
    maps[1, 0], maps[2, 1], maps[3, 0, 0, 0] = 0.5, torch.inf, torch.nan
    labels, valid = pseudo_labels(maps, np.array([True, True, True, True, False]))
    assert valid.tolist() == [True, False, False, False, False]
    assert np.isfinite(labels).all() and not labels[1:].any() and labels[0].max() == 1
    flat = peak_maps(torch.stack([maps[1, 0], maps[0, 0]]), 1.0)
    assert pseudo_labels(flat, None)[1].tolist() == [False, True]
    low, usable = pseudo_labels(maps, None, stretch=False)
    kept = maps.clamp(0, 1).numpy()[usable]
    assert (low[usable] == kept).all() and (low[~usable] == 0).all()


def test_last_step_and_every_step() -> None:
    """The step to index 0 ends where a heatmap noised to it without noise would lie."""
    heatmap = torch.rand(2, 8, 8)
    noise = torch.randn(2, 2, 8, 8)
    schedule, named = Schedule(), SAMPLERS["consistent"]

    def steps(last: str) -> list[Tensor]:
        way = Sampling(None, 2, schedule, replace(named, last_alpha=last))
        return list(trajectory(lambda *_: heatmap, None, noise, way))

    assert len(steps("one")) == 2 and all(torch.equal(found, heatmap) for found in steps("one"))
    state = steps("first")[-1]
    still = add_noise(schedule, heatmap, torch.zeros(2, dtype=torch.long), torch.zeros(2, 8, 8))
    assert 0 < (state - still).abs().max() < 0.03


# Mean Teacher


def test_ramp_up_is_the_released_one() -> None:
    held = MeanTeacher.from_json(HELD)
    found = [held.weight(round(epoch * 7.3) + 1, 7.3) for epoch in range(7)]
    assert found == pytest.approx([26.95, 163.0, 661.2, 1797.3, 3274.9, 4000, 4000], rel=1e-3)
    assert MeanTeacher.from_json({**HELD, "ramp_up": 0}).weight(0, 7.3) == 4000


def test_average_copies_at_first_and_then_keeps() -> None:
    """Decay min(1 - 1 / (k + 1), 0.99), k = step // 15: a copy for 15 steps, 0.99 from step 1485."""
    model = nn.Linear(1, 1, bias=False)
    average = running_average(model, 0.99, 15)
    kept = []
    for step in range(1500):
        with torch.no_grad():
            model.weight.fill_(1.0 if step in (0, 14, 15, 1484, 1485) else 0.0)
            average.module.weight.fill_(0.0)
        average.update_parameters(model)
        kept.append(float(average.module.weight.detach()))
    assert [kept[step] for step in (0, 14, 15)] == pytest.approx([1, 1, 0.5])
    assert [kept[step] for step in (1484, 1485)] == pytest.approx([1 / 99, 0.01], rel=1e-4)


def test_consistency_is_the_divergence_of_distributions_over_cells() -> None:
    student, teacher = torch.randn(3, 4, 4), torch.randn(3, 4, 4)
    p, q = (torch.distributions.Categorical(logits=m.flatten(1)) for m in (teacher, student))
    expected = torch.distributions.kl_divergence(p, q).mean()
    assert torch.isclose(consistency_loss(student, teacher, "kl"), expected, atol=1e-6)
    assert (
        consistency_loss(teacher, teacher, "kl") == consistency_loss(student, student, "mse") == 0
    )


def label_store(path: Path, ids: np.ndarray, maps: np.ndarray) -> Path:
    write_labels(path, ids, maps, np.arange(len(ids)) != 1, {}, people="abc", made_by={})
    return path


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("draws", [(), (3,)])
def test_maps_of_a_store_stay_in_their_file(tmp_path: Path, chunked: bool, draws: tuple) -> None:
    """Joined with labelled people they are what the store holds, of earlier stores in chunks as well."""
    ids = np.array([2, 3, 5, 9])
    maps = np.random.default_rng(0).random((4, *draws, 8, 8), np.float32)
    path = label_store(tmp_path / "l.h5", ids, maps)
    if chunked:
        with h5py.File(path, "a") as file:
            held = file["heatmap"][:]
            del file["heatmap"]
            file.create_dataset("heatmap", data=held, chunks=(1, *held.shape[1:]))
    store = LabelMaps.open(path, "abc")
    assert isinstance(store.stored, np.ndarray if chunked else MappedRows)
    whole = read_labels(path, "abc")
    pseudo = Targets(ids[store.valid], np.full((3, 2), np.nan), store, np.flatnonzero(store.valid))
    both = join(people(4, 2), pseudo)
    assert both.heatmap is store, "no copy"
    asked = np.array([9, 4, 2, 5])
    taken = both.without(np.array([2])).maps(asked[[0, 1, 3]], torch.Generator().manual_seed(0))
    assert taken.dtype == torch.float32 and not taken[1:].any(), "5 and 4 have labels"
    assert any(np.array_equal(taken[0], drawn) for drawn in whole.heatmap[3].reshape(-1, 8, 8))


def test_a_damaged_map_is_refused_when_it_is_taken(tmp_path: Path) -> None:
    maps = np.random.default_rng(0).random((4, 8, 8), np.float32)
    path = label_store(tmp_path / "l.h5", np.arange(4), maps)
    content = path.read_bytes()
    place = content.index(maps[3].astype(np.float16).tobytes())
    path.write_bytes(content[:place] + b"spoiled" + content[place + 7 :])
    store = LabelMaps.open(path, "abc")
    assert (store[np.array([2, 0])] == maps[[2, 0]].astype(np.float16)).all()
    with pytest.raises(InputError, match=r"l\.h5: row 3 of heatmap is not what was written"):
        store[np.array([2, 3])]


@given(
    keep=st.floats(0.01, 1),
    doubt=st.lists(st.floats(0, 1), min_size=1, max_size=30),
    lost=st.integers(0, 29),
)
def test_the_surest_labels_are_kept(
    tmp_path_factory: pytest.TempPathFactory, keep: float, doubt: list[float], lost: int
) -> None:
    """So many of those that are valid, none surer left out, and an expected error goes before entropy."""
    path, count = tmp_path_factory.mktemp("kept") / "labels.h5", len(doubt)
    ids, valid = np.arange(count), np.arange(count) != lost
    told = {"entropy": 1 - np.array(doubt), "expected_error": np.array(doubt)}
    write_labels(path, ids, np.ones((count, 4, 4)), valid, told, people="p", made_by={})
    cache: Any = SimpleNamespace(people="p", readable=lambda asked, _: np.ones(len(asked), bool))
    if not valid.any():
        return
    kept = pseudo_targets(path, cache, keep=keep).sample_id
    assert len(kept) == (max(1, round(keep * valid.sum())) if keep < 1 else valid.sum())
    assert set(kept) <= set(ids[valid]) and np.all(np.diff(kept) > 0)
    others = np.setdiff1d(ids[valid], kept)
    values = np.array(doubt, np.float32)
    assert not len(others) or values[kept].max() <= values[others].min()


def test_of_labels_that_are_expected_to_err_alike_entropy_decides(tmp_path: Path) -> None:
    path, ids = tmp_path / "labels.h5", np.arange(4)
    doubt = {"entropy": np.array([0.9, 0.2, 0.8, 0.1]), "expected_error": np.full(4, 0.2)}
    write_labels(path, ids, np.ones((4, 4, 4)), ids >= 0, doubt, people="p", made_by={})
    cache: Any = SimpleNamespace(people="p", readable=lambda asked, _: np.ones(len(asked), bool))
    assert pseudo_targets(path, cache, keep=0.5).sample_id.tolist() == [1, 3]


def test_labels_that_say_nothing_of_doubt_are_all_taken_or_refused(tmp_path: Path) -> None:
    path, ids = tmp_path / "labels.h5", np.arange(3)
    write_labels(path, ids, np.ones((3, 4, 4)), ids >= 0, {}, people="p", made_by={})
    cache: Any = SimpleNamespace(people="p", readable=lambda asked, _: np.ones(len(asked), bool))
    assert len(pseudo_targets(path, cache).sample_id) == 3
    with pytest.raises(InputError, match="does not say how sure its labels are"):
        pseudo_targets(path, cache, keep=0.5)
