"""Table S1 and the numbers of Figure 6: how well each show is followed with a few of its labels.

Shows may be any: the ten of the paper are known by name, and have the paper's numbers beside them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from gcdr.base.errors import InputError
from gcdr.base.plain import JsonTable
from gcdr.data.manifest import has_label
from gcdr.data.shown import read_shown
from gcdr.data.split import UNLABELLED
from gcdr.report.rows import method_name
from gcdr.report.tables import read_metrics
from gcdr.report.typeset import ABSENT, markdown, number, write_csv_table, write_text

SHOW_METHODS = ("vat", "semi-vat", "semi-vat-gc", "gcdr")
OVER_SHOWS = "Mean over shows"
VALUES = {"dist_to_mean": "distance", "dist_to_mean_reference": "distance_reference"}
AREAS = ("auc_video", "auc")  # the first that was measured


@dataclass(frozen=True)
class PaperShow:
    """A row of Table S1.

    Attributes:
        title: the show's name in the paper, where it is not that of its folder.
        labelled: annotations that were visible.
        share: part of the show's annotations that they are, in per cent.
        numbers: distance and AUC by method, in the order of ``SHOW_METHODS``.
    """

    title: str
    labelled: int
    share: float
    numbers: tuple[tuple[float, float], ...]


# Miao et al., ECCV 2024, Table S1, by the names of the shows' folders.
PAPER_SHOWS = {
    folder: PaperShow(title or folder, labelled, share, numbers)
    for folder, title, labelled, share, *numbers in (
        ("West World", "", 109, 11.61, (0.253, 0.619), (0.255, 0.659), (0.232, 0.709), (0.186, 0.798)),
        ("Titanic", "", 114, 3.36, (0.222, 0.752), (0.208, 0.781), (0.201, 0.777), (0.182, 0.799)),
        ("Hell's Kitchen", "", 101, 23.38, (0.239, 0.732), (0.243, 0.774), (0.224, 0.835), (0.176, 0.855)),
        ("I Wanna Marry Harry", "", 74, 9.18, (0.177, 0.700), (0.168, 0.716), (0.163, 0.732), (0.159, 0.768)),
        ("It's Always Sunny in Philadelphia", "", 116, 5.02,
         (0.188, 0.756), (0.180, 0.785), (0.176, 0.782), (0.157, 0.835)),
        ("Survivor", "", 73, 3.99, (0.150, 0.762), (0.147, 0.782), (0.129, 0.829), (0.147, 0.849)),
        ("Downton Abby", "Downton Abbey", 108, 3.54,
         (0.121, 0.871), (0.120, 0.888), (0.123, 0.877), (0.118, 0.854)),
        ("Jamie Oliver", "", 70, 6.30, (0.125, 0.823), (0.129, 0.828), (0.121, 0.821), (0.116, 0.838)),
        ("CBS This Morning", "", 96, 2.21, (0.099, 0.844), (0.101, 0.860), (0.105, 0.902), (0.105, 0.913)),
        ("MLB Interview", "", 95, 3.86, (0.086, 0.872), (0.087, 0.899), (0.077, 0.915), (0.076, 0.921)),
    )
}  # fmt: skip
PAPER_MEANS = {  # below Figure 6
    "vat": (0.166, 0.773),
    "semi-vat": (0.164, 0.797),
    "semi-vat-gc": (0.155, 0.818),
    "gcdr": (0.142, 0.843),
}


def show_rows(shows: Sequence[JsonTable]) -> pd.DataFrame:
    """Every show and method over seeds, and the means over shows.

    Args:
        shows: of each ``show`` (its title), ``labels`` (the split, a file a seed) and ``metrics`` (by method,
            a file a seed).

    Returns:
        one row a show and method: ``show title method name runs labelled share distance distance_std
        distance_reference distance_reference_std auc auc_std paper_labelled paper_share paper_distance
        paper_auc``. ``share`` is that of the labelled among all people of the split, in 0..1; ``labelled``
        and ``share`` are means over seeds. The last rows, of the show ``OVER_SHOWS``, are means over shows,
        each counting alike; their spread is over the seeds that all shows have, ``runs`` of them, NaN for
        fewer than two. The paper's numbers stand beside those only where the shows are its ten.

    Raises:
        InputError: no show, or what ``read_metrics`` raises.
    """
    if not shows:
        raise InputError("shows: found none, expected studies in report.studies")
    measured = pd.concat([_measured(show) for show in shows], ignore_index=True)
    rows = []
    for show in shows:
        folder = show["show"]
        paper = PAPER_SHOWS.get(folder)
        counts = [_labelled(labels) for labels in show["labels"]]
        labelled = sum(count for count, _ in counts) / len(counts)
        share = sum(count / whole for count, whole in counts) / len(counts)
        for place, method in enumerate(SHOW_METHODS):
            about = {"show": folder, "title": paper.title if paper else folder, "method": method}
            of_paper = (None, None, None, None)
            if paper:
                of_paper = (paper.labelled, paper.share / 100, *paper.numbers[place])
            part = measured[(measured["show"] == folder) & (measured["method"] == method)]
            rows.append(
                about | {"labelled": labelled, "share": share} | _over(part) | _paper(of_paper)
            )
    known = {show["show"] for show in shows} == set(PAPER_SHOWS)
    for method in SHOW_METHODS:
        part = measured[measured["method"] == method].drop(columns="method")
        means = part.groupby("show", sort=False).mean(numeric_only=True)
        seeds = part.groupby("seed").filter(lambda rows: len(rows) == len(shows)).groupby("seed")
        spread = seeds.mean(numeric_only=True) if seeds.ngroups else part.iloc[:0]
        numbers = PAPER_MEANS[method] if known else (None, None)
        about = {"show": OVER_SHOWS, "title": OVER_SHOWS, "method": method}
        rows.append(about | _over(means, spread) | _paper((None, None, *numbers)))
    table = pd.DataFrame(rows)
    table.insert(3, "name", table["method"].map(method_name))
    return table.astype({"runs": int})


def _measured(show: Mapping) -> pd.DataFrame:
    """``show method seed`` and the values, a row a method and seed."""
    parts = []
    for method, files in show["metrics"].items():
        found = read_metrics(files)
        wide = found.pivot(index=["study", "seed"], columns="metric", values="value").reset_index()
        area = next(name for name in AREAS if name in wide)
        values = {ours: wide[name] for name, ours in VALUES.items()} | {"auc": wide[area]}
        parts.append(
            pd.DataFrame({"show": show["show"], "method": method, "seed": wide["seed"], **values})
        )
    return pd.concat(parts, ignore_index=True)


def _over(part: pd.DataFrame, spread: pd.DataFrame | None = None) -> JsonTable:
    """Means of the values, their standard deviation (n - 1, NaN for one run), and of how many runs it is."""
    runs = part if spread is None else spread
    row: JsonTable = {"runs": len(runs)}
    for name in (*VALUES.values(), "auc"):
        row[name], row[f"{name}_std"] = part[name].mean(), runs[name].std(ddof=1)
    return row


def _paper(numbers: tuple[float | None, ...]) -> JsonTable:
    names = ("labelled", "share", "distance", "auc")
    return {f"paper_{name}": value for name, value in zip(names, numbers, strict=True)}


def _labelled(labels: str) -> tuple[int, int]:
    """How many people of a show are labelled, and of how many: all whom the split names."""
    shown = read_shown(labels)
    return int((has_label(shown) & (shown["role"] != UNLABELLED)).sum()), len(shown)


def show_markdown(table: pd.DataFrame) -> str:
    """The table of :func:`show_rows` in Markdown: a row a show, the paper's numbers in parentheses."""
    methods = table.drop_duplicates("method")
    heads = ["Show", "n", "labelled", "share"]
    heads += [f"{name}: {value}" for name in methods["name"] for value in ("Dist ↓", "AUC ↑")]
    lines = []
    for title, rows in table.groupby("title", sort=False):
        first = rows.iloc[0]
        cells = [str(title), str(first["runs"] or ABSENT)]
        cells += [_beside(first, "labelled", 0), _beside(first, "share", 1, 100, " %")]
        best = rows["distance"].round(3).min(), rows["auc"].round(3).max()
        for _, row in rows.iterrows():
            cells += [_value(row, *pair) for pair in zip(("distance", "auc"), best, strict=True)]
        lines.append(cells)
    notes = [
        "Dist: from the highest cell's centre to the annotated point, in units of the image; AUC: over the "
        "heatmap's cells, as VideoAttentionTarget is scored.",
        "labelled: people in a frame whose label is shown, and their share of all who take part in training.",
        f"{OVER_SHOWS}: every show counts alike. Bold: best of the row.",
    ]
    if (table["runs"] > 1).any():
        notes.append("± is the standard deviation over n seeds.")
    if table["paper_distance"].notna().any():
        notes.append(
            "In parentheses: Table S1 (means: Figure 6) of Miao et al., ECCV 2024, video models on the "
            "show's frames, the predicted point read at the cell's corner."
        )
    text = "\n".join(f"- {note}" for note in notes)
    return f"# Table S1: adapting to shows\n\n{markdown(heads, lines)}\n{text}\n"


def _value(row: pd.Series, name: str, best: float) -> str:
    value = number(row[name])
    value = f"**{value}**" if round(row[name], 3) == best else value
    spread = "" if pd.isna(row[f"{name}_std"]) else f" ±{number(row[f'{name}_std'])}"
    return value + spread + _published(row, name, 3)


def _beside(row: pd.Series, name: str, digits: int, scale: float = 1, unit: str = "") -> str:
    if pd.isna(row[name]):
        return ABSENT
    return f"{number(scale * row[name], digits)}{unit}" + _published(row, name, digits, scale, unit)


def _published(row: pd.Series, name: str, digits: int, scale: float = 1, unit: str = "") -> str:
    found = row[f"paper_{name}"]
    return "" if pd.isna(found) else f" ({number(scale * found, digits)}{unit})"


def write_show_table(shows: Sequence[JsonTable], csv: Path, page: Path) -> None:
    """Write the table of :func:`show_rows` as CSV and Markdown."""
    table = show_rows(shows)
    write_csv_table(table, csv)
    write_text(show_markdown(table), page)
