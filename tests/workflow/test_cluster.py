"""The smoke pipeline on a SLURM that is there: all that goes wrong on clusters, and the same metrics.

``make test-slurm`` runs this on any cluster whose ``sinfo`` answers and whose nodes see the temporary folder.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest
from faults import faults_left, plan_faults
from preloaded import start_snakemake
from workflow_runs import FEWER, SMOKE, Workspace, run_snakemake

pytestmark = [pytest.mark.slurm, pytest.mark.slow]

# Trainings of many seconds, also where steps are quick, so that one can be met while it runs.
SMALL = f"""{FEWER}datasets: {{smoke: {{train_people: 80, test_people: 20}}}}
gaze: {{recipe: {{steps: 400, batch: 8}}, labelled_per_batch: 4}}
diffusion: {{recipe: {{steps: 400, batch: 8, draws: 1}}}}
"""
STUDY = "smoke/labels25-seed0"
TRAINED = {
    "train_diffusion": f"logs/{STUDY}/teachers/diffusion.log",
    "train_student": f"logs/{STUDY}/students/gcdr-t250-n2-k1+ofa-world-body+vat.log",
}
# Small enough for any node.
CLUSTER = [
    *("--workflow-profile", "profiles/slurm", "--retries", "2"),
    *("--default-resources", "mem_mb=1500", "runtime=30"),
    *("--slurm-init-seconds-before-status-checks", "4", "--seconds-between-status-checks", "4"),
]
# The first attempt of samples has a minute, in which it would hang for an hour.
NARROW = ["--set-resources", "samples:runtime=1+29*min(attempt-1,1)", "gradcam:mem_mb=1200"]
PATIENCE = 1800.0  # seconds; no test depends on how fast a cluster is


@pytest.fixture(scope="module")
def sbatch() -> str:
    """The command that submits; skips where no SLURM answers."""
    found = shutil.which("sbatch")
    if not found or subprocess.run(["sinfo", "-h"], capture_output=True).returncode:
        pytest.skip("no SLURM here: sinfo does not answer (CONTRIBUTING.md says how to start one)")
    return found


def small(folder: Path) -> Workspace:
    """A workspace with the overlay of this file."""
    folder.mkdir()
    workspace = Workspace(folder)
    workspace.write("small.yaml", SMALL)
    return workspace


def metrics(workspace: Workspace) -> dict[str, Any]:
    """Every metrics file, by name."""
    files = (workspace.folder / "results" / STUDY / "metrics").rglob("*.json")
    return {path.name: json.loads(path.read_text()) for path in files}


def until(true: Callable[[], Any], run: BaseProcess, said: Path) -> Any:
    """Wait until something is true, while Snakemake runs; what it was."""
    end = time.monotonic() + PATIENCE
    while not (found := true()):
        assert run.is_alive() and time.monotonic() < end, said.read_text()
        time.sleep(0.3)
    return found


class Cluster:
    """A run of Snakemake on the cluster that is there."""

    def __init__(self, workspace: Workspace, said: str) -> None:
        self.workspace, self.said = workspace, workspace.folder / said
        arguments = [*CLUSTER, *NARROW, "--configfile", SMOKE, "small.yaml"]
        folder = workspace.folder
        self.run = start_snakemake(folder, folder / "src", arguments, str(self.said))

    def training(self, rule: str, said: str = "") -> str:
        """Wait until a training of a rule is under way, and has said something; its job's number."""
        log = self.workspace.folder / TRAINED[rule]

        def under_way() -> bool:
            text = log.read_text() if log.exists() else ""
            return said in text and bool(re.search(r"model: +\d+%", text))

        until(under_way, self.run, self.said)
        time.sleep(1)  # some steps
        return until(lambda: self.number_of(rule), self.run, self.said)

    def number_of(self, rule: str) -> str:
        """The number of the job of a rule that runs; empty where there is none."""
        for line in self.jobs():
            number, _, comment = line.partition("|")
            if comment.startswith(f"rule_{rule}_"):
                return number
        return ""

    def jobs(self) -> list[str]:
        """``number|comment`` of the jobs of this run that have not ended."""
        name = re.search(r"SLURM run ID: (\S+)", self.said.read_text())
        assert name is not None, self.said.read_text()
        command = ["squeue", "-h", "-o", "%i|%k", "-n", name[1], "-t", "R,PD,CG"]
        return subprocess.run(command, capture_output=True, text=True).stdout.split()

    def emptied(self) -> bool:
        """Whether the cluster has no job of this run any more, once it had its time to end them."""
        end = time.monotonic() + 120
        while self.jobs() and time.monotonic() < end:
            time.sleep(1)
        return not self.jobs()

    def ended(self) -> int:
        """Wait for Snakemake's end; its exit status."""
        self.run.join(PATIENCE)
        assert self.run.exitcode is not None, self.said.read_text()
        return self.run.exitcode


def test_through_every_trouble_to_the_same_metrics(sbatch: str, tmp_path: Path) -> None:
    local = small(tmp_path / "local")
    run = local.snakemake(configs=(SMOKE, "small.yaml"))
    assert run.returncode == 0, run.stdout

    remote = small(tmp_path / "remote")
    plan_faults(remote.folder, "detect", "fail")
    plan_faults(remote.folder, "samples", "hang")
    plan_faults(remote.folder, "gradcam", "hog")
    first = Cluster(remote, "first.txt")
    subprocess.run(["scancel", first.training("train_diffusion")], check=True)
    first.training("train_diffusion", "going on after step")
    assert first.run.pid is not None
    os.kill(first.run.pid, signal.SIGINT)
    assert first.ended() == 1 and first.emptied()

    second = Cluster(remote, "second.txt")
    subprocess.run(["scontrol", "requeue", second.training("train_student")], check=True)
    assert second.ended() == 0, second.said.read_text()

    said = first.said.read_text() + second.said.read_text()
    for trouble in ("over its time, had 1 minutes", "out of memory, had 1200 MB", "cancelled"):
        assert trouble in said, said
    assert not faults_left(remote.folder) and said.count("repeated: ") >= 4
    for rule, log in TRAINED.items():
        assert "going on after step" in (remote.folder / log).read_text(), rule
    assert metrics(remote) == metrics(local) != {}
    assert remote.planned(configs=(SMOKE, "small.yaml")) == {}


def test_bad_input_is_not_repeated_on_a_cluster(sbatch: str, tmp_path: Path) -> None:
    """Nodes tell no exit status; the log does."""
    workspace = small(tmp_path / "bad")
    manifest = workspace.snakemake(
        "results/data/smoke/manifest.parquet", configs=(SMOKE, "small.yaml")
    )
    assert manifest.returncode == 0, manifest.stdout
    for picture in (workspace.folder / "results/data/smoke/images").rglob("*.jpg"):
        picture.write_bytes(b"no picture")
    cache = "results/data/smoke/samples-56.h5"
    arguments = [cache, *CLUSTER, "--configfile", SMOKE, "small.yaml"]
    run = run_snakemake(workspace.folder, workspace.folder / "src", arguments)
    assert run.returncode == 1, run.stdout
    assert run.stdout.count("failed: ") == 1 and "repeated: " not in run.stdout
