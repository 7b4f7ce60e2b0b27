"""Snakemake as ``python -m snakemake`` runs it, by a server that has imported it once.

Its imports are more than half of what a start costs. Each run is a process of its own, forked from one that
has done nothing but these imports; this package it takes from where it runs.
"""

import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path

from warm import MEASURED, warm_folder

TOOK = "took.txt"
"""Where it is run: what its jobs took, if ``--benchmark-extended`` asks for that."""

SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["snakemake.cli", "jsonschema"])


def run_snakemake(
    folder: Path, source: Path, arguments: Sequence[str]
) -> subprocess.CompletedProcess[str]:
    """Run Snakemake; stdout and stderr together.

    Args:
        folder: where it is started.
        source: folder of the package that it and its jobs use.
        arguments: its own.
    """
    with tempfile.NamedTemporaryFile("r", errors="replace") as said:
        process = start_snakemake(folder, source, arguments, said.name, str(warm_folder()))
        process.join()
        return subprocess.CompletedProcess([*arguments], process.exitcode or 0, said.read())


def start_snakemake(
    folder: Path, source: Path, arguments: Sequence[str], said: str, first: str = ""
) -> BaseProcess:
    """The same without waiting for its end; what it says goes behind what is in the file ``said``.

    Args:
        folder, source, arguments: as of :func:`run_snakemake`.
        said: the file.
        first: folder of the ``python`` that jobs start (:mod:`warm`); empty for the one that runs.
    """
    process = SERVER.Process(target=_main, args=(folder, source, [*arguments], said, first))
    process.start()
    return process


def _main(folder: Path, source: Path, arguments: list[str], said: str, first: str) -> None:
    into = os.open(said, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for stream in (1, 2):
        os.dup2(into, stream)
    os.chdir(folder)
    os.environ |= {"PYTHONPATH": str(source), "OMP_NUM_THREADS": "1"}
    if "--benchmark-extended" in arguments:
        os.environ[MEASURED] = str(folder / TOOK)
    if first:  # the workflow puts the folder of the Python that runs it before all others
        sys.executable = str(Path(first, "python"))
    sys.path[:0] = [str(folder), str(source)]
    # As the profile has it, every run would end seconds later.
    sys.argv = ["snakemake", "--max-jobs-per-timespan", "100/1s", *arguments]
    from snakemake.cli import main

    main()
