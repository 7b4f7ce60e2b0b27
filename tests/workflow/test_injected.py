"""Every stage with a call that fails, and on a full disk: old artefacts stay, none is half-written.

``make test-chaos`` runs this. ``failing/fail.c`` makes the calls fail, before any library of the script.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from faults import record_commands
from workflow_runs import FEWER, SMOKE, Workspace

pytestmark = [pytest.mark.chaos, pytest.mark.slow]

FAILING = Path(__file__).parents[1] / "failing"
EACH = int(
    os.environ.get("FAILING_CALLS", "4")
)  # calls of a kind that fail in turn, in every script
KINDS = os.environ.get("FAILING_KINDS", "write rename fsync full").split()
SMALL = f"""{FEWER}datasets: {{smoke: {{train_people: 80, test_people: 20}}}}
gaze: {{recipe: {{steps: 10, batch: 8}}, labelled_per_batch: 4}}
diffusion: {{recipe: {{steps: 10, batch: 8, draws: 1}}}}
"""


def test_what_fails_leaves_old_artefacts_whole(workspace: Workspace) -> None:
    compiler = shutil.which("cc")
    if not compiler or sys.platform != "linux":
        pytest.skip("no C compiler here, or no Linux")
    record_commands(workspace.folder)
    workspace.write("small.yaml", SMALL)
    run = workspace.snakemake(configs=(SMOKE, "small.yaml"))
    assert run.returncode == 0, run.stdout

    library = workspace.folder / "fail.so"
    make = [compiler, "-shared", "-fPIC", "-o", library, FAILING / "fail.c", "-ldl"]
    subprocess.run(make, check=True)
    told = {"LD_PRELOAD": str(library), "PYTHONPATH": str(workspace.folder / "src")}
    command = [
        sys.executable,
        FAILING / "injected.py",
        workspace.folder,
        library,
        str(EACH),
        *KINDS,
    ]
    found = subprocess.run(command, env={**os.environ, **told}, capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    lines = [json.loads(line) for line in found.stdout.splitlines()]
    for script, calls, cases, passed, _ in lines:
        print(f"{script}: {calls}, {cases} failed in turn, {passed} of them borne")
    print(f"{sum(line[2] for line in lines)} failing calls in {len(lines)} scripts")
    assert not {line[0]: line[4] for line in lines if line[4]}
    assert {"world", "detect", "gradcam", "train_diffusion", "make_labels", "train_gaze"} <= {
        line[0] for line in lines
    }
    assert workspace.planned(configs=(SMOKE, "small.yaml")) == {}
