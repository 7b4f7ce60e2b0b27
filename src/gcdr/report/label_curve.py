"""How many labels to add, from files to a table, a page and a figure: what rule label_advice calls."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from gcdr.base.errors import InputError
from gcdr.base.files import read_json
from gcdr.refine.choice import HELD_OUT
from gcdr.report import figures
from gcdr.report.advice import (
    Curve,
    exponent,
    interval,
    label_advice,
    method_advice,
    prior_advice,
    resampled_means,
)
from gcdr.report.rows import method_name
from gcdr.report.typeset import markdown, number, write_csv_table, write_text

NOTES = (
    "People are the labelled ones that the split sets aside for validation, of all studies of the report "
    "together; no model has learned from their labels, and no test person is among them.",
    "Intervals are 95 %, from drawing their images (or films) with replacement. They hold nothing of the "
    "spread over seeds, which several studies of the report would show.",
    "The number to add is drawn on from a power law through the curve, for people like those that were "
    "labelled at random; people chosen by gcdr suggest may be worth more or less.",
)


def read_curve(paths: Sequence[Path]) -> Curve:
    """The curve of several studies: their people side by side, the numbers of labels averaged.

    Args:
        paths: of :func:`gcdr.evaluation.held_out.judge_parts`.

    Raises:
        InputError: a file is something else, or studies with other parts or methods.
    """
    from gcdr.evaluation.held_out import (
        CURVE_FORMAT,
    )  # not above: a report without curves needs no torch

    contents = []
    for path in paths:
        content = read_json(path)
        if not isinstance(content, dict) or content.get("format") != CURVE_FORMAT:
            raise InputError(f"{path}: found no curve over labels; make it again")
        contents.append(content)
    methods = [list(row["errors"]) for content in contents for row in content["rows"]]
    if len({len(content["rows"]) for content in contents}) > 1 or any(
        names != methods[0] for names in methods
    ):
        raise InputError(
            f"{paths[0]}: other parts or methods than in {', '.join(map(str, paths[1:]))}"
        )
    labelled = np.mean([[row["labelled"] for row in one["rows"]] for one in contents], axis=0)
    errors = {
        method: np.concatenate(
            [np.array([row["errors"][method] for row in one["rows"]]) for one in contents], 1
        )
        for method in methods[0]
    }
    unit = [f"{study} {unit}" for study, one in enumerate(contents) for unit in one["unit"]]
    return Curve(labelled, errors, np.array(unit))


def curve_table(curve: Curve) -> pd.DataFrame:
    """A row a method and number of labels: ``method name labelled people dist_to_mean low high``."""
    rows = []
    for method, errors in curve.errors.items():
        drawn = resampled_means(errors, curve.unit)
        for place, labelled in enumerate(curve.labelled):
            found = interval(errors[place].mean(), drawn[:, place])
            rows.append(
                {
                    "method": method,
                    "name": method_name(method),
                    "labelled": round(labelled),
                    "people": errors.shape[1],
                    "dist_to_mean": found.value,
                    "low": found.low,
                    "high": found.high,
                }
            )
    return pd.DataFrame(rows)


def curve_cells(table: pd.DataFrame) -> tuple[list[str], list[list[str]]]:
    """Headings and formatted cells of :func:`curve_table`."""
    labels = ["Method", "labels", "held-out people", "AvgDist (cell centre) ↓", "95 % interval"]
    rows = [
        [
            row["name"],
            f"{row['labelled']:,}",
            f"{row['people']:,}",
            number(row["dist_to_mean"]),
            f"{number(row['low'])} … {number(row['high'])}",
        ]
        for _, row in table.iterrows()
    ]
    return labels, rows


def curve_advice(curve: Curve) -> list[str]:
    """What to do about labels: a sentence a method, and which method to use."""
    now, lines = round(curve.labelled[-1]), []
    last = {}
    for method, errors in curve.errors.items():
        drawn = resampled_means(errors, curve.unit)
        steepness = interval(
            float(exponent(curve.labelled, errors.mean(1))), exponent(curve.labelled, drawn)
        )
        lines.append(f"{method_name(method)}: {label_advice(now, steepness, curve.units)}")
        last[method] = (errors[-1].mean(), drawn[:, -1])
    first, *others = last
    for other in others:
        difference = interval(last[other][0] - last[first][0], last[other][1] - last[first][1])
        names = method_name(other), method_name(first)
        lines.append(method_advice(*names, difference, curve.units))
    return lines


def choice_advice(choices: Sequence[Path]) -> list[str]:
    """Whether the prior helps, a sentence a study whose labels chose the timestep."""
    lines = []
    for content in map(read_json, choices):
        if "chosen" in content:
            people = content["people"][HELD_OUT]
            said = prior_advice(content["rows"], people, content.get("units", people))
            lines.append(f"{content['study']}: {said}")
    return lines


def write_advice(
    curves: Sequence[Path], choices: Sequence[str], csv: Path, page: Path, figure: Path
) -> None:
    """Write the curve as CSV and figure, and what it advises as Markdown.

    Args:
        curves: curves of studies.
        choices: files of the timesteps that labels chose, if they did.
        csv, page, figure: what is written.
    """
    curve = read_curve(curves)
    table = curve_table(curve)
    lines = [*curve_advice(curve), *choice_advice([Path(path) for path in choices])]
    write_csv_table(table, csv)
    said = "".join(f"- {line}\n" for line in lines)
    notes = "".join(f"- {line}\n" for line in NOTES)
    write_text(f"# What next\n\n{said}\n{markdown(*curve_cells(table))}\n{notes}", page)
    figures.save(figures.learning_curves(table), figure)
    print("\n".join(lines))
