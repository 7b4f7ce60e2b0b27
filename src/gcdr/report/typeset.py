"""Tables as people read them: CSV, Markdown and aligned text for the terminal."""

import math
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from gcdr.base.files import atomic
from gcdr.report.rows import (
    DIFFUSION_MAPS,
    MEANING,
    MEANING_ASKED,
    MEANING_VIDEO,
    METRICS,
    OPTIONAL_METRICS,
    PAPER_DATA,
    PAPER_LABEL,
    PAPER_METRICS,
    TABLE_METRICS,
    TRAINED_KINDS,
)

ABSENT = "–"
SECOND_DECODING = "argmax/size"
RULE = "─"


def number(value: float, digits: int = 3, sign: bool = False) -> str:
    """A rounded number; a dash where there is none."""
    if pd.isna(value):
        return ABSENT
    return f"{value:{'+' if sign else ''}.{digits}f}".replace("-", "−")


def compact(value: float, sign: bool = False) -> str:
    """A rounded number without the zero before its point, as tables of the field print it."""
    return number(value, sign=sign).replace("0.", ".", 1) if abs(value) < 1 else number(value)


def has_paper(table: pd.DataFrame) -> bool:
    """Whether any row of `tables.table1` has a number of the paper."""
    return bool(table[f"paper_{PAPER_METRICS[0]}"].notna().any())


def has_typical(table: pd.DataFrame) -> bool:
    """Whether what several worlds gave stands beside a table's rows (:mod:`gcdr.config.typical`)."""
    return "typical" in table and bool(table["typical"].notna().any())


def typical_label(table: pd.DataFrame) -> str:
    """The heading of that column."""
    return f"{table['typical_runs'].iloc[0]} worlds"


def typical_text(row: pd.Series, form: Callable[[float], str]) -> str:
    """What several worlds gave, with their spread; a dash for a row that was not measured there."""
    return (
        ABSENT if pd.isna(row["typical"]) else f"{form(row['typical'])} ±{form(row['typical_std'])}"
    )


def is_video(table: pd.DataFrame) -> bool:
    """Whether every test person has one annotator, so that a table has VideoAttentionTarget's AUC."""
    return "auc_video" in table and bool(table["auc_video"].notna().any())


def as_scored(metrics: Sequence[str], table: pd.DataFrame) -> list[str]:
    """Metrics with the AUC that a table's people are scored by: over an image's pixels it would be of a
    single positive one where everybody has one annotator."""
    auc = "auc_video" if is_video(table) else "auc"
    return [auc if metric == "auc" else metric for metric in metrics]


def shown_metrics(table: pd.DataFrame) -> list[str]:
    """The metrics that a table of `tables.table1` has columns for on paper."""
    optional = [metric for metric in OPTIONAL_METRICS if metric in table]
    return as_scored([*TABLE_METRICS, *optional], table)


def best_rows(table: pd.DataFrame, metric: str) -> set[int]:
    """Positions of the best trained models by the printed value; none if fewer than two."""
    shown = table[metric].round(3).reset_index(drop=True)
    trained = table["kind"].isin(TRAINED_KINDS) | table["method"].isin(DIFFUSION_MAPS)
    shown = shown[trained.to_numpy()].dropna()
    if len(shown) < 2:
        return set()
    target = shown.max() if METRICS[metric].higher_is_better else shown.min()
    return set(shown.index[shown == target])


def spread_text(row: pd.Series, metric: str) -> str:
    """``±0.004`` over several runs, ``[0.150, 0.168]`` for one, nothing where there is none."""
    if row["runs"] > 1 and not math.isnan(row[f"{metric}_std"]):
        return f"±{number(row[f'{metric}_std'])}"
    if not math.isnan(row[f"{metric}_low"]):
        return f"[{number(row[f'{metric}_low'])}, {number(row[f'{metric}_high'])}]"
    return ""


def _half_width(row: pd.Series, metric: str) -> str:
    interval = row[f"{metric}_high"] - row[f"{metric}_low"]
    width = row[f"{metric}_std"] if row["runs"] > 1 else interval / 2
    return "" if math.isnan(width) else f"±{compact(width)}"


