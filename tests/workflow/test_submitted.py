"""Job arrays as SLURM would get them (benchmarks/submitted.py)."""

import subprocess
import sys

import pytest
from workflow_runs import ROOT


@pytest.mark.slow
def test_every_shard_is_a_task_of_one_array() -> None:
    """The script fails where one lacks, is there twice, or is too long for SLURM."""
    words = ["--shards", "250", "--limit", "100", "--device", "cuda"]
    run = subprocess.run(
        [sys.executable, ROOT / "benchmarks/submitted.py", *words], text=True, capture_output=True
    )
    assert run.returncode == 0, run.stdout + run.stderr
    arrays = [line for line in run.stdout.splitlines() if line.startswith("array ")]
    assert len(arrays) == 3 and sum(" gpus=1" in line for line in arrays) == 3, arrays
