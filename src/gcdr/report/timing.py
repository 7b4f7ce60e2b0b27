"""Time and memory of the stages, from the workflow engine's benchmark files."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from gcdr.base.errors import InputError

_COLUMNS = {"s": "wall_s", "cpu_time": "cpu_s", "max_rss": "max_rss_mib"}


def read_benchmarks(folder: str | Path) -> pd.DataFrame:
    """Read every ``*.tsv`` below a folder, one row a job.

    Args:
        folder: root of the benchmark files, which lie in a folder for each stage.

    Returns:
        ``stage file`` (path relative to ``folder``) ``wall_s cpu_s`` (seconds) ``max_rss_mib``
        (MiB) and ``end`` (the file's modification time, seconds of the epoch: a benchmark file is
        written when its job ends). Jobs too short to be sampled have NaN for CPU and memory.

    Raises:
        InputError: the folder is absent, or a file has no wall time.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    rows = []
    for path in sorted(folder.rglob("*.tsv")):
        try:
            table = pd.read_csv(path, sep="\t", na_values=["NA", "-"])
        except (pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeDecodeError) as error:
            raise InputError(f"{path}: not a benchmark file ({error})") from error
        if "s" not in table or pd.to_numeric(table["s"], errors="coerce").isna().any():
            raise InputError(f"{path}: column s: expected a number of seconds in each row")
        relative = path.relative_to(folder)
        for _, row in table.iterrows():
            numbers = {
                ours: pd.to_numeric(row.get(theirs), errors="coerce")
                for theirs, ours in _COLUMNS.items()
            }
            rows.append(
                {
                    "stage": relative.parts[0] if len(relative.parts) > 1 else path.stem,
                    "file": relative.as_posix(),
                    **numbers,
                    "end": path.stat().st_mtime,
                }
            )
    columns = ["stage", "file", *_COLUMNS.values(), "end"]
    return pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(columns[2:], float))


def stage_totals(jobs: pd.DataFrame, order: tuple[str, ...] = ()) -> pd.DataFrame:
    """Totals by stage: ``stage jobs wall_s cpu_s max_rss_mib`` (sums, and the largest memory).

    Args:
        jobs: table of `read_benchmarks`.
        order: stages that come first, in this order; the others follow by first end.
    """
    groups = jobs.sort_values("end", kind="stable").groupby("stage", sort=False)
    totals = groups.agg(
        jobs=("wall_s", "size"),
        wall_s=("wall_s", "sum"),
        cpu_s=("cpu_s", lambda values: values.sum(min_count=1)),
        max_rss_mib=("max_rss_mib", "max"),
    )
    first = [stage for stage in order if stage in totals.index]
    rest = [stage for stage in totals.index if stage not in first]
    return totals.loc[[*first, *rest]].reset_index()


@dataclass(frozen=True)
class Overhead:
    """What a run's wall time spent outside the stages' own work.

    Attributes:
        span_s: seconds from the first job's start to the last job's end, pauses left out.
        gap_share: share of ``span_s`` in which no job ran (the workflow engine's own time).
        startup_share: share of the jobs' time that starts interpreters and imports libraries.
        share: both together, as a share of ``span_s``.
    """

    span_s: float
    gap_share: float
    startup_share: float
    share: float


def overhead(jobs: pd.DataFrame, startup_s: float, pause_s: float = 60.0) -> Overhead:
    """Estimate the overhead from benchmark files alone.

    A job's interval is [end - wall, end]. Time inside the span that no interval covers is the
    engine's; time before the first job (the engine's own start) cannot be seen here.

    Args:
        jobs: table of `read_benchmarks`, not empty.
        startup_s: seconds to start an interpreter with its imports; a job is never charged more than
            it took.
        pause_s: a longer stretch without a job is the time between two runs and is left out.

    Raises:
        InputError: no job.
    """
    if jobs.empty:
        raise InputError("overhead: no benchmark file")
    busy = gaps = 0.0
    reached = None
    starts = jobs["end"] - jobs["wall_s"]
    for start, end in sorted(zip(starts, jobs["end"], strict=True)):
        if reached is None or start > reached:
            gap = 0.0 if reached is None else start - reached
            gaps += gap if gap <= pause_s else 0.0
            busy += end - start
        else:
            busy += max(0.0, end - reached)
        reached = end if reached is None else max(reached, end)
    span = busy + gaps
    gap_share = gaps / span if span else 0.0
    worked = jobs["wall_s"].sum()
    startup_share = jobs["wall_s"].clip(upper=startup_s).sum() / worked if worked else 0.0
    share = gap_share + (1.0 - gap_share) * startup_share
    return Overhead(float(span), float(gap_share), float(startup_share), float(share))
