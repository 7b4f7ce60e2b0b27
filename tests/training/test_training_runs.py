"""Training runs from files to files: Mean Teacher, direct mapping, redrawn labels, killed processes."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tiny_study
import torch
from tiny_study import (
    CPU,
    DIFFUSION,
    GAZE,
    LABELS,
    MAPS,
    REFINE,
    SAMPLING,
    Study,
    make_study,
    pictures_of,
)
from warm import warm_python

from gcdr.base.errors import InputError
from gcdr.data.cache import Samples
from gcdr.data.manifest import people_digest, read_annotated, read_people, write_table
from gcdr.data.originals import Originals
from gcdr.data.scratch import SCRATCH
from gcdr.data.shown import read_shown
from gcdr.data.split import VALIDATION, split_labels
from gcdr.data.stores import read_labels, write_labels
from gcdr.models.build import load_model
from gcdr.models.interface import GazeInputs
from gcdr.models.sizes import VATConfig
from gcdr.models.vat import VAT
from gcdr.refine.labels import make_labels, refinement_of
from gcdr.refine.maps import refine_maps, step_maps
from gcdr.refine.options import LabelSettings
from gcdr.training import resume
from gcdr.training.batches import batches_of, draw_batch
from gcdr.training.consistency import train_consistency_model
from gcdr.training.denoising import train_diffusion_model
from gcdr.training.gaze import train_gaze_model
from gcdr.training.mapping import train_mapping_model
from gcdr.training.online import train_online_student
from gcdr.training.recipes import (
    DiffusionConsistency,
    GazeConsistency,
    MappingTraining,
    MeanTeacher,
    OnlineTraining,
    Recipe,
)
from gcdr.training.targets import Targets

pytestmark = pytest.mark.slow

HELD = MeanTeacher(consistency=4000.0, labelled_per_batch=2, ramp_up=0, warm_up=1, steps=2)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    study = make_study(tmp_path_factory.mktemp("study"))
    labels = split_labels(read_annotated(study.manifest), 40, 0.2, 0)
    write_table(labels, study.folder / "labels.parquet")
    train_diffusion_model(
        *pictures_of(study, study.folder / "labels.parquet"), None, DIFFUSION, 0, CPU,
        study.folder / "diffusion",
    )  # fmt: skip
    return study


def label(
    study: Study, method: str, folder: str | None, prior: bool, settings: LabelSettings
) -> Path:
    out = study.folder / f"{method}.h5"
    make_labels(
        method, study.manifest, study.folder / "labels.parquet", "unlabelled", study.samples,
        study.prior if prior else None, study.folder / folder if folder else None,
        settings, 0, CPU, out,
    )  # fmt: skip
    return out


def test_two_views_share_window_and_flip(study: Study) -> None:
    path, larger, _ = pictures_of(study, study.folder / "labels.parquet")
    samples, originals = Samples.open(path), Originals.open(larger)
    ids = originals.sample_id[:6]
    targets = Targets(ids, np.full((6, 2), 0.4, np.float32))
    config = VATConfig.world()
    model = VAT(replace(config, towers=replace(config.towers, head_mask="padded")))
    both = ("random", "random")
    drawn = draw_batch(
        samples, originals, targets, ids, priors=None, rng=(0, "views", 1), views=both
    )
    first, second = batches_of(drawn, model, 3.0, CPU)
    assert torch.equal(first.target, second.target)
    assert torch.equal(first.inputs.head_box, second.inputs.head_box)
    assert not torch.equal(first.inputs.scene, second.inputs.scene)
    assert not torch.equal(first.inputs.head_crop, second.inputs.head_crop)
    assert not torch.equal(
        first.inputs.head_mask, second.inputs.head_mask
    )  # its jitter is the crop's


@pytest.mark.parametrize("family", ["gaze", "diffusion"])
@pytest.mark.slow
def test_mean_teacher_learns_from_the_unlabelled(study: Study, tmp_path: Path, family: str) -> None:
    chosen = Recipe(steps=2, batch=5, lr=0.01, ema=None)
    base = (
        GazeConsistency(GAZE.model, chosen, HELD, GAZE.sigma)
        if family == "gaze"
        else DiffusionConsistency(DIFFUSION.network, chosen, HELD, SAMPLING)
    )

    def train(name: str, **changes: object) -> bytes:
        made = replace(base, unlabelled=replace(HELD, **changes))
        labels = study.folder / "labels.parquet"
        train_consistency_model(*pictures_of(study, labels), None, made, 0, CPU, tmp_path / name)
        return (tmp_path / name / "model.safetensors").read_bytes()

    held = train("held")
    assert held == train("again")
    assert held != train("apart", consistency=0.0)
    assert held != train("averaged", keep="ema")


@pytest.mark.parametrize("family", ["gaze", "diffusion", "mapping", "mean teacher"])
def test_validation_people_change_the_log_alone(study: Study, tmp_path: Path, family: str) -> None:
    shown = study.folder / "labels.parquet"
    labels, moved = read_shown(shown), tmp_path / "labels.parquet"
    aside = labels["role"] == VALIDATION
    assert aside.any()
    labels.loc[aside, ["gaze_x", "gaze_y"]] = 1 - labels.loc[aside, ["gaze_x", "gaze_y"]]
    write_table(labels, moved)
    found = []
    for number, path in enumerate((shown, moved)):
        given, out = pictures_of(study, path), tmp_path / f"{number}"
        if family == "gaze":
            train_gaze_model(*given, None, study.prior, None, GAZE, 0, CPU, out)
        elif family == "diffusion":
            train_diffusion_model(*given, None, DIFFUSION, 0, CPU, out)
        elif family == "mapping":
            made = MappingTraining(DIFFUSION.network, Recipe(steps=2, batch=4, lr=0.01))
            train_mapping_model(*given, study.prior, None, made, 0, CPU, out)
        else:
            chosen = Recipe(steps=2, batch=5, lr=0.01, ema=None)
            diffusion = DiffusionConsistency(DIFFUSION.network, chosen, HELD, SAMPLING)
            train_consistency_model(*given, None, diffusion, 0, CPU, out)
        found.append(((out / "model.safetensors").read_bytes(), pd.read_csv(out / "log.csv")))
    (weights, log), (same, other) = found
    assert weights == same and log["loss"].equals(other["loss"])
    first, second = log["validation_loss"].iloc[-1], other["validation_loss"].iloc[-1]
    assert np.isfinite([first, second]).all() and first != second


def test_nobody_set_aside_is_no_validation_loss(study: Study, tmp_path: Path) -> None:
    labels = read_shown(study.folder / "labels.parquet")
    write_table(labels[labels["role"] != VALIDATION], tmp_path / "labels.parquet")
    given = pictures_of(study, tmp_path / "labels.parquet")
    train_gaze_model(*given, None, None, None, GAZE, 0, CPU, tmp_path / "vat")
    assert list(pd.read_csv(tmp_path / "vat/log.csv")) == ["step", "loss", "lr"]


@pytest.mark.parametrize("features", ["towers", "none"])
def test_direct_mapping(study: Study, tmp_path: Path, features: str) -> None:
    network = replace(DIFFUSION.network, features=features)
    made = MappingTraining(network, Recipe(steps=2, batch=4, lr=0.01))
    folder = study.folder / f"mapping-{features}"
    train_mapping_model(
        *pictures_of(study, study.folder / "labels.parquet"),
        study.prior,
        None,
        made,
        0,
        CPU,
        folder,
    )
    model = load_model(folder)
    seen = torch.rand(2, 32, 32)
    people = GazeInputs(
        images=torch.rand(2, 3, 56, 56),
        image_of=torch.arange(2),
        head_box=torch.rand(2, 4),
        head_crop=torch.rand(2, 3, 56, 56),
        head_mask=torch.rand(2, 1, 56, 56),
    )
    others = people.people(torch.tensor([1, 0]))
    one, two = (model(seen, torch.zeros(2), inputs) for inputs in (people, others))
    assert torch.equal(one, two) == (features == "none"), "blind to the picture, or not"
    store = label(
        study, f"direct-{features}", f"mapping-{features}", True, LabelSettings(MAPS, "mapping")
    )
    assert read_labels(store, people_digest(read_people(study.manifest))).valid.all()
    with pytest.raises(InputError, match="found a Denoiser, expected a gaze model"):
        label(study, "wrong", f"mapping-{features}", True, LabelSettings(MAPS, "gaze"))


@pytest.mark.slow
def test_redrawn_labels(study: Study, tmp_path: Path) -> None:
    """Several draws are averaged, taken in turn, or made in every batch; all students differ."""
    digest = people_digest(read_people(study.manifest))
    labels = study.folder / "labels.parquet"
    thrice = replace(LABELS, refine=replace(REFINE, draws=3))
    apart = replace(LABELS, refine=replace(REFINE, draws=3, redraw="sampled"))
    mean = label(study, "mean", "diffusion", True, thrice)
    drawn = label(study, "sampled", "diffusion", True, apart)
    raw = label(study, "raw", None, True, LabelSettings(MAPS))
    kept = read_labels(drawn, digest)
    assert kept.heatmap.shape[1:] == (3, 32, 32) and read_labels(mean, digest).heatmap.ndim == 3
    peaks = kept.heatmap.reshape(len(kept.heatmap), 3, -1).max(2)
    assert (peaks == 1).all(), "each draw is stretched by itself"
    half = replace(thrice, refine=replace(thrice.refine, precision="bf16"))
    rounded = read_labels(label(study, "half", "diffusion", True, half), digest).heatmap
    apart_by = np.abs(rounded - read_labels(mean, digest).heatmap)
    assert apart_by.max() > 0 and apart_by.mean() < 0.02
    weights = {}
    for name, store in (("mean", mean), ("sampled", drawn), ("raw", raw)):
        out = tmp_path / name
        train_gaze_model(*pictures_of(study, labels), store, None, None, GAZE, 0, CPU, out)
        weights[name] = (out / "model.safetensors").read_bytes()
    out, teacher = tmp_path / "online", study.folder / "diffusion"
    online = OnlineTraining(GAZE, replace(REFINE, redraw="online"))
    train_online_student(*pictures_of(study, labels), raw, teacher, None, online, 0, CPU, out)
    weights["online"] = (out / "model.safetensors").read_bytes()
    assert len(set(weights.values())) == 4


def test_every_step_of_a_refinement(study: Study) -> None:
    samples, model = Samples.open(study.samples), load_model(study.folder / "diffusion")
    ids = samples.sample_id[:3]
    gradcam = np.random.default_rng(0).random((3, 32, 32)).astype(np.float32)
    for timestep, visits in ((250, 2), (None, 2)):
        way = refinement_of(replace(REFINE, timestep=timestep), 0)
        steps = step_maps(model, samples, ids, gradcam, way, CPU)
        assert steps.shape == (visits, 3, 32, 32) and not torch.equal(steps[0], steps[1])
        assert torch.equal(
            steps[-1], refine_maps(model, samples, ids, gradcam, [way], CPU)[0].heatmap
        )


KILLED = """
import os, signal, sys
from pathlib import Path
import tiny_study
from gcdr.base.command import run
from gcdr.training import gaze, resume
number, steps, due = int(sys.argv[3]), 0, resume.Checkpoint.due
resume.SAVE_SECONDS = 0 if number == signal.SIGKILL else 1e9
def counted(self):
    global steps
    steps += 1
    if steps == (3 if number == signal.SIGKILL else 2):
        os.kill(os.getpid(), number)
    return due(self)
