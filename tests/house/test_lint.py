"""``snakemake --lint`` finds nothing but what is explained here."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

EXPLAINED = {
    # What never changes a bit of a result stands in the command: a change of a parameter would make
    # the result again.
    "Shell command directly uses variable config from outside of the rule",
    "Shell command directly uses variable TRAINER from outside of the rule",
}


@pytest.mark.slow
def test_only_explained_findings() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "snakemake", "--lint"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        text=True,
        capture_output=True,
    )
    findings = set(re.findall(r"^    \* (.+?):?$", run.stderr, re.M))
    assert findings, run.stderr
    assert findings <= EXPLAINED
