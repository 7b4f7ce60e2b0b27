"""How many labels a method saves: the share at which supervised training is as good."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from gcdr.base.errors import InputError
from gcdr.base.seeds import numpy_rng
from gcdr.methods import LABELS_ALONE
from gcdr.report import figures
from gcdr.report.paper_tables import fill, savings_table
from gcdr.report.rows import PAPER, PAPER_LABEL
from gcdr.report.tables import read_metrics
from gcdr.report.typeset import markdown, number, write_csv_table, write_text

METRIC = "dist_to_mean"
RESAMPLES = 2000


def equal_share(shares: np.ndarray, supervised: np.ndarray, value: float) -> float:
    """The smallest label share at which supervised training reaches an AvgDist.

    Between measured shares the supervised curve is linear in the logarithm of the share. Where it
    rises, its best value at a smaller share counts: more labels can be left unused.

    Args:
        shares: (N,) label shares in per cent, ascending, N >= 2.
        supervised: (N,) AvgDist of supervised training.
        value: the AvgDist to reach.

    Returns:
        a share in per cent; ``-inf`` if the smallest share is better already, ``inf`` if the largest
        is not as good.
    """
    best = np.minimum.accumulate(supervised)
    if value > best[0]:
        return -math.inf
    reached = np.flatnonzero(best <= value)
    if not len(reached):
        return math.inf
    last = reached[0]
    if last == 0:
        return float(shares[0])
    part = (best[last - 1] - value) / (best[last - 1] - best[last])
    logs = np.log(shares)
    return float(np.exp(logs[last - 1] + part * (logs[last] - logs[last - 1])))


def saved(share: float, equal: float) -> float:
    """The part of the labels saved, 1 - share / equal share; infinite where the share is."""
    return equal if math.isinf(equal) else 1 - share / equal


def savings(
    measured: Sequence[int], supervised: np.ndarray, shares: Sequence[int], method: np.ndarray
) -> pd.DataFrame:
    """Labels saved at each share, with an interval over seeds.

    Args:
        measured: (M,) label shares of supervised training in per cent, ascending.
        supervised: (seeds, M) its AvgDist.
        shares: (N,) label shares of what is compared.
        method: (seeds, N) its AvgDist, of the same seeds.

    Returns:
        One row a share: ``share dist_to_mean runs equal_share saved low high``. ``low`` and ``high``
        bound the 95 % interval of ``saved`` when seeds are drawn with replacement, both curves
        together; NaN for one seed. ``-inf`` and ``inf`` lie beyond the measured shares.

    Raises:
        InputError: fewer than two measured shares, or not ascending.
    """
    points = np.asarray(measured, float)
    if len(points) < 2 or (np.diff(points) <= 0).any():
        raise InputError(f"label shares: found {list(measured)}, expected two or more, ascending")

    def compared(chosen: np.ndarray) -> list[tuple[float, float]]:
        curve, values = supervised[chosen].mean(axis=0), method[chosen].mean(axis=0)
        equal = [equal_share(points, curve, value) for value in values]
        return [(one, saved(share, one)) for share, one in zip(shares, equal, strict=True)]

    seeds = len(supervised)
    rng = numpy_rng(0, "label savings")
    draws = [rng.integers(seeds, size=seeds) for _ in range(RESAMPLES if seeds > 1 else 0)]
    drawn = np.array([[part for _, part in compared(chosen)] for chosen in draws])
    rows = []
    for place, (equal, part) in enumerate(compared(np.arange(seeds))):
        # Quantiles that are themselves drawn values: no sums with infinite ones.
        low, high = (
            np.quantile(drawn[:, place], (0.025, 0.975), method="inverted_cdf")
            if len(drawn)
            else (math.nan, math.nan)
        )
        rows.append(
            {
                "share": int(shares[place]),
                METRIC: method[:, place].mean(),
                "runs": seeds,
                "equal_share": equal,
                "saved": part,
                "low": low,
                "high": high,
            }
        )
    return pd.DataFrame(rows)


def _part(value: float) -> str:
    """A part in per cent; a word where it lies beyond what was measured."""
    if math.isinf(value):
        return "beyond" if value > 0 else "below"
    return number(100 * value, 0) + ("" if math.isnan(value) else " %")


def _equal(value: float, measured: Sequence[int]) -> str:
    if math.isinf(value):
        return f"> {measured[-1]} %" if value > 0 else f"< {measured[0]} %"
    return f"{number(value, 1)} %"


def savings_markdown(table: pd.DataFrame, measured: Sequence[int]) -> str:
    """Rows of `savings` by ``name`` in Markdown, with the paper's ``paper_saved``; notes below.

    Args:
        table: the rows.
        measured: label shares of supervised training, ascending.
    """
    labels = ["Method", "labels", "n", "AvgDist (cell centre) ↓", "supervised VAT needs", "saved"]
    labels += ["95 % interval", f"saved ({PAPER_LABEL})"]
    rows = []
    for _, row in table.iterrows():
        single = math.isnan(row["low"])
        interval = "–" if single else f"{_part(row['low'])} … {_part(row['high'])}"
        cells = [row["name"], f"{row['share']} %", str(row["runs"]), number(row[METRIC])]
        cells += [_equal(row["equal_share"], measured), _part(row["saved"]), interval]
        rows.append([*cells, _part(row["paper_saved"])])
    notes = [
        "saved = 1 - labels / labels that supervised VAT needs for the same AvgDist, its curve linear "
        "in the logarithm of the share; where it rises, its best value at a smaller share counts.",
        f"beyond: more than {measured[-1]} % would be needed; below: worse than supervised VAT with "
        f"{measured[0]} %. Neither is extrapolated.",
        "The interval is a bootstrap over seeds, both curves together, none for one seed. It holds "
        "nothing of the choice of test images, and few seeds make it rough.",
        f"“{PAPER_LABEL}”: the same sum on the figures of Tables 1 and S3 of Miao et al., ECCV 2024, "
        f"whose supervised VAT has {_listed(_paper_shares(LABELS_ALONE))} % of the labels.",
    ]
    return markdown(labels, rows) + "\n" + "".join(f"- {note}\n" for note in notes)


def _paper_shares(method: str) -> list[int]:
    return [share for share, results in PAPER.items() if method in results]


def _listed(shares: Sequence[int]) -> str:
    return f"{', '.join(map(str, shares[:-1]))} and {shares[-1]}"


def published(method: str) -> dict[int, float]:
    """Labels saved by the paper's figures, by share; its supervised curve counts all that it has."""

    def curve(name: str) -> tuple[list[int], np.ndarray]:
        shares = _paper_shares(name)
        return shares, np.array([[PAPER[share][name][0] for share in shares]])

    return savings(*curve(LABELS_ALONE), *curve(method)).set_index("share")["saved"].to_dict()