def notes(table: pd.DataFrame, compact_spread: bool = False, data: str = PAPER_DATA) -> list[str]:
    """What the spreads, marks and paper columns of a table of `tables.table1` mean.

    Args:
        table: it.
        compact_spread: whether it is for a terminal.
        data: the data set of the paper's numbers.
    """
    lines = [MEANING_VIDEO if is_video(table) else MEANING]
    if "asked" in shown_metrics(table):
        lines.append(MEANING_ASKED)
    if (table["runs"] > 1).any():
        lines.append("± is the standard deviation over runs (n of them, each with its own seed).")
    if (table["runs"] == 1).any():
        form = "± half of the" if compact_spread else "in brackets the"
        units = " and ".join(sorted(set(table.get("resampled", ["images"]))))
        lines.append(
            f"n = 1: {form} 95 % bootstrap interval over test {units}; it holds nothing of the "
            "spread over seeds."
        )
    if table["runs"].nunique() > 1:
        lines.append("Rows with different n are means over different runs.")
    if any(best_rows(table, metric) for metric in shown_metrics(table)):
        mark = "*" if compact_spread else "Bold"
        lines.append(f"{mark}: best of the trained models.")
    if has_typical(table):
        lines.append(
            f"“{typical_label(table)}”: AvgDist (cell centre) with these settings in as many other "
            "worlds, ± the standard deviation over them (docs/results.md); of one world much is chance."
        )
    if has_paper(table):
        where = f"“paper, {data}”: Miao et al., ECCV 2024, {data}"
        lines.append(
            f"{where} with the same share of labels. Another data set: compare orders and gaps, not values."
            if data == PAPER_DATA
            else f"{where} with video models. Of other data compare orders and gaps, not values."
        )
    return lines


def _align(rows: Sequence[Sequence[str]], headings: int, rules_after: Sequence[int] = ()) -> str:
    """Lines with the first column flush left, others flush right, rules around the body."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    rule = RULE * (sum(widths) + 2 * (len(widths) - 1))
    lines = [rule]
    for position, row in enumerate(rows):
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append("  ".join(cells).rstrip())
        if position == headings - 1 or position - headings in rules_after:
            lines.append(rule)
    return "\n".join([*lines, rule])


def _wrapped(lines: Sequence[str], width: int = 100) -> list[str]:
    return [
        textwrap.fill(line, width, initial_indent="  ", subsequent_indent="    ") for line in lines
    ]


def table1_text(table: pd.DataFrame, title: str = "") -> str:
    """The table of `tables.table1` for a terminal, notes below, at most 120 columns wide.

    The second decoding is left to the other forms.
    """
    shown = [
        metric for metric in shown_metrics(table) if METRICS[metric].decoding != SECOND_DECODING
    ]
    metrics = [METRICS[metric] for metric in shown]
    # The blank at the end of a heading or value is the place of the mark "*".
    heads = [
        ["", "n", *(f"{metric.name} {metric.arrow} " for metric in metrics)],
        ["", "", *(f"{metric.decoding} " for metric in metrics)],
    ]
    paper, typical = has_paper(table), has_typical(table)
    if typical:
        heads[0].append(typical_label(table))
        heads[1].append("AvgDist")
    if paper:
        heads[0].append(PAPER_LABEL)
        heads[1].append("Avg/Min/AUC")
    best = {metric: best_rows(table, metric) for metric in shown}
    rows = []
    for position, (_, row) in enumerate(table.iterrows()):
        cells = [row["name"], str(row["runs"])]
        for metric in shown:
            mark = "*" if position in best[metric] else " "
            cells.append(f"{compact(row[metric])} {_half_width(row, metric)}{mark}")
        if typical:
            cells.append(typical_text(row, compact))
        if paper:
            numbers = [compact(row[f"paper_{metric}"]) for metric in PAPER_METRICS]
            cells.append(ABSENT if numbers[0] == ABSENT else "/".join(numbers))
        rows.append(cells)
    trained = [kind in TRAINED_KINDS for kind in table["kind"]]
    borders = [i for i in range(len(rows) - 1) if trained[i] != trained[i + 1]]
    lines = [title] if title else []
    lines.append(_align([*heads, *rows], headings=2, rules_after=borders))
    return "\n".join([*lines, *_wrapped(notes(table, True))]) + "\n"


def table1_markdown(table: pd.DataFrame, data: str = PAPER_DATA) -> str:
    """The table of `tables.table1` in Markdown, notes below; ``data`` is that of the paper's numbers."""
    labels = ["Method", "n"]
    labels += [f"{METRICS[m].label} {METRICS[m].arrow}" for m in shown_metrics(table)]
    if has_typical(table):
        labels.append(f"AvgDist ({typical_label(table)}) ↓")
    if has_paper(table):
        labels += [f"{METRICS[m].name} (paper, {data})" for m in PAPER_METRICS]
    best = {metric: best_rows(table, metric) for metric in shown_metrics(table)}
    rows = []
    for position, (_, row) in enumerate(table.iterrows()):
        cells = [row["name"], str(row["runs"])]
        for metric in shown_metrics(table):
            value = number(row[metric])
            value = f"**{value}**" if position in best[metric] else value
            cells.append(f"{value} {spread_text(row, metric)}".strip())
        if has_typical(table):
            cells.append(typical_text(row, number))
        if has_paper(table):
            cells += [number(row[f"paper_{metric}"]) for metric in PAPER_METRICS]
        rows.append(cells)
    return (
        markdown(labels, rows)
        + "\n"
        + "\n".join(f"- {note}" for note in notes(table, data=data))
        + "\n"
    )


