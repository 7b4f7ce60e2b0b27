"""Figure 6: how well each show is followed, as bars."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from gcdr.report.figures import encode_figure, figure_style, save
from gcdr.report.rows import method_name
from gcdr.report.show_tables import OVER_SHOWS, SHOW_METHODS

PANELS = {"distance": "Dist ↓", "auc": "AUC ↑"}
HUES = ("soft", "blue", "green", "orange")
CHANCE = 0.5  # AUC of a map that says nothing, where its axis begins
WIDTH = 0.2  # of a bar; shows are 1 apart


def show_bars(table: pd.DataFrame, form: str = "png", dark: bool = False) -> bytes:
    """Bars by show and method in two panels, distance and AUC, the means over shows at the right.

    Lines are one standard deviation over seeds, where there are several; diamonds are the paper's numbers.

    Args:
        table: of :func:`gcdr.report.show_tables.show_rows`.
        form: ``png``, ``pdf`` or ``svg``.
        dark: dark background.
    """
    titles = list(dict.fromkeys(table["title"]))
    places = np.arange(len(titles)) + 0.4 * (
        np.array(titles) == OVER_SHOWS
    )  # the means stand apart
    paper = bool(table["paper_distance"].notna().any())
    with figure_style(dark) as colours:
        size = (max(6.4, 1.6 + 0.95 * len(titles)), 6.0)
        figure, axes = plt.subplots(2, 1, figsize=size, sharex=True, layout="constrained")
        for axis, (value, label) in zip(axes, PANELS.items(), strict=True):
            for number, (method, hue) in enumerate(zip(SHOW_METHODS, HUES, strict=True)):
                rows = table[table["method"] == method].set_index("title").loc[titles]
                at = places + (number - 1.5) * WIDTH
                line = {"ecolor": colours["ink"], "elinewidth": 1.0}
                spread = rows[f"{value}_std"].fillna(0).to_numpy()
                axis.bar(
                    at, rows[value], 0.92 * WIDTH, color=colours[hue], label=method_name(method)
                )
                several = spread > 0
                if several.any():
                    held = rows[value].to_numpy()[several], spread[several]
                    axis.errorbar(at[several], *held, fmt="none", **line)
                if paper:
                    edge = {"mfc": colours["paper"], "mec": colours["ink"], "mew": 0.9, "ls": ""}
                    axis.plot(at, rows[f"paper_{value}"], "D", ms=4.2, label="paper", **edge)
            axis.set_ylabel(label)
            axis.grid(axis="x", visible=False)
        low = table[["auc", "paper_auc"]].min(axis=None)
        axes[1].set_ylim(bottom=min(CHANCE, np.floor(10 * low) / 10))
        long = max(len(title) for title in titles if title != OVER_SHOWS) > 12
        turned = {"rotation": 30, "ha": "right", "rotation_mode": "anchor"} if long else {}
        axes[1].set_xticks(places, titles, **turned)
        handles, labels = axes[0].get_legend_handles_labels()
        named = dict(zip(labels, handles, strict=True))
        named |= {"paper": named.pop("paper")} if paper else {}
        figure.legend(named.values(), named.keys(), loc="outside upper center", ncols=len(named))
        return encode_figure(figure, form)


def write_show_figure(table: Path, out: Sequence[Path]) -> None:
    """Draw Figure 6 from the CSV of Table S1, a file for each name, whose ending says the format."""
    rows = pd.read_csv(table)
    for path in out:
        save(show_bars(rows, Path(path).suffix.removeprefix(".")), path)
