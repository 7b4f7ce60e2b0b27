"""A TERM to Snakemake ends what it runs."""

import functools
import os
import signal
import subprocess
import sys
import textwrap
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


DYING = """
import os, signal, time, weakref
class Task:
    pass
task = Task()
watched = weakref.ref(task, lambda _: os.kill(os.getpid(), signal.SIGINT))
del task
time.sleep(30)
"""


@pytest.mark.parametrize("program", ["snakemake", "gcdr"])
def test_an_interrupt_that_python_swallows_ends_the_program(
    workspace: Workspace, program: str
) -> None:
    """As where a weak reference dies at that moment; before, it was gone and the program went on."""
    if program == "snakemake":
        (workspace.folder / "Snakefile").open("a").write(DYING)
        command = ["-m", "snakemake", "-n", "--cores", "1"]
    else:
        caught = (
            "import sys, gcdr.cli.cli_pictures as pictures\nimport gcdr.cli.commands as commands\n"
        )
        told = f"def heads(args):\n{textwrap.indent(DYING, '    ')}    return 0\npictures.heads = heads\n"
        called = (
            "sys.argv = ['gcdr', 'heads', 'photos', '--out', 'h.csv']\nsys.exit(commands.main())\n"
        )
        command = ["-c", caught + told + called]
    run = subprocess.run(
        [sys.executable, *command],
        cwd=workspace.folder,
        env={**os.environ, "PYTHONPATH": str(workspace.folder / "src")},
        capture_output=True,
        text=True,
        timeout=100,
        preexec_fn=functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    assert run.returncode != 0 and "Exception ignored" not in run.stderr, run.stderr
    assert "would" not in run.stdout
