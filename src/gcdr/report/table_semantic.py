"""Where and what: the semantic gaze paper's table, of the demo world or of data sets with names."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gcdr.base.files import read_json
from gcdr.report.typeset import markdown, number, write_csv_table, write_text

COLUMNS = {
    "semantic_dist_to_mean": "Avg. Dist. ↓",
    "semantic_min_dist": "Min. Dist. ↓",
    "semantic_auc": "AUC ↑",
    "acc_1": "Acc@1 ↑",
    "acc_3": "Acc@3 ↑",
    "multi_acc_1": "MultiAcc@1 ↑",
    "gaze_acc": "GazeAcc ↑",
}


def semantic_table(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Means over studies, a row a model.

    Args:
        rows: each with ``title`` and ``files``, its metrics in each study.

    Returns:
        ``title``, ``studies``, ``people`` of all of these, and of each metric ``M`` of ``COLUMNS`` that
        anybody has its mean and, over several studies, its standard deviation ``M_sd``; where it counts fewer
        people or studies than there are, how many, as ``M_people`` and ``M_studies``.
    """
    table = []
    for row in rows:
        files = [read_json(Path(file)) for file in row["files"]]
        found = [one["metrics"] for one in files]
        everybody = sum(one["people"] for one in files)
        line = {"title": row["title"], "studies": len(found), "people": everybody}
        for name in COLUMNS:
            values = [one[name]["value"] for one in found if name in one]
            line[name] = float(np.mean(values)) if values else math.nan
            line[f"{name}_sd"] = float(np.std(values, ddof=1)) if len(values) > 1 else math.nan
            counted = sum(one[name]["people"] for one in found if name in one)
            line[f"{name}_people"] = counted if 0 < counted < everybody else math.nan
            line[f"{name}_studies"] = len(values) if 0 < len(values) < len(found) else math.nan
        table.append(line)
    known = pd.DataFrame(table)
    return known.dropna(axis=1, how="all")


def semantic_markdown(table: pd.DataFrame) -> str:
    """The same for people, notes below."""
    shown = [name for name in COLUMNS if name in table]
    lines = []
    for _, row in table.iterrows():
        cells = [row["title"]]
        for name in shown:
            spread = row.get(f"{name}_sd", math.nan)
            more = "" if math.isnan(spread) else f" ± {number(spread)}"
            if not math.isnan(of := row.get(f"{name}_studies", math.nan)):
                more += f" ({of:.0f} of {row['studies']} studies)"
            cells.append("–" if math.isnan(row[name]) else number(row[name]) + more)
        lines.append(cells)
    several = table["studies"].max()
    notes = [
        f"Means over {several} studies, ± one standard deviation."
        if several > 1
        else "A row is of one study.",
        *_counted(table, shown),
        "Points are decoded below the cell, of maps at 64 x 64 cells, and areas are of these (Tafasca et al. "
        "2024).",
        "random, majority, answers: names without a gaze model: drawn, the most frequent one of the labelled "
        "people, and the noun of the VQA model's answer.",
    ]
    said = "".join(f"- {note}\n" for note in notes)
    return markdown(["Model", *(COLUMNS[name] for name in shown)], lines) + "\n" + said


def _counted(table: pd.DataFrame, shown: Sequence[str]) -> list[str]:
    """Of how many people a metric is where that is not everybody, a note a metric."""
    notes = []
    for name in shown:
        counted = table.get(f"{name}_people", pd.Series(dtype=float)).dropna()
        if len(counted):
            pairs = zip(counted.astype(int), table.loc[counted.index, "people"], strict=True)
            of = " or ".join(
                f"{some:,} of {everybody:,}" for some, everybody in dict.fromkeys(pairs)
            )
            notes.append(f"{COLUMNS[name][:-2]} is of {of} people, those of whom it can be told.")
    return notes


def write_table_semantic(rows: Sequence[Mapping[str, Any]], csv: Path, page: Path) -> None:
    """Write the table as CSV and as Markdown, and print it."""
    table = semantic_table(rows)
    write_csv_table(table, csv)
    text = semantic_markdown(table)
    write_text(text, page)
    print(text)
