"""The smoke pipeline through many kills at random moments: the same metrics, and nothing left over.

``make test-chaos`` runs this; ``CHAOS_KILLS`` and ``CHAOS_SEED`` say how many kills, and which. The only
repair is what Snakemake's own message says, ``--unlock``, and to start it again.
"""

import contextlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest
from preloaded import start_snakemake
from workflow_runs import FEWER, SMOKE, Workspace

pytestmark = [pytest.mark.chaos, pytest.mark.slow]

KILLS = int(os.environ.get("CHAOS_KILLS", "100"))
SEED = int(os.environ.get("CHAOS_SEED", "0"))
# Trainings of some seconds that keep their state every other second, blocks that take one.
SMALL = f"""{FEWER}datasets: {{smoke: {{train_people: 120, test_people: 20}}}}
gaze: {{recipe: {{steps: 60, batch: 8}}, labelled_per_batch: 4}}
diffusion: {{recipe: {{steps: 60, batch: 8, draws: 1}}}}
"""
KEPT = 'import os\nos.environ["GCDR_SAVE_SECONDS"] = "2"\n'
CLUSTER = [
    *("--workflow-profile", "profiles/slurm", "--default-resources", "mem_mb=1500", "runtime=30"),
    *("--slurm-init-seconds-before-status-checks", "4", "--seconds-between-status-checks", "4"),
]


def small(folder: Path) -> Workspace:
    """A workspace with the overlay of this file."""
    folder.mkdir()
    workspace = Workspace(folder)
    workspace.write("small.yaml", SMALL)
    (folder / "src/sitecustomize.py").write_text(KEPT)
    return workspace


def metrics(workspace: Workspace) -> dict[str, Any]:
    """Every metrics file, by name."""
    files = (workspace.folder / "results").rglob("metrics/**/*.json")
    return {path.name: json.loads(path.read_text()) for path in files}


def jobs_in(folder: Path) -> Iterator[tuple[int, str]]:
    """Number and command line of every process that runs a script of a workspace on this machine."""
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (process / "cmdline").read_text().split("\0")
            script = any(word.startswith("workflow/scripts/") for word in words[1:2])
            if script and (process / "cwd").resolve() == folder.resolve():
                yield int(process.name), " ".join(words[1:])


def submitted(folder: Path, *of: str) -> list[str]:
    """Numbers of the jobs of a workspace that SLURM has."""
    command = ["squeue", "-h", "--me", "-o", "%i %Z", *of]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    jobs = (line.split(maxsplit=1) for line in listed.splitlines())
    return [number for number, where in jobs if Path(where).resolve() == folder.resolve()]


