"""A TERM to Snakemake ends what it runs."""

import os
import signal
import time

import pytest
from preloaded import start_snakemake
from workflow_runs import SMOKE, Workspace

LONG = "datasets: {smoke: {train_people: 1000000}}\n"


@pytest.mark.slow
def test_a_term_ends_the_running_job(workspace: Workspace) -> None:
    """Drawing such a world takes hours."""
    folder, log = workspace.folder, workspace.folder / "logs/smoke/world.log"
    manifest = "results/data/smoke/manifest.parquet"
    configs = [SMOKE, workspace.write("long.yaml", LONG)]
    arguments = [manifest, "--cores", "1", "--configfile", *configs]
    process = start_snakemake(folder, folder / "src", arguments, str(folder / "said.txt"))
    until = time.monotonic() + 300
    while not (log.exists() and "start-up" in log.read_text()):
        assert process.is_alive() and time.monotonic() < until, (folder / "said.txt").read_text()
        time.sleep(0.1)
    os.kill(process.pid, signal.SIGTERM)
    process.join(300)
    assert process.exitcode == 1
    assert "stopped by SIGTERM" in log.read_text()
    assert "Will exit after finishing" in (folder / "said.txt").read_text()
    assert not (folder / manifest).exists()
    left = [path for path in (folder / "results/data/smoke").rglob("*") if path.is_file()]
    assert not left
