"""One of the paper's tables as a file that others can set beside theirs."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import torch

from gcdr.base.errors import InputError
from gcdr.base.files import write_json
from gcdr.base.plain import JsonTable
from gcdr.data.manifest import read_people
from gcdr.datasets.layout import Source, annotation_files
from gcdr.report.paper_tables import PAPER_TABLES, PaperTable
from gcdr.report.tables import read_metrics
from gcdr.report.timing import read_benchmarks, stage_totals
from gcdr.verification.claims import OURS, PROTOCOLS, VIDEO
from gcdr.verification.submission import submission
from gcdr.verification.verify import ROUNDING, device_name

PUBLISHED = ("AvgDist", "MinDist", "AUC")
"""What the paper's triples are; with the one annotator of films both distances are ``Dist``."""
ON_VIDEO = {"AvgDist": "Dist", "AUC": "AUC"}


def write_table_submission(
    table: str,
    cells: Sequence[Sequence[Sequence[str]]],
    manifest: Path,
    source: Source,
    settings: JsonTable,
    weights: Mapping[str, str],
    runs: Sequence[str],
    computed_on: str,
    benchmarks: Path,
    out: Path,
) -> None:
    """Write such a file, see :func:`gcdr.verification.submission.submission`.

    Args:
        table: key of ``PAPER_TABLES``.
        cells: metrics files by column, row and run.
        manifest: that of the test people.
        source: their data set.
        settings: what of the configuration decides the numbers.
        weights: weights that models begin from, and lists that splits go by, by the key that names them.
        runs: how the names of the records of its jobs begin, see :func:`gcdr.config.deciding.runs_of`.
        computed_on: the device as configured; this process may be on another machine than its jobs were.
        benchmarks: folder of the jobs' times.
        out: the file.

    Raises:
        InputError: as :func:`table_result`, :func:`gcdr.report.timing.read_benchmarks`.
    """
    files = sorted({Path(file) for column in cells for row in column for file in row})
    jobs = read_benchmarks(benchmarks)
    jobs = jobs[jobs["file"].str.partition("/")[2].str.startswith(tuple(runs))]
    totals = stage_totals(jobs).set_index("stage")["wall_s"]
    seconds = {str(stage): round(float(wall), 1) for stage, wall in totals.items()}
    tested = int((read_people(manifest)["split"] == "test").sum())
    result = table_result(PAPER_TABLES[table], table, cells, source["kind"], tested)
    used = {
        "annotations": annotation_files(source),
        **{key: Path(path) for key, path in weights.items() if Path(path).exists()},
        "metrics": files,
    }
    device = (
        f"{device_name(torch.device('cuda'))}, here" if torch.cuda.is_available() else "CPU, here"
    )
    device = f"{computed_on}, as configured ({device})"
    more = {"seconds": seconds, "settings": settings}
    write_json(out, submission(result | more, used, device, sum(seconds.values())))


def table_result(
    table: PaperTable,
    name: str,
    cells: Sequence[Sequence[Sequence[str]]],
    dataset: str,
    tested: int,
) -> JsonTable:
    """A table's numbers beside the paper's, as :func:`gcdr.verification.verify.beside_claim` has a model's.

    Args:
        table: what it holds.
        name: what it is called.
        cells: metrics files by column, row and run.
        dataset: kind of the data set.
        tested: its test people, with those of whom nothing can be measured.

    Returns:
        ``metrics`` by row, column and published name: over several runs the mean, between the least and the
        greatest end of their intervals.

    Raises:
        InputError: the numbers are of another data set than the paper's, or of different people; no row of
            the table has published ones; or what :func:`gcdr.report.tables.read_metrics` raises.
    """
    if dataset not in PROTOCOLS:
        raise InputError(
            f"{name}: found a data set of the kind {dataset}, expected one of {', '.join(PROTOCOLS)}: of "
            "others nothing is published"
        )
    metrics: dict[str, JsonTable] = {}
    runs: list[pd.DataFrame] = []
    for column, rows in zip(table.columns, cells, strict=True):
        for row, files in zip(table.rows, rows, strict=True):
            if (published := row.published(column)) is None:
                continue
            found = read_metrics(files)
            runs.append(found)
            for metric, value in zip(PUBLISHED, published, strict=True):
                if called := ON_VIDEO.get(metric) if dataset == VIDEO else metric:
                    where = f"{row.name if row.share else f'{row.name}, {column}'}: {called}"
                    metrics[where] = _beside(found, PROTOCOLS[dataset][called], value, where)
    if not metrics:
        raise InputError(f"{name}: no row has numbers of the paper; expected a table with some")
    every = pd.concat(runs)
    counts = sorted(map(int, every["people"].unique()))
    if len(counts) > 1:
        raise InputError(
            f"{name}: found results of {counts[0]} and of {counts[-1]} test people, expected one number; "
            "evaluate again those that were made of other data"
        )
    return {
        "claim": name,
        "title": table.title,
        "source": "Miao et al. (2024)",
        "dataset": dataset,
        "people": counts[0],
        "of": tested,
        "seed": sorted(map(int, every["seed"].unique())),
        "metrics": metrics,
    }


def _beside(found: pd.DataFrame, protocol: str, published: float, where: str) -> JsonTable:
    """One number of a table, over its runs."""
    mine = found[found["metric"] == protocol]
    if mine.empty:
        raise InputError(f"{where}: no metrics file has {protocol}; expected it to be measured")
    low, high = float(mine["low"].min()), float(mine["high"].max())
    return {
        "published": published,
        "measured": float(mine["value"].mean()),
        "low": low,
        "high": high,
        "agrees": bool(low - ROUNDING <= published <= high + ROUNDING),
        "own": float(found.loc[found["metric"] == OURS[protocol], "value"].mean()),
    }
