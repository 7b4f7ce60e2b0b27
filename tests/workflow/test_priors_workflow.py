"""What Snakemake plans where priors are of other kinds, or several stand side by side."""

import re

import numpy as np
import pytest
from small_weights import write_like
from workflow_runs import SMOKE, Workspace, jobs_in

from gcdr.config.people_checks import MOST_DRAWN
from gcdr.data.manifest import people_digest, read_people
from gcdr.data.stores import read_prior, write_labels

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
    run = planning.snakemake("-n", "-p", configs=(SMOKE, "configs/transfer.yaml", "pool.yaml"))
    assert run.returncode == 0, run.stdout
    assert "output: results/data/elsewhere--here--here/priors/second-body.h5" in run.stdout
    assert "output: results/data/elsewhere/priors/ofa-world-body.h5" in run.stdout
    assert "output: results/data/here/priors/ofa-world-body.h5" not in run.stdout


@pytest.mark.parametrize(
    ("entry", "rule"),
    [
        ("{kind: points, tables: {smoke: a.csv}}", "import_prior"),
        ("{kind: boxes, tables: {smoke: a.csv}}", "import_prior"),
        ("{kind: maps, stores: {smoke: a.h5}}", "import_prior"),
        ("{kind: pointing, weights: model, shards: 2}", "pointing"),
    ],
)
def test_plan_of_other_kinds(workspace: Workspace, entry: str, rule: str) -> None:
    columns = "x,y" if "points" in entry else "box_x0,box_y0,box_x1,box_y1"
    workspace.write("a.csv", f"image,{columns}\na.jpg,{columns.count(',') * '1,'}1\n")
    workspace.write("model/config.json", '{"model_type": "qwen"}')
    write_like(workspace.folder / "model/model.safetensors", "vlm")
    one = np.arange(1)
    write_labels(
        workspace.folder / "a.h5", one, np.eye(4)[None], one == 0, {}, people="", made_by={}
    )
    unknown = f"datasets: {{smoke: {{train_people: {MOST_DRAWN}}}}}\n"  # who they are, to a plan
    workspace.write("p.yaml", f"{unknown}prior: p\npriors: {{p: {entry}}}\n")
    planned = workspace.planned(configs=(SMOKE, "p.yaml"))
    assert planned[rule] == (2 if rule == "pointing" else 1)
    assert "gradcam" not in planned and planned.get("merge", 0) == (rule == "pointing")


NEWCOMER = '''"""Everybody looks at the middle of the picture, or where a file says."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from gcdr.base.errors import InputError
from gcdr.base.jsonconfig import setting
from gcdr.priors.kinds.kind import FilesPrior


@dataclass(frozen=True, kw_only=True)
class SpotPrior(FilesPrior):
    """One spot of everybody."""

    KIND: ClassVar[str] = "spot"
    TITLE: ClassVar[str] = "One spot of everybody."
    SOURCES: ClassVar[str] = "spots"

    spots: dict[str, str] = setting("File of each data set.", items={"format": "path"})

    def check_file(self, key: str, path: Path, people: Callable[[], object]) -> None:
        if len(path.read_text().split(",")) != 2:
            raise InputError(f"{path}: found no spot, expected x,y")

    def fill(self, dataset: str, manifest: Path, out: Path) -> None:
        import numpy as np

        from gcdr.data.manifest import people_digest, read_people
        from gcdr.data.stores import write_prior

        people = read_people(manifest)
        column, row = map(int, Path(self.spots[dataset]).read_text().split(","))
        maps = np.zeros((len(people), 1, 8, 8), np.float32)
        maps[:, 0, row, column] = 1
        write_prior(
            out, people["sample_id"].to_numpy(), maps, np.ones(len(people), bool),
            {"answer": ["here"] * len(people)}, layers=[1], people=people_digest(people), made_by={},
        )
'''
LAST = '        "gcdr.priors.kinds.pointing_kind PointingPrior",\n'


def test_a_new_kind_is_one_file_and_one_line(workspace: Workspace) -> None:
    workspace.write("src/gcdr/priors/kinds/spot_kind.py", NEWCOMER)
    table = workspace.folder / "src/gcdr/priors/kinds/registry.py"
    text = table.read_text()
    line = '        "gcdr.priors.kinds.spot_kind SpotPrior",\n'
    table.write_text(text.replace(LAST, LAST + line))
    assert line in table.read_text()
    workspace.write("spot.txt", "3")
    workspace.write("p.yaml", "prior: p\npriors: {p: {kind: spot, spots: {smoke: spot.txt}}}\n")
    run = workspace.snakemake("-n", configs=(SMOKE, "p.yaml"))
    assert run.returncode and "priors.p.spots.smoke: spot.txt: found no spot" in run.stdout
    workspace.write("spot.txt", "3,4")
    planned = workspace.planned(configs=(SMOKE, "p.yaml"))
    assert planned["import_prior"] == 1 and not {"gradcam", "merge"} & planned.keys()
    store = "results/data/smoke/priors/p.h5"
    run = workspace.snakemake(store, configs=(SMOKE, "p.yaml"))
    assert run.returncode == 0, run.stdout[-3000:]
    people = read_people(workspace.folder / "results/data/smoke/manifest.parquet")
    made = read_prior(
        workspace.folder / store, people_digest(people), people["sample_id"].to_numpy()
    )
    assert made.valid.all() and made.heatmap[0].argmax() == 4 * 8 + 3


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
