"""What Snakemake plans of names: by which prior's answers a student learns, and which rows a table has."""

import json
import re
import shlex
import subprocess

import yaml
from workflow_runs import SMOKE, Workspace, jobs_in

from gcdr.config.people_checks import MOST_DRAWN

TABLE = "results/names/tables/paper/table_semantic.md"
ENTRY = {"kind": "semgaze", "size": "world", "init": "assets/world/backbone"}
SECOND = {"kind": "vqa", "weights": "assets/world/vqa", "layers": [1], "layer": 1}
STUDENTS = [
    {"method": "gcdr", "gaze": "learner"},
    {"method": "gcdr", "gaze": "learner", "prior": "second"},
]


def planned(planning: Workspace, overlay: dict) -> subprocess.CompletedProcess[str]:
    """The plan of the table of where and what, with commands."""
    gaze = {
        "models": {"learner": ENTRY | {"names": "answers"}, "plain": ENTRY | {"names": "given"}}
    }
    named = {"name": "names", "studies": ["smoke"]} | overlay.pop("report")
    planning.write("names.yaml", yaml.safe_dump({"gaze": gaze, "report": named} | overlay))
    return planning.snakemake("-n", "-p", TABLE, configs=(SMOKE, "names.yaml"))


def rows_in(plan: str) -> list[dict]:
    """The rows that the table's job is told."""
    command = re.search(
        r"^Shell command: (python \S+/table_semantic\.py .*?) > ", plan, re.M | re.S
    )
    assert command is not None, plan[-2000:]
    (rows,) = (one for one in shlex.split(command[1]) if one.startswith("--rows="))
    return json.loads(rows.removeprefix("--rows="))


def test_a_student_learns_names_by_its_own_prior(planning: Workspace) -> None:
    run = planned(planning, {"report": {"methods": STUDENTS}, "priors": {"second": SECOND}})
    assert run.returncode == 0, run.stdout[-2000:]
    commands = re.findall(
        r"^Shell command: (python \S+/train_gaze\S* .*?) > ", run.stdout, re.M | re.S
    )
    learned = {
        re.search(r"--out=\S*/students/(\S+?)/?(?:model\.\w+)?(?= |$)", one)[1]: found[1]
        for one in commands
        if (found := re.search(r"--named=\S*/names/(\S+)\.parquet", one))
    }
    (first,) = (store for name, store in learned.items() if "+ofa-world-body+" in name)
    (second,) = (store for name, store in learned.items() if "+second-body+" in name)
    assert (first, second) == ("ofa-world-body", "second-body")
    rows = rows_in(run.stdout)
    assert [row.get("guess") for row in rows] == ["random", "majority", "answers", None, None]
    assert len({json.dumps(row["variants"]) for row in rows[3:]}) == 2


def test_a_prior_that_names_nothing_has_no_row_of_answers(planning: Workspace) -> None:
    """Nor does anybody who is planned ask a model for names."""
    planning.write("dots.csv", "image,x,y\ntest/000001.jpg,20,20\n")
    dots = {"kind": "points", "complete": False, "tables": {"smoke": "dots.csv"}}
    overlay = {
        "report": {"methods": [{"method": "vat", "gaze": "plain"}]},
        "priors": {"dots": dots},
        "prior": "dots",
        "datasets": {"smoke": {"train_people": MOST_DRAWN}},  # whom planning asks not who they are
    }
    run = planned(planning, overlay)
    assert run.returncode == 0, run.stdout[-2000:]
    assert [row.get("guess") for row in rows_in(run.stdout)] == ["random", "majority", None]
    assert not {"gradcam", "name_people", "import_prior"} & jobs_in(run.stdout).keys()
