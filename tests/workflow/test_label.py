"""``gcdr label``, and own tables that are too little for what is asked: what is planned, and what is said."""

import functools
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from small_data import HEADER, write
from workflow_runs import Workspace, jobs_in

from gcdr.cli.commands import main
from gcdr.data.manifest import BOX
from gcdr.datasets.world import write_world
from gcdr.models.build import save_model
from gcdr.models.denoiser import Denoiser
from gcdr.models.sizes import DenoiserConfig
from gcdr.world.dataset import WorldSettings

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
        (["--table", "photos/heads.csv", "--configfile", "absent.yaml"], "absent.yaml"),
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
    answers = functools.partial(
        signal.signal, signal.SIGINT, signal.SIG_DFL
    )  # below nohup or & too
    with subprocess.Popen(command, start_new_session=True, preexec_fn=answers, **pipe) as running:
        for line in running.stdout:
            if line.strip().startswith("1 of "):
                break
        os.killpg(running.pid, signal.SIGINT)  # as a terminal does, to all of them
        said = running.stdout.read()
    assert running.returncode == 128 + signal.SIGINT, said
    assert "the same command goes on where it was" in said and "Traceback" not in said
    assert not (own / "told").exists()


TAUGHT = """
studies: {taught: {dataset: demo, seed: 0, pretrained: {diffusion: untrained}}}
priors: {ofa-world: {shards: 1}}
refine: {timestep: 250}
"""
OF_PEOPLE = {"own_manifest", "detect", "bodies", "samples", "gradcam", "merge"}


def test_label_to_its_end_and_what_corrections_make_again(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five people and a teacher that has learned nothing; then a new point, and a new box."""
    card = {"settings": {"timesteps": 500, "schedule": "linear"}}
    save_model(workspace.folder / "untrained", Denoiser(DenoiserConfig.world()), card)
    world = WorldSettings(5, "gaze", 3, 2, 2, 160, 120)
    people = write_world(workspace.folder / "drawn", world).manifest
    table = people[["image", *BOX, "gaze_x", "gaze_y", "split"]]
    table.to_csv(workspace.folder / "drawn/heads.csv", index=False)
    workspace.write("taught.yaml", TAUGHT)
    monkeypatch.chdir(workspace.folder)
    monkeypatch.setenv("PYTHONPATH", str(workspace.folder / "src"))
    asking = "label drawn --table drawn/heads.csv --drawn --teacher taught --configfile taught.yaml"
    assert main([*asking.split(), "--cores", "2", "--out", "told", "--format", "csv"]) == 0
    told = workspace.folder / "told"
    page, pictures = (
        (told / "gallery.html").read_text(),
        {one.name for one in told.glob("gallery/*")},
    )
    shown = set(re.findall(r'src="gallery/([^"]+)"', page))
    assert page.count("<article") == len(shown) == len(table) and shown <= pictures
    rows = pd.read_csv(told / "csv/labels.csv")
    assert rows["image"].tolist() == table["image"].tolist()
    assert rows["source"].tolist() == [
        "annotator" if split == "test" else "map" for split in table["split"]
    ]
    assert rows[["gaze_x", "gaze_y"]].apply(lambda column: column.between(0, 1)).all(axis=None)

    wanted = ["results/drawn/gallery.html", "results/drawn/exports/csv"]

    def planned(changed: pd.DataFrame) -> set[str]:
        changed.to_csv(workspace.folder / "drawn/heads.csv", index=False)
        return set(workspace.planned(*wanted, configs=("taught.yaml", "results/drawn/label.yaml")))

    assert planned(table) == set()
    assert planned(table.assign(gaze_x=0.25)) == {"read", "gallery", "export_pseudo"}
    assert planned(table.assign(head_x0=table["head_x0"] - 1)) >= OF_PEOPLE
