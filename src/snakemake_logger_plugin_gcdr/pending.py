"""What a cluster has begun of what was submitted, how long that took there, and why the rest waits."""

import os
import subprocess
from collections import Counter
from collections.abc import Iterable
from pathlib import Path


def has_begun(logs: Iterable[str], submitted: float) -> bool:
    """Whether a job has written to one of its logs since it was submitted (seconds since the epoch)."""
    for log in logs:
        try:
            if os.path.getmtime(log) >= submitted:
                return True
        except OSError:
            continue
    return False


def seconds_of(benchmark: str | None, since: float) -> float | None:
    """What a job took by its benchmark file; None without one that was written since then."""
    try:
        if benchmark is None or os.path.getmtime(benchmark) < since:
            return None
        names, values = (line.split("\t") for line in Path(benchmark).read_text().splitlines()[:2])
        return float(values[names.index("s")])
    except (OSError, ValueError):
        return None


def reasons(run: str) -> str:
    """Why jobs of a run wait, as SLURM says it: ``3 Resources, 1 Priority``; empty where it does not."""
    command = ["squeue", "-h", "-n", run, "-t", "PD", "-o", "%r"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=20).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""
    counts = Counter(line.strip() for line in said.splitlines() if line.strip())
    return ", ".join(f"{count} {reason}" for reason, count in counts.most_common())