def markdown(labels: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown: the first column flush left, others flush right."""
    lines = [labels, ["---"] + ["---:"] * (len(labels) - 1), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _sweep_columns(table: pd.DataFrame) -> dict[str, str]:
    """Headings of the value columns of a table of `tables.sweep_table`, by name."""
    names = [name.removesuffix("_runs") for name in table if str(name).endswith("_runs")]
    return {name: "student, test" if name == "student" else f"refined, {name}" for name in names}


def sweep_cells(
    table: pd.DataFrame, form: Callable[[float], str] = number
) -> tuple[list[str], list[list[str]]]:
    """Headings and formatted cells of a table of `tables.sweep_table` (AvgDist, cell centre)."""
    columns = _sweep_columns(table)
    rows = []
    for _, row in table.iterrows():
        cells = [str(int(row["timestep"]))]
        for name in columns:
            deviation = row[f"{name}_std"]
            tail = "" if pd.isna(deviation) else f" ±{form(deviation)}"
            cells.append(f"{form(row[name])}{tail}")
        rows.append(cells)
    return ["timestep", *columns.values()], rows


def sweep_text(table: pd.DataFrame, title: str = "") -> str:
    """The timestep sweep for a terminal: AvgDist, each column's best value marked."""
    labels, rows = sweep_cells(table, compact)
    rows = _mark(table, rows)
    lines = [title] if title else []
    heads = [labels[0], *(f"{label} " for label in labels[1:])]
    lines.append(_align([heads, *rows], headings=1))
    starred = "; *: best timestep" if any("*" in cell for row in rows for cell in row) else ""
    note = f"  AvgDist (to the mean, cell centre), lower is better{starred}."
    return "\n".join([*lines, note]) + "\n"


def _mark(table: pd.DataFrame, rows: list[list[str]]) -> list[list[str]]:
    names = list(_sweep_columns(table))
    marked = [row[:1] for row in rows]
    chooses = any(not name.startswith(("test", "student")) for name in names)
    for column, name in enumerate(names, start=1):
        shown = table[name].round(3) if chooses else table[name].iloc[:0]
        for position, value in enumerate(table[name].round(3)):
            mark = "*" if len(shown.dropna()) > 1 and value == shown.min() else " "
            marked[position].append(rows[position][column] + mark)
    return marked


def sweep_markdown(table: pd.DataFrame) -> str:
    """The timestep sweep in Markdown (AvgDist, cell centre)."""
    return markdown(*sweep_cells(table))


def differences_cells(table: pd.DataFrame) -> tuple[list[str], list[list[str]]]:
    """Headings and formatted cells of a table of `tables.paired_differences`."""
    rows = [
        [
            row["name"],
            f"{number(row['difference'], sign=True)} "
            + ("" if pd.isna(row["std"]) else f"±{number(row['std'])}"),
            f"{number(row['low'], sign=True)} … {number(row['high'], sign=True)}",
            f"{row['better']} of {row['runs']}",
        ]
        for _, row in table.iterrows()
    ]
    return ["Method", "difference", "smallest … largest", "better in"], rows


def differences_text(table: pd.DataFrame, title: str = "") -> str:
    """Paired differences for a terminal."""
    labels, rows = differences_cells(table)
    return "\n".join([*([title] if title else []), _align([labels, *rows], headings=1)]) + "\n"


def differences_markdown(table: pd.DataFrame) -> str:
    """Paired differences in Markdown."""
    return markdown(*differences_cells(table))


def write_csv_table(table: pd.DataFrame, path: str | Path) -> None:
    """Write a table in full precision; what is absent is an empty field."""
    with atomic(path) as temporary:
        table.to_csv(temporary, index=False)


def write_text(text: str, path: str | Path) -> None:
    """Write text (plain, Markdown or HTML) as UTF-8, whole or not at all."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
