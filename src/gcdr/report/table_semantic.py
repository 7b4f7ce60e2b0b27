"""Where and what: the semantic gaze paper's table, of the demo world or of data sets with names."""

import math
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gcdr.base.files import read_json
from gcdr.report.rows import row_title
from gcdr.report.typeset import markdown, number, write_csv_table, write_text
from gcdr.variants import parse_variant

COLUMNS = {
    "semantic_dist_to_mean": "Avg. Dist. ↓",
    "semantic_mean_dist": "Mean Dist. ↓",
    "semantic_min_dist": "Min. Dist. ↓",
    "semantic_auc": "AUC ↑",
    "acc_1": "Acc@1 ↑",
    "acc_3": "Acc@3 ↑",
    "multi_acc_1": "MultiAcc@1 ↑",
    "gaze_acc": "GazeAcc ↑",
}

LONGER = ("semantic_mean_dist",)
"""Columns of the supplement's longer table alone."""
GUESSED = {
    "random": "drawn",
    "majority": "the most frequent one of the labelled people",
    "answers": "the noun of the prior's answer",
}


def row_titles(rows: Sequence[Mapping[str, Any]], gaze_titles: Mapping[str, str]) -> list[str]:
    """Titles of rows as in Table 1: priors are named where there are several.

    Args:
        rows: each with ``guess``, one of ``GUESSED``, or with ``variants``, a model's name in each study, and
            perhaps ``how``, what is done to pictures for a second stage; and perhaps ``study``, where each
            stands for itself.
        gaze_titles: what gaze models are called.
    """
    models = [[parse_variant(name) for name in row.get("variants", ())] for row in rows]
    priors = [list(dict.fromkeys(one.prior for one in named if one.prior)) for named in models]
    several = len(set(chain(*priors))) > 1
    titles = []
    for row, named, seen in zip(rows, models, priors, strict=True):
        title = row.get("guess")
        if title is None:
            model = named[0]
            title = row_title(
                model.method,
                gaze_titles.get(model.gaze or "", model.gaze),
                " / ".join(seen) if several and seen else None,
                gaze_titles.get(model.labeller or "", model.labeller),
                several=True,
            )
        title = f"two stages ({row['how']}), {title}" if "how" in row else title
        titles.append(f"{title} ({row['study']})" if "study" in row else title)
    return titles


def semantic_table(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Means over studies, a row a model.

    Args:
        rows: each with ``title`` and ``files``, its metrics in each study.

    Returns:
        ``title``, ``studies``, ``people`` of all of these, ``tower``, in whose space names lie, and of each
        metric ``M`` of ``COLUMNS`` that anybody has its mean and, over several studies, its standard
        deviation ``M_sd``; where it counts fewer people or studies than there are, how many, as
        ``M_people`` and ``M_studies``.
    """
    table = []
    for row in rows:
        files = [read_json(Path(file)) for file in row["files"]]
        found = [one["metrics"] for one in files]
        everybody = sum(one["people"] for one in files)
        towers = dict.fromkeys(one["tower"] for one in files if "tower" in one)
        line = {"title": row["title"], "studies": len(found), "people": everybody}
        line["tower"] = "; ".join(towers) or None
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
    """The same for people: the paper's table and its supplement's longer one, notes below."""
    known = [name for name in COLUMNS if name in table]
    short = [name for name in known if name not in LONGER]
    several = table["studies"].max()
    guesses = [name for name in GUESSED if table["title"].str.fullmatch(rf"{name}( \(.*\))?").any()]
    towers = table["tower"].dropna().unique() if "tower" in table else []
    notes = [
        f"Means over {several} studies, ± one standard deviation."
        if several > 1
        else "A row is of one study.",
        *_counted(table, known),
        *(f"Names lie in the space of: {tower}." for tower in towers),
        "Points are decoded below the cell, of maps at 64 x 64 cells, and areas are of these (Tafasca et al. "
        "2024).",
    ]
    if guesses:
        meant = ", ".join(f"{name}: {GUESSED[name]}" for name in guesses)
        notes.append(f"Names without a gaze model are {meant}.")
    said = "".join(f"- {note}\n" for note in notes)
    tables = [_typeset(table, short)]
    if len(known) > len(short):
        tables += ["The supplement's longer table:\n", _typeset(table, known)]
    return "\n".join([*tables, said])


def _typeset(table: pd.DataFrame, shown: Sequence[str]) -> str:
    """Some columns of a table as Markdown."""
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
    return markdown(["Model", *(COLUMNS[name] for name in shown)], lines)


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


def write_table_semantic(
    rows: Sequence[Mapping[str, Any]], gaze_titles: Mapping[str, str], csv: Path, page: Path
) -> None:
    """Write the table as CSV and as Markdown, and print it.

    Args:
        rows: of :func:`row_titles`, each with ``files`` as for :func:`semantic_table`.
        gaze_titles: what gaze models are called.
        csv, page: the files.
    """
    titles = row_titles(rows, gaze_titles)
    table = semantic_table([{**row, "title": of} for row, of in zip(rows, titles, strict=True)])
    write_csv_table(table, csv)
    text = semantic_markdown(table)
    write_text(text, page)
    print(text)
