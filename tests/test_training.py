"""The training loop: recipes, batches, Mean Teacher, and runs that are stopped and go on."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_study import CPU, DIFFUSION, GAZE, REFINE, Study, make_study
from torch import Tensor, nn

from gcdr.diffusion import SAMPLERS, Schedule, add_noise, trajectory
from gcdr.errors import InputError
from gcdr.labelling import make_labels, refinement_of
from gcdr.labels import split_labels
from gcdr.manifest import people_digest, read_annotated, read_people, write_table
from gcdr.models.build import load_model
from gcdr.refine import peak_maps, pseudo_labels, refine_maps, step_maps
from gcdr.samples import Samples
from gcdr.stores import read_labels
from gcdr.training import resume
from gcdr.training.batches import Targets, compose, heatmap_targets, join, two_views
from gcdr.training.diffusion_runs import train_diffusion_model
from gcdr.training.loop import Recipe, fit, running_average, shuffled
from gcdr.training.mapping_runs import train_mapping_model
from gcdr.training.mean_teacher import MeanTeacher, consistency_loss
from gcdr.training.mean_teacher_runs import train_mean_teacher_model
from gcdr.training.online_runs import train_online_student
from gcdr.training.resume import Checkpoint
from gcdr.training.runs import train_gaze_model

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


@settings(deadline=None, max_examples=5)
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


def test_damaged_state_begins_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole, _ = train_line(recipe(), tmp_path)
    (tmp_path / "state.pt").write_bytes(b"not a state")
    again, _ = train_line(recipe(), tmp_path, checkpoint=Checkpoint(tmp_path / "state.pt", 1e9))
    assert bits(again) == bits(whole) and "beginning again" in capsys.readouterr().out


def test_without_average_the_last_weights_are_kept(tmp_path: Path) -> None:
    last, _ = train_line(recipe(ema=None), tmp_path)
    copied, _ = train_line(recipe(ema=0.0), tmp_path)
    averaged, _ = train_line(recipe(ema=0.9), tmp_path)
    assert bits(last)[0] == bits(copied)[0] != bits(averaged)[0]


def test_loss_that_is_not_finite_is_named(tmp_path: Path) -> None:
    model = nn.Linear(1, 1)

    def loss_of_step(step: int) -> Tensor:
        return model(torch.full((1, 1), torch.nan if step == 2 else 1.0)).sum()

    with pytest.raises(InputError, match="line: the loss is nan at step 3"):
        fit(model, loss_of_step, recipe(), tmp_path / "log.csv", "line")
    assert not list(tmp_path.iterdir())


# Batches


@settings(deadline=None, max_examples=30)
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
        (80, 31, "found 30 labelled people, fewer than the 31 of a batch"),
        (80, 80, "labelled_per_batch: found 80, expected 1 to 79"),
        (80, 0, "labelled_per_batch: found 0, expected 1 to 79"),
        (300, 20, "found 240 pseudo-labelled people, fewer than the 280 of a batch"),
    ],
)
def test_batches_that_cannot_be_filled(batch: int, places: int, said: str) -> None:
    pseudo = heatmap_targets(np.arange(30, 270), np.zeros((240, 4, 4), np.float32))
    with pytest.raises(InputError, match=said):
        compose(people(0, 30), pseudo, batch, places, 0)


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


def test_last_step_and_every_step() -> None:
    """The step to index 0 ends where a heatmap noised to it without noise would lie."""
    heatmap = torch.rand(2, 8, 8)
    noise = torch.randn(2, 2, 8, 8)
    schedule, named = Schedule(), SAMPLERS["consistent"]

    def steps(last: str) -> list[Tensor]:
        sampler = replace(named, last_alpha=last)
        return list(trajectory(lambda *_: heatmap, None, 500, 2, noise, schedule, sampler))

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


# Runs, from files to files


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    study = make_study(tmp_path_factory.mktemp("study"))
    labels = split_labels(read_annotated(study.manifest), 40, 0.2, 0)
    write_table(labels, study.folder / "labels.parquet")
    train_diffusion_model(
        study.samples, study.folder / "labels.parquet", None, DIFFUSION, 0, CPU,
        study.folder / "diffusion",
    )  # fmt: skip
    return study


def label(study: Study, method: str, folder: str | None, prior: bool, **changes: object) -> Path:
    out = study.folder / f"{method}.h5"
    make_labels(
        method, study.manifest, study.folder / "labels.parquet", "unlabelled", study.samples,
        study.prior if prior else None, study.folder / folder if folder else None,
        {**REFINE, **changes}, 0, CPU, out,
    )  # fmt: skip
    return out


def test_two_views_share_window_and_flip(study: Study) -> None:
    samples = Samples.open(study.samples)
    ids = samples.sample_id[:6]
    targets = Targets(ids, np.full((6, 2), 0.4, np.float32))
    first, second = two_views(
        samples, targets, ids, gradcams=None, map_size=32, sigma=3.0, device=CPU, rng=(0, "views", 1)
    )  # fmt: skip
    assert torch.equal(first.target, second.target)
    assert not torch.equal(first.scene, second.scene)
    assert not torch.equal(first.head_crop, second.head_crop)


@pytest.mark.parametrize("family", ["gaze", "diffusion"])
def test_mean_teacher_learns_from_the_unlabelled(study: Study, tmp_path: Path, family: str) -> None:
    base = GAZE if family == "gaze" else {**DIFFUSION, **REFINE}
    chosen = {"steps": 2, "batch": 5, "lr": 0.01, "ema": None}

    def train(name: str, **changes: object) -> bytes:
        held = {**HELD, "ramp_up": 0, "warm_up": 1, "steps": 2, **changes}
        made = {**base, "recipe": chosen, "mean_teacher": held}
        labels = study.folder / "labels.parquet"
        train_mean_teacher_model(family, study.samples, labels, None, made, 0, CPU, tmp_path / name)
        return (tmp_path / name / "model.safetensors").read_bytes()

    held = train("held")
    assert held == train("again")
    assert held != train("apart", consistency=0.0)
    assert held != train("averaged", kept="ema")


@pytest.mark.parametrize("features", ["towers", "none"])
def test_direct_mapping(study: Study, tmp_path: Path, features: str) -> None:
    made = {**DIFFUSION, "recipe": {"steps": 2, "batch": 4, "lr": 0.01}, "layer": 1}
    folder = study.folder / f"mapping-{features}"
    train_mapping_model(
        study.samples, study.folder / "labels.parquet", study.prior, None,
        {**made, "features": features}, 0, CPU, folder,
    )  # fmt: skip
    model = load_model(folder)
    seen = torch.rand(2, 32, 32)
    pictures = [(torch.rand(2, 3, 56, 56), torch.rand(2, 1, 56, 56), torch.rand(2, 3, 56, 56))] * 2
    pictures[1] = tuple(part.flip(0) for part in pictures[1])
    one, two = (model(seen, torch.zeros(2), *inputs) for inputs in pictures)
    assert torch.equal(one, two) == (features == "none"), "blind to the picture, or not"
    store = label(study, f"direct-{features}", f"mapping-{features}", True, teacher="mapping")
    assert read_labels(store, people_digest(read_people(study.manifest))).valid.all()
    with pytest.raises(InputError, match="found a Denoiser, expected a VAT"):
        label(study, "wrong", f"mapping-{features}", True, teacher="gaze")


def test_redrawn_labels(study: Study, tmp_path: Path) -> None:
    """Several draws are averaged, taken in turn, or made in every batch; all students differ."""
    digest = people_digest(read_people(study.manifest))
    labels = study.folder / "labels.parquet"
    mean = label(study, "mean", "diffusion", True, draws=3)
    drawn = label(study, "sampled", "diffusion", True, draws=3, redraw="sampled")
    raw = label(study, "raw", None, True, teacher=None)
    kept = read_labels(drawn, digest)
    assert kept.heatmap.shape[1:] == (3, 32, 32) and read_labels(mean, digest).heatmap.ndim == 3
    peaks = kept.heatmap.reshape(len(kept.heatmap), 3, -1).max(2)
    assert (peaks == 1).all(), "each draw is stretched by itself"
    weights = {}
    for name, store in (("mean", mean), ("sampled", drawn), ("raw", raw)):
        out = tmp_path / name
        train_gaze_model(study.samples, labels, store, None, None, GAZE, 0, CPU, out)
        weights[name] = (out / "model.safetensors").read_bytes()
    out, teacher = tmp_path / "online", study.folder / "diffusion"
    online = {**GAZE, "refine": {**REFINE, "redraw": "online"}}
    train_online_student(study.samples, labels, raw, teacher, None, online, 0, CPU, out)
    weights["online"] = (out / "model.safetensors").read_bytes()
    assert len(set(weights.values())) == 4


def test_every_step_of_a_refinement(study: Study) -> None:
    samples, model = Samples.open(study.samples), load_model(study.folder / "diffusion")
    ids = samples.sample_id[:3]
    gradcam = np.random.default_rng(0).random((3, 32, 32)).astype(np.float32)
    for timestep, visits in ((250, 2), (None, 2)):
        way = refinement_of(REFINE, timestep, 0)
        steps = step_maps(model, samples, ids, gradcam, way, CPU)
        assert steps.shape == (visits, 3, 32, 32) and not torch.equal(steps[0], steps[1])
        assert torch.equal(steps[-1], refine_maps(model, samples, ids, gradcam, [way], CPU)[0])


KILLED = """
import os, signal, sys
from pathlib import Path
import tiny_study
from gcdr.training import resume, runs
resume.SAVE_SECONDS, steps = 0, 0
write = resume.Checkpoint.write
def counted(self, *state):
    global steps
    write(self, *state)
    steps += 1
    if steps == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
