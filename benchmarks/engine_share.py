"""The share of a run that Snakemake and the starts of interpreters take, in CPU seconds.

    python benchmarks/engine_share.py --cores 2 --configfile configs/smoke.yaml

What stands behind the name goes to ``snakemake``. Every job says what its start took, in the first line of
its log; that is before any work, and without the interpreter's end.
"""

import resource
import sys
import time
from pathlib import Path

from snakemake.cli import main as snakemake

from gcdr.base.endings import START_UP


def starts_since(logs: Path, since: float) -> list[float]:
    """CPU seconds of the starts of jobs whose logs are of a run that began then (seconds since the epoch)."""
    mine = [log for log in logs.rglob("*.log") if log.stat().st_mtime >= since]
    lines = [log.read_text(errors="replace").partition("\n")[0] for log in mine]
    return [float(line.split()[1]) for line in lines if line.startswith(START_UP)]


def main() -> None:
    began, status = time.time(), 0
    try:
        snakemake(sys.argv[1:])
    except SystemExit as end:
        status = int(end.code or 0)
    own, jobs = (
        used.ru_utime + used.ru_stime
        for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )
    starts = starts_since(Path("logs"), began)
    share = (own + sum(starts)) / (own + jobs)
    print(
        f"{own + jobs:.0f} CPU s: Snakemake {own:.1f}, {len(starts)} starts {sum(starts):.1f}, "
        f"together {share:.1%}; {time.time() - began:.0f} s by the clock"
    )
    sys.exit(status)


if __name__ == "__main__":
    main()