def write_savings(shares: Sequence[int], cells: list, csv: Path, page: Path, figure: Path) -> None:
    """Write the savings as CSV, Markdown and a figure.

    Args:
        shares: label shares in per cent.
        cells: metrics files by share (ascending), row of ``savings_table`` and run.
    """
    shares = sorted(shares)
    supervised, *others, complete = savings_table(shares).rows
    filled = fill(savings_table(shares), cells)

    def curve(files: Sequence[Sequence[str | Path]]) -> np.ndarray:
        results = [read_metrics(runs) for runs in files]
        chosen = [part[part["metric"] == METRIC].set_index(["study", "seed"]) for part in results]
        return pd.concat([part["value"] for part in chosen], axis=1).to_numpy().astype(float)

    first = {share: column[0] for share, column in zip(shares, cells, strict=True)}
    first[complete.share] = cells[0][-1]
    base, parts = curve(list(first.values())), []
    for place, row in enumerate(others, start=1):
        part = savings(list(first), base, shares, curve([column[place] for column in cells]))
        part.insert(0, "name", row.name)
        part["paper_saved"] = part["share"].map(published(row.method)).astype(float)
        parts.append(part)
    table = pd.concat(parts, ignore_index=True)
    write_csv_table(table, csv)
    write_text(savings_markdown(table, list(first)), page)
    lines = filled.replace({"name": {complete.name: supervised.name}})
    lines = lines.drop_duplicates(["name", "share"]).sort_values("share", kind="stable")
    figures.save(figures.label_curves(lines), figure)
