"""What Snakemake plans where priors are of other kinds, or several stand side by side."""

import re

import numpy as np
import pytest
from small_weights import write_like
from workflow_runs import ROOT, SMOKE, Workspace, jobs_in

from gcdr.data.stores import write_labels

SECOND = "{kind: vqa, weights: assets/world/vqa, layers: [1], layer: 1, shards: 3}"


def test_keys_that_stand_twice_end_snakemake_at_once(planning: Workspace) -> None:
    planning.write("wrong.yaml", f"priors:\n  x: {SECOND}\n  x: {SECOND}\n")
    run = planning.snakemake("-n", configs=(SMOKE, "wrong.yaml"))
    assert run.returncode != 0 and "Traceback" not in run.stdout
    assert "wrong.yaml, line 3: priors.x stands in line 2 already" in run.stdout


def test_a_prior_that_no_study_asks_for_need_not_be_there(planning: Workspace) -> None:
    unused = "{kind: points, tables: {smoke: nowhere.csv}}, y: {kind: vqa, weights: a, layers: [1], layer: 1}"
    planning.write("o.yaml", f"priors: {{x: {unused}}}\n")
    assert planning.planned(configs=(SMOKE, "o.yaml"))["gradcam"] == 2


def test_two_priors_side_by_side(planning: Workspace) -> None:
    """Each is asked once, and what does not depend on it is made once."""
    planning.write(
        "two.yaml",
        f"priors: {{second: {SECOND}}}\n"
        "studies: {other: {dataset: smoke, seed: 0, prior: second}}\n"
        "report: {studies: [smoke, other]}\n",
    )
    configs = (SMOKE, "two.yaml")
    run = planning.snakemake("-n", "-p", configs=configs)
    assert run.returncode == 0, run.stdout
    for store in ("ofa-world-body", "second-body"):
        assert f"output: results/data/smoke/priors/{store}.h5" in run.stdout
    read = re.findall(r"--prior=(\S+)", run.stdout)
    assert set(read) == {
        f"results/data/smoke/priors/{one}-body.h5" for one in ("ofa-world", "second")
    }
    assert '"layers": [1],' in run.stdout and '"layers": [1, 2],' in run.stdout
    planned = jobs_in(run.stdout)
    made = dict.fromkeys(("world", "samples", "detect", "bodies"), 1)
    made |= {"gradcam": 2 + 3, "merge": 2, "evaluate_prior": 2, "split": 2}
    assert {rule: planned[rule] for rule in made} == made
    table = planning.planned("table_s7", configs=configs)
    assert table["merge"] == 6 and table["overlays"] == 1


def test_a_prior_of_a_pool_comes_from_those_of_its_data_sets(planning: Workspace) -> None:
    planning.write(
        "pool.yaml",
        f"priors: {{second: {SECOND}}}\n"
        "studies: {transfer: {prior: second}}\n"
        "report: {studies: [transfer, source]}\n",
    )
    run = planning.snakemake("-n", configs=(SMOKE, "configs/transfer.yaml", "pool.yaml"))
    assert run.returncode == 0, run.stdout
    assert "output: results/data/elsewhere--here--here/priors/second-body.h5" in run.stdout
    assert "output: results/data/elsewhere/priors/ofa-world-body.h5" in run.stdout
    assert "output: results/data/here/priors/ofa-world-body.h5" not in run.stdout


@pytest.mark.parametrize(
    ("script", "entry", "rule"),
    [
        ("import_points", "{kind: points, tables: {smoke: a.csv}}", "import_points"),
        ("import_points", "{kind: boxes, tables: {smoke: a.csv}}", "import_points"),
        ("import_maps", "{kind: maps, stores: {smoke: a.h5}}", "import_maps"),
        ("pointing", "{kind: pointing, weights: model, shards: 2}", "pointing"),
    ],
)
def test_plan_of_other_kinds(workspace: Workspace, script: str, entry: str, rule: str) -> None:
    if not (ROOT / f"workflow/scripts/{script}.py").exists():
        pytest.skip(f"no script {script}.py")
    columns = "x,y" if "points" in entry else "box_x0,box_y0,box_x1,box_y1"
    workspace.write("a.csv", f"image,{columns}\na.jpg,{columns.count(',') * '1,'}1\n")
    workspace.write("model/config.json", '{"model_type": "qwen"}')
    write_like(workspace.folder / "model/model.safetensors", "vlm")
    one = np.arange(1)
    write_labels(
        workspace.folder / "a.h5", one, np.eye(4)[None], one == 0, {}, people="", made_by={}
    )
    workspace.write("p.yaml", f"prior: p\npriors: {{p: {entry}}}\n")
    planned = workspace.planned(configs=(SMOKE, "p.yaml"))
    assert planned[rule] == (2 if rule == "pointing" else 1)
    assert "gradcam" not in planned and planned.get("merge", 0) == (rule == "pointing")


def test_readers_are_told_what_made_the_stores_that_they_read(planning: Workspace) -> None:
    """A store of other settings at the right place is refused by whoever reads it (gcdr.data.stores)."""
    run = planning.snakemake("-n", "-p")
    assert run.returncode == 0, run.stdout
    commands = [line for line in run.stdout.splitlines() if "python workflow/scripts/" in line]
    told = {
        script: {option for line in lines for option in re.findall(r"--(\w+)-made-by=", line)}
        for script in {re.search(r"scripts/(\w+)\.py", line)[1] for line in commands}
        if (lines := [line for line in commands if f"scripts/{script}.py" in line])
    }
    for script in ("evaluate_prior", "sweep", "make_labels"):
        assert told[script] == {"prior"}, script
    assert told["train_gaze"] == {"pseudo"} and told["evaluate_labels"] == {"store"}
    assert '"beam": 5' in next(line for line in commands if "evaluate_prior.py" in line)
