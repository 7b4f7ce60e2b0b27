"""Labels that are made a block of people at a time: what was killed goes on, and ends in the same bits."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny_study
import torch
from tiny_study import CPU, DIFFUSION, GAZE, LABELS, MAPS, REFINE, Study, make_study, pictures_of
from warm import warm_python

from gcdr.base.files import write_sealed
from gcdr.data.cache import Samples
from gcdr.data.heatmaps import spread
from gcdr.data.manifest import people_digest, read_annotated, read_people, write_table
from gcdr.data.prior_maps import prior_maps
from gcdr.data.split import split_labels
from gcdr.data.stores import Store, read_labels
from gcdr.models.build import load_model, read_card, save_model
from gcdr.predictor import predictor
from gcdr.predictor.predictor import Predictor, load_gaze_model
from gcdr.refine import label_blocks
from gcdr.refine.choice import FORMAT
from gcdr.refine.labels import make_labels, refinement_of, trust_columns
from gcdr.refine.maps import pseudo_labels, refine_maps
from gcdr.refine.options import LabelSettings
from gcdr.training.denoising import train_diffusion_model
from gcdr.training.gaze import train_gaze_model
from gcdr.training.recipes import GazeModelSettings

DRAWN = replace(LABELS, refine=replace(REFINE, draws=2, redraw="sampled"))
LOOKED = LabelSettings(MAPS, "gaze")


class Killed(BaseException):
    """In the place of a signal."""


def study_of(folder: Path, film: int | None) -> Study:
    """A study with a diffusion model and a gaze model; of films, both follow tracks."""
    study = make_study(folder, 24, 6, film=film)
    split = split_labels(
        read_annotated(study.manifest), 40, 0, 0, by="sequence" if film else "image"
    )
    write_table(split, folder / "labels.parquet")
    given = pictures_of(study, folder / "labels.parquet")
    diffusion = replace(DIFFUSION, recipe=replace(DIFFUSION.recipe, steps=1))
    gaze = replace(GAZE, recipe=replace(GAZE.recipe, steps=1))
    if film:
        network = replace(DIFFUSION.network, tracks=True)
        recipe = replace(diffusion.recipe, frames=3, batch=6)
        diffusion = replace(diffusion, network=network, recipe=recipe)
        model = GazeModelSettings("video-vat", "world")
        gaze = replace(gaze, model=model, recipe=replace(gaze.recipe, frames=3))
    train_diffusion_model(*given, None, diffusion, 0, CPU, folder / "diffusion")
    train_gaze_model(*given, None, None, None, gaze, 0, CPU, folder / "vat")
    for name in ("diffusion", "vat") if film else ():
        model = load_model(folder / name)
        with torch.no_grad():
            for key, weight in model.named_parameters():
                if "convlstm" in key:
                    weight.mul_(5)  # after a step it remembers next to nothing
        save_model(folder / name, model, read_card(folder / name))
    return study


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Study]:
    films = tmp_path_factory.mktemp("films")
    return {
        "pictures": study_of(tmp_path_factory.mktemp("pictures"), None),
        "films": study_of(films, 6),
    }


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of 8, so that 30 people are several; tracks then go in blocks of one frame each."""
    monkeypatch.setattr(predictor, "BLOCK", 8)
    monkeypatch.setattr(label_blocks, "BLOCK", 8)


def label(study: Study, settings: LabelSettings, out: Path, choice: Path | None = None) -> Store:
    teacher = {"diffusion": "diffusion", "gaze": "vat", None: None}[settings.family]
    make_labels(
        "any", study.manifest, study.folder / "labels.parquet", "all", study.samples,
        None if settings.family == "gaze" else study.prior,
        None if teacher is None else study.folder / teacher, settings, 0, CPU, out, choice,
    )  # fmt: skip
    return read_labels(out, people_digest(read_people(study.manifest)))


def counted(monkeypatch: pytest.MonkeyPatch, dies_after: int | None = None) -> list[Path]:
    """The blocks that are written; after so many the process dies, with what it wrote of the next one."""
    written: list[Path] = []
    write: Callable = label_blocks.write_labels

    def writes(path: Path, *args: object, **named: object) -> None:
        if len(written) == dies_after:
            raise Killed
        write(path, *args, **named)
        written.append(path)

    monkeypatch.setattr(label_blocks, "write_labels", writes)
    return written


def chosen_by_group(path: Path) -> Path:
    """A choice in which a group has a timestep of its own, and so blocks of its own."""
    chosen = {"format": FORMAT, "chosen": {"timestep": 250, "steps": 2}}
    write_sealed(path, {**chosen, "groups": {"b": {"timestep": 100, "steps": 1}}})
    return path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("whose", "settings"),
    [("pictures", LABELS), ("pictures", DRAWN), ("films", LABELS), ("films", LOOKED)],
    ids=["refined", "drawn", "along tracks", "by Video VAT"],
)
def test_what_was_killed_goes_on_and_ends_in_the_same_bits(
    studies: dict[str, Study], tmp_path: Path, whose: str, settings: LabelSettings
) -> None:
    study = studies[whose]
    with pytest.MonkeyPatch.context() as patch:
        every = counted(patch)
        label(study, settings, tmp_path / "whole.h5")
    assert len(every) >= 4
    out = tmp_path / "killed.h5"
    for before in (2, 1):  # killed twice: after two blocks, and after one more
        with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
            counted(patch, dies_after=before)
            label(study, settings, out)
        assert not out.exists()
    with pytest.MonkeyPatch.context() as patch:
        left = counted(patch)
        label(study, settings, out)
    assert [path.name for path in left] == [path.name for path in every[3:]]
    assert out.read_bytes() == (tmp_path / "whole.h5").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["killed.h5", "whole.h5"]


