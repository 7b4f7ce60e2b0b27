"""The rules that read real data sets, run by Snakemake on small ones."""

import json
import os
from pathlib import Path

import pandas as pd
import pytest
from faults import faults_left, plan_faults
from small_data import gazefollow_row, write
from workflow_runs import Workspace

from gcdr.data.cache import Samples
from gcdr.data.manifest import LABELS, people_digest, read_people, write_table
from gcdr.data.shown import split_identity

# No released weights are at hand in a test; nothing that is run here would read them.
CONFIG = ("configs/gazefollow.yaml", "no-weights.yaml")
WITHOUT = """
device: cpu
datasets: {gazefollow: {drawn: true}}
detect: {weights: assets/world/detector, shards: 1}
priors: {ofa-large: {tagger: rules}}
gaze: {models: {vat: {init: null}}}
diffusion: {init: vat}
"""
POOLED = """
datasets: {frames: {kind: folder, images: frames, table: frames/heads.csv, drawn: true}}
studies: {pooled: {labelled: [gazefollow], unlabelled: [gazefollow, frames], test: gazefollow, seed: 0}}
"""
MANIFEST = "results/data/gazefollow/manifest.parquet"


@pytest.fixture
def with_data(workspace: Workspace, tmp_path: Path) -> Workspace:
    """A copy of the project with a GazeFollow of twenty people, four to an image."""
    write(tmp_path, {"no-weights.yaml": WITHOUT})
    names = [f"train/{number}.jpg" for number in range(5)]
    rows = [
        gazefollow_row(names[n // 4], eye_x=n / 20, x_min=n % 4 + 1, bodies=(0, 0, 40, 40))
        for n in range(20)
    ]
    test = gazefollow_row("test2/0.jpg", inout=None, bodies=(-1, -1, -1, -1))
    write(
        tmp_path / "data/gazefollow",
        {
            "train_annotations_release_persondet.txt": "\n".join(rows),
            "test_annotations_release_persondet.txt": f"{test}\n{test}",
            "weak_supervision/train_annotations_weak_ratio0.1_use.txt": "\n".join(rows[3:5]),
        }
        | dict.fromkeys([*names, "test2/0.jpg"], "picture"),
    )
    return workspace


def test_gazefollow_is_checked_read_and_split_as_released(with_data: Workspace) -> None:
    labels = "results/gazefollow/labels{}-seed0/labels.parquet"
    wanted = [labels.format(10), "results/data/gazefollow/bodies.parquet"]
    run = with_data.snakemake(*wanted, configs=CONFIG)
    assert run.returncode == 0, run.stdout[-4000:]
    people = pd.read_parquet(with_data.folder / MANIFEST)
    assert people["split"].value_counts().to_dict() == {"train": 20, "test": 1}
    assert not {*LABELS} & {*people}
    released = pd.read_parquet(with_data.folder / wanted[0])
    shown = released.merge(people, on="sample_id")[released["role"].ne("unlabelled").to_numpy()]
    assert shown["image"].tolist() == ["train/0.jpg", "train/1.jpg"]
    bodies = pd.read_parquet(with_data.folder / wanted[1])
    assert (
        bodies["detected"].sum() == 20 and bodies.loc[~bodies["detected"], "body_x0"].isna().all()
    )
    said = (with_data.folder / "results/data/gazefollow/check.txt").read_text()
    assert "21 in 6 images" in said and "20 share their image" in said
    assert with_data.planned(*wanted, configs=CONFIG) == {}
    run = with_data.snakemake("-n", labels.format(20), configs=CONFIG)
    assert run.returncode != 0
    assert "train_annotations_weak_ratio0.2_use.txt, the authors' list for 20 %" in run.stdout

    with_data.write("drawn.yaml", "split: {released: null}\n")
    plan = with_data.planned("submission", configs=(*CONFIG, "drawn.yaml"))
    assert plan["submission"] == 1 and plan["train_student"] == 12

    # the same list in a study that takes its unlabelled people from elsewhere
    (with_data.folder / "frames").mkdir()
    write(with_data.folder / "frames", {"a.jpg": "picture"})
    table = "image,head_x0,head_y0,head_x1,head_y1,split\na.jpg,1,1,9,9,train\n"
    write(with_data.folder, {"frames/heads.csv": table, "pooled.yaml": POOLED})
    pooled = "results/pooled/labels10-seed0/labels.parquet"
    run = with_data.snakemake(pooled, configs=(*CONFIG, "pooled.yaml"))
    assert run.returncode == 0, run.stdout[-4000:]
    role = pd.read_parquet(with_data.folder / pooled)["role"]
    assert role.value_counts().to_dict() == {"unlabelled": 19, "labelled": 2}


def test_changed_data_make_the_picture_cache_anew(with_data: Workspace) -> None:
    cache = "results/data/gazefollow/samples-224.h5"
    assert with_data.snakemake(cache, configs=CONFIG).returncode == 0
    log = (with_data.folder / "logs/gazefollow/samples-224.log").read_text()
    assert f"{cache}: 7.1 MB will be written" in log
    assert with_data.planned(cache, configs=CONFIG) == {}
    path = with_data.folder / "data/gazefollow/train_annotations_release_persondet.txt"
    path.write_text("\n".join(path.read_text().splitlines()[:-1]))
    run = with_data.snakemake(cache, configs=CONFIG)
    assert run.returncode == 0, run.stdout[-4000:]
    assert len(Samples.open(with_data.folder / cache).sample_id) == 20


def test_data_with_errors_stops_the_first_rule(with_data: Workspace) -> None:
    path = with_data.folder / "data/gazefollow/train_annotations_release_persondet.txt"
    path.write_text(path.read_text() + "\n" + gazefollow_row("train/9.jpg", bodies=(0, 0, 9, 9)))
    plan_faults(with_data.folder, "read", "kill", "fail")
    run = with_data.snakemake(MANIFEST, "--retries", "5", configs=CONFIG)
    log = (with_data.folder / "logs/gazefollow/read.log").read_text()
    assert run.returncode != 0 and "line 21, image: found 'train/9.jpg'" in log
    assert not (with_data.folder / MANIFEST).exists() and "Traceback" not in log
    # a node's trouble is worth repeating, bad input is not
    assert not faults_left(with_data.folder) and run.stdout.count("repeated: ") == 2
    assert run.stdout.count("failed: ") == 3 and "killed, most likely for want" in run.stdout
    assert "1 job failed." in run.stdout


def test_a_data_set_that_no_study_uses_need_not_be_there(
    workspace: Workspace, tmp_path: Path
) -> None:
    drawn = "datasets: {videoattentiontarget: {drawn: true, validation_shows: [show]}}\n"
    write(tmp_path, {"no-weights.yaml": WITHOUT, "drawn.yaml": drawn})
    clips = {
        f"data/videoattentiontarget/annotations/{s}/show/clip/p.txt": "" for s in ("train", "test")
    }
    write(tmp_path, clips)
    video = (
        "configs/gazefollow.yaml",
        "configs/videoattentiontarget.yaml",
        *CONFIG[1:],
        "drawn.yaml",
    )
    planned = workspace.planned(configs=video)
    assert planned["read"] == 1 and planned["gradcam"] == 83  # of 164,541 people, as published
    commands = workspace.snakemake("-n", "-p", configs=video).stdout
    cut = [line for line in commands.splitlines() if "/samples.py --" in line]
    assert cut and all("videoattentiontarget" in line and "--padding=0 " in line for line in cut)
    with pytest.raises(AssertionError, match=r"datasets\.gazefollow\.root: no folder"):
        workspace.planned(configs=CONFIG)


def test_the_second_base_model_sees_depth_of_gazefollow(
    with_data: Workspace, tmp_path: Path
) -> None:
    """Table S5 at the paper's size: own depth where there is a folder, else one job estimates it."""
    blind = "gaze: {models: {pdp: {init: null}}}\ndiffusion: {init: pdp}\n"
    given = "datasets: {gazefollow: {depth: data/depth}}\n"
    (tmp_path / "data/depth").mkdir()
    listed = tmp_path / "data/gazefollow/weak_supervision"
    lists = [listed / f"train_annotations_weak_ratio{share}_use.txt" for share in (0.1, 0.2)]
    lists[1].write_text(lists[0].read_text())
    write(tmp_path, {"blind.yaml": blind, "given.yaml": blind + given})
    over = ("configs/gazefollow.yaml", "configs/gazefollow-depth.yaml", "no-weights.yaml")
    planned = with_data.planned("table_s5", configs=(*over, "given.yaml"))
    assert planned["deep_samples"] == 1 and planned["train_student"] == 4
    assert "estimate_depth" not in planned and "samples" not in planned
    planned = with_data.planned("table_s5", configs=(*over, "blind.yaml"))
    assert planned["estimate_depth"] == 1 and planned["download"] >= 1


def exchange(path: Path, content: bytes) -> None:
    """Put another file in the place of one, with a date long before."""
    path.write_bytes(content)
    os.utime(path, ns=(10**18, 10**18))


def test_files_exchanged_for_older_ones_are_seen_in_a_plan(with_data: Workspace) -> None:
    """The user's own files plan their jobs again; below results/ a line says what does not fit."""
    folder, train = with_data.folder, "train_annotations_release_persondet.txt"
    rows = (f"train/{n // 4}.jpg,{n + 1},{5 + n},5\n" for n in range(20))
    points = "image,sample_id,x,y\n" + "".join(rows)
    prior = "priors: {own: {kind: points, tables: {gazefollow: points.csv}, complete: false}}\nprior: own\n"
    with_data.write("points.csv", points)
    configs = (*CONFIG, with_data.write("prior.yaml", prior))
    split = "results/gazefollow/labels10-seed0/labels.parquet"
    store = "results/data/gazefollow/priors/own.h5"
    run = with_data.snakemake(split, store, configs=configs)
    assert run.returncode == 0, run.stdout[-4000:]
    assert with_data.planned(split, store, configs=configs) == {}
    listed = folder / "data/gazefollow/weak_supervision/train_annotations_weak_ratio0.1_use.txt"
    for path, rule in (
        (folder / "data/gazefollow" / train, "read"),
        (listed, "split"),
        (folder / "points.csv", "import_prior"),
    ):
        before = path.read_bytes()
        exchange(path, before[: before.rstrip().rindex(b"\n")])
        assert rule in with_data.planned(split, store, configs=configs)
        exchange(path, before)  # as old, and what it was
        assert with_data.planned(split, store, configs=configs) == {}

    before, under = (folder / split).read_bytes(), split_identity(folder / split)
    (folder / "card.json").write_text(json.dumps({"split": under}))
    teacher = folder / "results/gazefollow/labels10-seed0/teachers/vat+vat/model.json"
    teacher.parent.mkdir(parents=True)
    (folder / "card.json").rename(teacher)
    table = pd.read_parquet(folder / split)
    write_table(table.assign(role="labelled"), folder / split, share=10, seed=0)
    exchange(folder / split, (folder / split).read_bytes())
    run = with_data.snakemake("-n", split, store, configs=configs)
    assert run.returncode != 0 and f"{split}: another label split than" in run.stdout
    assert f"`touch {split}`" in run.stdout and "Traceback" not in run.stdout
    for mending in (["--unlock"], ["--touch", split]):  # are not stopped by what they mend
        run = with_data.snakemake(*mending, configs=configs)
        assert "another label split" not in run.stdout, run.stdout
    exchange(folder / split, before)
    unknown = "results/gazefollow/labels10-seed0/metrics/vat+nope.json"
    run = with_data.snakemake("-n", unknown, configs=configs)
    assert f"{unknown}: found 'vat+nope', expected 'vat+vat' (method + gaze model)" in run.stdout
    assert with_data.planned(split, store, configs=configs) == {}

    people = folder / MANIFEST
    fewer = read_people(people).iloc[1:]
    write_table(fewer, people, people_digest(fewer))
    exchange(people, people.read_bytes())
    run = with_data.snakemake("-n", split, store, configs=configs)
    assert run.returncode != 0 and f"{MANIFEST}: another table of people than" in run.stdout