class Chaos:
    """Runs Snakemake again and again, and kills it and its jobs meanwhile."""

    def __init__(self, chance: random.Random, arguments: list[str], slurm: bool) -> None:
        self.chance, self.arguments, self.slurm = chance, arguments, slurm
        self.kills: Counter[str] = Counter()
        self.oldest = 0.0  # seconds that a killed training lost, its start among them

    def until_done(self, workspace: Workspace) -> None:
        """Bring a workspace to its end; kills go on as long as there are any left to do."""
        for start in range(20 * KILLS):
            said = workspace.folder / f"said-{start}.txt"
            run = start_snakemake(
                workspace.folder, workspace.folder / "src", self.arguments, str(said)
            )
            self._disturb(run, workspace)
            run.join(3600)
            if run.exitcode == 0:
                return
            text = said.read_text()
            # Asked while it still reads its files, Snakemake itself ends with Python's own stack.
            begun = re.search(r"^ *\d+ of \d+", text, re.MULTILINE)
            early = text.rstrip().endswith("KeyboardInterrupt") and not begun
            assert "Traceback" not in text or early, text
            assert "error: " not in text, text  # no kill is bad input
            if "cannot be locked" in text:
                for number in submitted(workspace.folder) if self.slurm else ():
                    subprocess.run(["scancel", number], check=True)  # as docs/cluster.md says
                unlocked = workspace.snakemake("--unlock", configs=(SMOKE, "small.yaml"))
                assert unlocked.returncode == 0, unlocked.stdout
            else:
                assert self.kills.total() < KILLS or self._was_killed(run, text), text
        pytest.fail("it never came to its end")

    def _was_killed(self, run: BaseProcess, text: str) -> bool:
        """Whether a run that failed says so of a job that was killed, or was killed itself."""
        return bool((run.exitcode or 0) < 0 or re.search(r"failed|killed|stopped|cancel", text))

    def _disturb(self, run: BaseProcess, workspace: Workspace) -> None:
        while self.kills.total() < KILLS:
            run.join(self.chance.uniform(0.5, 8))
            if not run.is_alive():
                return
            assert run.pid is not None
            number = self.chance.choice((signal.SIGKILL, signal.SIGKILL, signal.SIGTERM))
            running = sorted(jobs_in(workspace.folder))
            draw = self.chance.random()
            if draw < 0.1:
                self._kill(run.pid, signal.SIGKILL, "Snakemake alone")
            elif draw < 0.2:
                self._kill(run.pid, signal.SIGKILL, "Snakemake and its jobs")
                for job, _ in running:
                    self._kill(job, signal.SIGKILL, "")
            elif draw < 0.25:
                self._kill(run.pid, self.chance.choice((signal.SIGINT, signal.SIGTERM)), "asked")
            elif self.slurm and draw < 0.5:
                self._cancel(workspace.folder)
            elif running:
                job, command = self.chance.choice(running)
                self._note_age(workspace.folder, job, command)
                self._kill(job, number, f"a job by {number.name}")

    def _cancel(self, folder: Path) -> None:
        """Let SLURM end or requeue a job of a workspace."""
        if numbers := submitted(folder, "-t", "R"):
            how = self.chance.choice((["scancel"], ["scontrol", "requeue"]))
            subprocess.run([*how, self.chance.choice(numbers)], capture_output=True)
            self.kills[how[-1]] += 1

    def _kill(self, process: int, number: int, name: str) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, number)
            if name:
                self.kills[name] += 1

    def _note_age(self, folder: Path, job: int, command: str) -> None:
        """How much a training that is killed now loses: since its state, or since it was started."""
        if found := re.search(r"--out=(\S+)", command):
            out = folder / found[1]
            for state in out.parent.glob(f".{out.name}.resume-*/state.pt"):
                with contextlib.suppress(OSError):
                    begun = max(state.stat().st_mtime, Path(f"/proc/{job}").stat().st_ctime)
                    self.oldest = max(self.oldest, time.time() - begun)


def check(slurm: bool, arguments: list[str], tmp_path: Path) -> None:
    calm = small(tmp_path / "calm")
    run = calm.snakemake(configs=(SMOKE, "small.yaml"))
    assert run.returncode == 0, run.stdout
    meant = metrics(calm)
    assert meant

    options = [*arguments, "--configfile", SMOKE, "small.yaml"]
    chaos = Chaos(random.Random(SEED), options, slurm)
    rounds = 0
    while chaos.kills.total() < KILLS:
        rounds += 1
        wild = small(tmp_path / f"wild-{rounds}")
        chaos.until_done(wild)
        until = time.monotonic() + 120
        while list(jobs_in(wild.folder)) and time.monotonic() < until:  # whom nobody waits for
            time.sleep(0.5)
        assert metrics(wild) == meant
        assert wild.planned(configs=(SMOKE, "small.yaml")) == {}
        hidden = {path.name for path in (wild.folder / "results").rglob(".*")}
        assert hidden <= {".gitkeep", ".snakemake_timestamp"}
    print(f"{chaos.kills.total()} kills in {rounds} runs to the end: {dict(chaos.kills)}")
    print(f"a killed training lost at most {chaos.oldest:.1f} s, its start among them")


def test_kills_end_in_the_same_metrics(tmp_path: Path) -> None:
    check(False, ["--cores", "2", "--retries", "2"], tmp_path)


def test_kills_on_a_cluster_end_in_the_same_metrics(tmp_path: Path) -> None:
    """On a cluster of one node, this one."""
    if (
        not shutil.which("sbatch")
        or subprocess.run(["sinfo", "-h"], capture_output=True).returncode
    ):
        pytest.skip("no SLURM here: sinfo does not answer (CONTRIBUTING.md says how to start one)")
    check(True, CLUSTER, tmp_path)