@pytest.mark.slow
@pytest.mark.parametrize("whose", ["pictures", "films"])
def test_blocks_hold_what_all_people_together_get(
    studies: dict[str, Study], tmp_path: Path, whose: str
) -> None:
    """Maps of all people, held in memory and made labels at once, are the reference."""
    study, samples = studies[whose], Samples.open(studies[whose].samples)
    ids = samples.sample_id
    known, mapped = prior_maps(study.prior, samples.people, ids, 1, 32)
    model = load_model(study.folder / "diffusion")
    way = refinement_of(DRAWN.refine, 0)
    (refined,) = refine_maps(model, samples, ids, known, [way], CPU)
    vat = Predictor(load_gaze_model(study.folder / "vat"), CPU)
    looked = vat.of_people(samples, ids, None).heatmap
    cases = [
        (DRAWN, refined.heatmap, refined.points, known),
        (LOOKED, looked, None, None),
        (LabelSettings(MAPS), torch.from_numpy(known), None, known),
    ]
    for number, (settings, maps, points, prior) in enumerate(cases):
        made = label(study, settings, tmp_path / f"{number}.h5")
        heatmap, valid = pseudo_labels(maps, mapped)
        assert made.valid.all() and np.array_equal(made.valid, valid)
        assert np.array_equal(made.heatmap, heatmap.astype(np.float16).astype(np.float32))
        whole = maps.mean(1) if maps.ndim == 4 else maps
        shown = torch.from_numpy(pseudo_labels(whole, mapped)[0])
        expected = trust_columns(shown, points, prior)
        expected["peak"] = maps.flatten(1).amax(1).numpy()
        for name, column in expected.items():
            assert np.array_equal(made.columns[name], column, equal_nan=True), name
        # A product of matrices rounds by how many rows there are.
        assert np.allclose(made.columns["spread"], spread(shown), rtol=0, atol=1e-6)


@pytest.mark.slow
def test_groups_of_their_own_timestep_go_on_too(
    studies: dict[str, Study], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = studies["films"]
    people = read_annotated(study.manifest).assign(group=list("ab" * 15))
    grouped = replace(study, manifest=tmp_path / "manifest.parquet")
    write_table(people, grouped.manifest)
    choice = chosen_by_group(tmp_path / "choice.json")
    open_split = replace(LABELS, refine=replace(REFINE, timestep="auto", steps=None))
    monkeypatch.setattr("gcdr.refine.labels.check_split", lambda *_: None)
    every = counted(monkeypatch)
    whole = label(grouped, open_split, tmp_path / "whole.h5", choice)
    blocks = len(every)
    alone = label(study, LABELS, tmp_path / "alone.h5")
    assert not np.array_equal(whole.heatmap, alone.heatmap)
    for _ in range(blocks - 1):
        with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
            counted(patch, dies_after=1)
            label(grouped, open_split, tmp_path / "killed.h5", choice)
    label(grouped, open_split, tmp_path / "killed.h5", choice)
    assert (tmp_path / "killed.h5").read_bytes() == (tmp_path / "whole.h5").read_bytes()


@pytest.mark.slow
def test_damage_is_made_again_and_other_work_never_gone_on_from(
    studies: dict[str, Study], tmp_path: Path
) -> None:
    study, out = studies["films"], tmp_path / "killed.h5"
    label(study, LABELS, tmp_path / "whole.h5")

    def dies(after: int) -> list[Path]:
        with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
            written = counted(patch, dies_after=after)
            label(study, LABELS, out)
        return written

    second = dies(3)[1]
    second.write_bytes(second.read_bytes()[:-100])
    with pytest.MonkeyPatch.context() as patch:
        left = counted(patch)
        label(study, LABELS, out)
    # What was remembered before the second is gone, so its tracks begin again.
    assert left[0].name.startswith("000000000")
    assert out.read_bytes() == (tmp_path / "whole.h5").read_bytes()
    out.unlink()
    dies(2)
    with pytest.MonkeyPatch.context() as patch:
        left = counted(patch)
        label(study, replace(LABELS, refine=replace(REFINE, timestep=100)), out)
    assert left[0].name.startswith("000000000") and not list(tmp_path.glob(".*"))


KILLED = """
import os, sys
from pathlib import Path
from gcdr.base.command import run
from gcdr.predictor import predictor
from gcdr.refine import label_blocks
import test_label_blocks as tests
predictor.BLOCK = label_blocks.BLOCK = 8
folder, out, number = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
write, written = label_blocks.write_labels, []
def writes(path, *args, **named):
    write(path, *args, **named)
    written.append(path)
    if len(written) == 2:
        os.kill(os.getpid(), number)
label_blocks.write_labels = writes
names = ("manifest.parquet", "annotations.parquet", "samples.h5", "prior.h5")
study = tests.Study(folder, *(folder / name for name in names))
run(lambda: tests.label(study, tests.LABELS, out))
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_killed_process_goes_on_after_its_last_block(
    studies: dict[str, Study], tmp_path: Path, number: signal.Signals
) -> None:
    study, out = studies["films"], tmp_path / "killed.h5"
    label(study, LABELS, tmp_path / "whole.h5")
    script = tmp_path / "killed.py"
    script.write_text(KILLED)
    here = [str(Path(tiny_study.__file__).parent), str(Path(__file__).parent)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*here, *sys.path])}
    command = [warm_python(), script, study.folder, out, str(int(number))]
    run = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert run.returncode == (-9 if number == signal.SIGKILL else 128 + number), run.stderr
    assert not out.exists()
    with pytest.MonkeyPatch.context() as patch:
        left = counted(patch)
        label(study, LABELS, out)
    assert left[0].name.startswith("000000002")
    assert out.read_bytes() == (tmp_path / "whole.h5").read_bytes()
