"""``gcdr label``, and own tables that are too little for what is asked: what is planned, and what is said."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from small_data import HEADER, write
from workflow_runs import Workspace, jobs_in

from gcdr.cli import main

OWN = "configs/own-labels.yaml"


@pytest.fixture
def own(planning: Workspace, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The top folder of a repository with a folder of six people, of whom four have a label."""
    photos = planning.folder / "photos"
    shutil.rmtree(photos, ignore_errors=True)
    labels = [".2,.5,true,train"] * 4 + [",,,train"] * 2
    rows = [f"{n}.png,4,5,24,25,{label}" for n, label in enumerate(labels)]
    table = "\n".join([f"{HEADER},gaze_x,gaze_y,in_frame,split", *rows])
    write(photos, {f"{n}.png": "picture" for n in range(6)} | {"heads.csv": table})
    monkeypatch.chdir(planning.folder)
    monkeypatch.setenv("PYTHONPATH", str(planning.folder / "src"))
    return planning.folder


def asked(*more: str) -> list[str]:
    return ["label", "photos", "--drawn", "--out", "told", "--cores", "1", *more]


@pytest.mark.parametrize(
    ("more", "runs", "rests"),
    [
        (["--table", "photos/heads.csv", "--format", "csv", "coco"],
         {"train_fold": 2, "choose_timestep": 1, "train_diffusion": 1, "refine_folder": 1, "gallery": 1,
          "export_pseudo": 2}, {"find_heads", "train_student", "make_labels", "predict_folder"}),
        (["--teacher", "demo"], {"find_heads": 1, "world": 1, "train_diffusion": 1, "refine_folder": 1,
                                 "export_pseudo": 1}, {"train_student", "predict_folder"}),
    ],
)  # fmt: skip
def test_label_plans_pseudo_labels_and_no_student(
    own: Path, capfd: pytest.CaptureFixture[str], more: list[str], runs: dict, rests: set
) -> None:
    if "--teacher" in more:
        (own / "photos/heads.csv").unlink()
    # -n: what would run is what the same configuration makes
    assert main(asked(*more, "-n")) == 0
    said = capfd.readouterr()
    jobs = jobs_in(said.out + said.err)
    assert runs.items() <= jobs.items() and not rests & set(jobs)
    assert "snakemake --cores 1 --configfile results/photos/label.yaml" in said.out
    overlay = yaml.safe_load((own / "results/photos/label.yaml").read_text())
    assert overlay["studies"]["photos"]["teacher"] == ("demo" if "--teacher" in more else "photos")
    assert not (own / "told").exists()


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ([], "no table, so nobody has a label to learn from; name a study"),
        (["--teacher", "nobody"], "studies.photos.teacher: no study 'nobody'"),
        (["--teacher", "demo", "--name", "demo"], "demo: is the name of one of datasets already"),
        (["--teacher", "demo", "--name", "a/b"], "'a/b': cannot be the name of results"),
        (["--table", "photos/heads.csv", "--configfile", "none.yaml"], "none.yaml"),
        (["--table", "nowhere.csv"], "datasets.photos.table: no file nowhere.csv"),
        (["--table", "photos/few.csv"], "fewer than the 2 folds"),
    ],
)
def test_what_is_wrong_is_said_before_snakemake_starts(
    own: Path, capfd: pytest.CaptureFixture[str], more: list[str], told: str
) -> None:
    table = (own / "photos/heads.csv").read_text()
    few = table.replace(".2,.5,true", ",,", 3)
    (own / "photos/few.csv").write_text(few)
    assert main(asked(*more)) == 2
    said = capfd.readouterr()
    assert told in said.err and "Traceback" not in said.err and "snakemake" not in said.out


def test_too_little_to_learn_from_ends_snakemake_at_once(own: Path, planning: Workspace) -> None:
    mine = "datasets: {mine: {images: photos, table: photos/heads.csv, drawn: true}}\n"
    planning.write("my.yaml", f"{mine}report: {{studies: [mine]}}\n")
    run = planning.snakemake("-n", configs=(OWN, "my.yaml"))
    assert run.returncode and "study mine: test people: found none" in run.stdout
    assert "4 people to learn from, fewer than the 32 of a batch" in run.stdout
    planning.write("my.yaml", f"{mine}report: {{studies: []}}\n")
    assert planning.planned(configs=(OWN, "my.yaml"))["train_fold"] == 2


def test_ctrl_c_ends_it_with_a_line_and_leaves_no_folder(own: Path) -> None:
    command = [sys.executable, "-m", "gcdr", *asked("--table", "photos/heads.csv")]
    pipe = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(command, start_new_session=True, **pipe) as running:
        for line in running.stdout:
            if line.strip().startswith("1 of "):
                break
        os.killpg(running.pid, signal.SIGINT)  # as a terminal does, to all of them
        said = running.stdout.read()
    assert running.returncode == 128 + signal.SIGINT, said
    assert "the same command goes on where it was" in said and "Traceback" not in said
    assert not (own / "told").exists()