resume.Checkpoint.due = counted
folder, out = Path(sys.argv[1]), Path(sys.argv[2])
given = [folder / name for name in ("samples.h5", "labels.originals.h5", "labels.parquet")]
run(lambda: gaze.train_gaze_model(*given, None, None, None, tiny_study.GAZE, 0, tiny_study.CPU, out))
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_killed_process_goes_on_and_leaves_nothing_behind(
    study: Study,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
) -> None:
    """One that is asked to stop keeps its state first; it goes on elsewhere, on copies of what it reads."""
    labels, out = study.folder / "labels.parquet", tmp_path / "vat"
    train_gaze_model(
        *pictures_of(study, labels), None, None, None, GAZE, 0, CPU, tmp_path / "whole"
    )
    script = tmp_path / "killed.py"
    script.write_text(KILLED)
    command = [warm_python(), script, study.folder, out, str(int(number))]
    here = Path(tiny_study.__file__).parent
    path = os.pathsep.join(sys.path)
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    run = subprocess.run(command, cwd=here, env=environment, capture_output=True, text=True)
    assert run.returncode == (-9 if number == signal.SIGKILL else 128 + number), run.stderr
    assert not (out / "model.safetensors").exists()
    (state,) = tmp_path.glob(".vat.resume-*")
    monkeypatch.setenv(SCRATCH, str(tmp_path / "local"))
    train_gaze_model(*pictures_of(study, labels), None, None, None, GAZE, 0, CPU, out)
    assert "going on after step 2" in capsys.readouterr().out
    assert len([*(tmp_path / "local").glob("*/*.h5")]) == 2
    for name in ("model.safetensors", "log.csv"):
        assert (out / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert not state.exists() and not list(tmp_path.glob(".*"))


def test_state_of_other_settings_is_not_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "labels.parquet"
    pd.DataFrame({"a": [1]}).to_parquet(table)

    def folder(settings: dict) -> Path:
        with resume.resumable(tmp_path / "vat", settings, [table, None]) as checkpoint:
            checkpoint.write({}, {"step": 1})
            return checkpoint.path.parent

    first = folder({"lr": 1})
    assert folder({"lr": 1}) == first != folder({"lr": 2})
    with pytest.raises(KeyError), resume.resumable(tmp_path / "vat", {}, [table]) as kept:
        kept.write({}, {"step": 1})
        raise KeyError
    assert kept.path.exists()
    pd.DataFrame({"a": [2]}).to_parquet(table)
    with resume.resumable(tmp_path / "vat", {}, [table]) as other:
        assert other.path != kept.path and not kept.path.exists()
    assert f"{kept.path.parent}: the state of a stopped run with other" in capsys.readouterr().out


def test_a_state_is_that_of_a_run_that_was_moved(tmp_path: Path) -> None:
    """Copies of other dates are the same inputs, stores by the digest that they say; others are not."""
    ids, maps = np.arange(3), np.random.default_rng(0).random((3, 8, 8)) / 2

    def folder(name: str, when: float, change: float = 0.0) -> str:
        here = tmp_path / name
        here.mkdir()
        (here / "init.safetensors").write_bytes(b"w" * 100)
        write_labels(here / "pseudo.h5", ids, maps + change, ids >= 0, {}, people="p", made_by={})
        for path in here.iterdir():
            os.utime(path, (when, when))
        inputs: list[Path | None] = [here / "pseudo.h5", here / "init.safetensors"]
        with resume.resumable(here / "vat", {"lr": 1}, inputs) as checkpoint:
            return checkpoint.path.parent.name

    assert folder("a", 1e9) == folder("b", 1.5e9) != folder("c", 1e9, 0.5)
