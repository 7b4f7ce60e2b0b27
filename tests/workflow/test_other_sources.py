"""Whole runs on other sources than one sound data set: a pool of two, and pictures that cannot be read."""

import json

import pandas as pd
from workflow_runs import SMOKE, Workspace, jobs_in, logs_that_name

SMALL_TRANSFER = """
datasets: {elsewhere: {train_people: 240, test_people: 40}, here: {train_people: 160, test_people: 60}}
report: {methods: [vat, gcdr]}
"""


def test_plan_of_a_study_with_several_sources(planning: Workspace) -> None:
    planning.write("small.yaml", SMALL_TRANSFER)
    run = planning.snakemake("-n", "-p", configs=(SMOKE, "configs/transfer.yaml", "small.yaml"))
    assert run.returncode == 0, run.stdout
    pool = "results/data/elsewhere--here--here"
    assert f"{pool}/priors/ofa-world-body.h5" in run.stdout
    assert "--init=results/source/labels25-seed0/teachers/vat+vat" in run.stdout
    planned = jobs_in(run.stdout)
    made = {"world": 2, "gradcam": 4, "merge": 2, "detect": 2, "split": 2, "train_teacher": 2}
    made |= dict.fromkeys(("pool", "pool_bodies", "pool_priors", "pool_samples"), 1)
    made["samples"] = 2  # of each source; the pool's is copied from them
    assert {name: planned[name] for name in made} == made


def test_labels_from_one_world_and_unlabelled_people_from_another(workspace: Workspace) -> None:
    workspace.write("small.yaml", SMALL_TRANSFER)
    run = workspace.snakemake(configs=(SMOKE, "configs/transfer.yaml", "small.yaml"))
    assert run.returncode == 0, run.stdout[-4000:]
    assert (workspace.folder / "results/transfer/report.html").exists()
    people = pd.read_parquet(
        workspace.folder / "results/data/elsewhere--here--here/manifest.parquet"
    )
    labels = pd.read_parquet(workspace.folder / "results/transfer/labels25-seed0/labels.parquet")
    source = people["image"].str.split("/").str[0]
    role = labels.set_index("sample_id")["role"].reindex(people["sample_id"])
    assert set(source[role.isin(["labelled", "validation"]).to_numpy()]) == {"elsewhere"}
    assert set(source[(role == "unlabelled").to_numpy()]) == {"here"}
    metrics = workspace.folder / "results/transfer/labels25-seed0/metrics/vat+vat.json"
    assert "labels of elsewhere" in json.loads(metrics.read_text())["dataset"]


def test_a_cut_picture_stops_nothing_and_too_many_stop_the_stage(workspace: Workspace) -> None:
    data = "results/data/smoke"
    assert workspace.snakemake(f"{data}/manifest.parquet").returncode == 0
    people = pd.read_parquet(workspace.folder / data / "manifest.parquet")
    name = people.loc[people["split"] == "test", "image"].iloc[0]
    bad = workspace.folder / data / "images" / name
    bad.write_bytes(bad.read_bytes()[:400])
    workspace.write("none.yaml", "failures: 0\n")
    run = workspace.snakemake(f"{data}/bodies.parquet", configs=(SMOKE, "none.yaml"))
    assert run.returncode != 0 and "share 0 that the key failures allows" in run.stdout, run.stdout
    workspace.write("some.yaml", "failures: 0.05\nreport: {methods: [vat, gcdr]}\n")
    run = workspace.snakemake(configs=(SMOKE, "some.yaml"))
    assert run.returncode == 0, run.stdout[-4000:]
    assert (workspace.folder / "results/smoke/report.html").exists()
    lost = (people["image"] == name).sum()
    for path in (workspace.folder / "results/smoke/labels25-seed0/metrics").glob("*.json"):
        assert json.loads(path.read_text())["unreadable"] == lost, path
    logs = logs_that_name(name, workspace.folder / "logs/smoke")
    assert logs >= {
        "detect/1-of-1",
        "samples-56",
        "labels25-seed0/test/gcdr-t250-n2-k1+ofa-world-body",
    }