resume.Checkpoint.write = counted
folder, out = Path(sys.argv[1]), Path(sys.argv[2])
runs.train_gaze_model(folder / "samples.h5", folder / "labels.parquet", None, None, None,
                      tiny_study.GAZE, 0, tiny_study.CPU, out)
"""


def test_killed_process_goes_on_and_leaves_nothing_behind(
    study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels, out = study.folder / "labels.parquet", tmp_path / "vat"
    train_gaze_model(study.samples, labels, None, None, None, GAZE, 0, CPU, tmp_path / "whole")
    command = [sys.executable, "-c", KILLED, str(study.folder), str(out), "2"]
    here = Path(__file__).parent
    assert subprocess.run(command, cwd=here, capture_output=True).returncode == -9
    assert not (out / "model.safetensors").exists()
    (state,) = tmp_path.glob(".vat.resume-*")
    train_gaze_model(study.samples, labels, None, None, None, GAZE, 0, CPU, out)
    assert "going on after step 2" in capsys.readouterr().out
    for name in ("model.safetensors", "log.csv"):
        assert (out / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert not state.exists() and not list(tmp_path.glob(".*"))


def test_state_of_other_settings_is_not_taken(tmp_path: Path) -> None:
    table = tmp_path / "labels.parquet"
    pd.DataFrame({"a": [1]}).to_parquet(table)

    def folder(settings: dict) -> Path:
        with resume.resumable(tmp_path / "vat", settings, [table, None], []) as checkpoint:
            checkpoint.write({}, {"step": 1})
            return checkpoint.path.parent

    first = folder({"lr": 1})
    assert folder({"lr": 1}) == first != folder({"lr": 2})
    with pytest.raises(KeyError), resume.resumable(tmp_path / "vat", {}, [table], []) as kept:
        kept.write({}, {"step": 1})
        raise KeyError
    assert kept.path.exists()
    pd.DataFrame({"a": [2]}).to_parquet(table)
    with resume.resumable(tmp_path / "vat", {}, [table], []) as other:
        assert other.path != kept.path and not kept.path.exists()
