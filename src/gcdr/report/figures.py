"""Figures drawn with matplotlib, the same bytes for the same numbers."""

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from gcdr.base.errors import InputError
from gcdr.base.files import atomic
from gcdr.base.plain import JsonTable
from gcdr.refine.choice import HELD_OUT
from gcdr.report.overlays import Example, example_panels, question_of
from gcdr.report.rows import METRICS, TRAINED_KINDS
from gcdr.report.tables import RUN

DPI = 130
# Inches: width of a panel of the overview, and the space between panels.
PANEL, GAP = 2.7, 0.07
# Okabe and Ito's palette: distinguishable with every common kind of colour blindness.
_LIGHT = {"paper": "#fffefb", "ink": "#22262b", "faint": "#d9d6cd", "soft": "#6b7077"}
_DARK = {"paper": "#1b1e22", "ink": "#e6e4df", "faint": "#3a3f46", "soft": "#a3a8ae"}
_LIGHT_HUES = {"blue": "#0072b2", "orange": "#d55e00", "green": "#009e73", "purple": "#a8558a"}
_DARK_HUES = {"blue": "#56b4e9", "orange": "#f0883e", "green": "#3ccf9f", "purple": "#d99ac0"}


@contextmanager
def figure_style(dark: bool) -> Iterator[dict[str, str]]:
    """Matplotlib settings and named colours of the light or the dark theme."""
    colours = {**_DARK, **_DARK_HUES} if dark else {**_LIGHT, **_LIGHT_HUES}
    ink, soft, paper = colours["ink"], colours["soft"], colours["paper"]
    settings: JsonTable = {
        "svg.hashsalt": "gcdr",
        "font.family": "DejaVu Sans",
        "font.size": 10.5,
        "figure.facecolor": paper,
        "axes.facecolor": paper,
        "savefig.facecolor": paper,
        "text.color": ink,
        "axes.labelcolor": ink,
        "axes.edgecolor": soft,
        "xtick.color": soft,
        "ytick.color": soft,
        "xtick.labelcolor": ink,
        "ytick.labelcolor": ink,
        "grid.color": colours["faint"],
        "axes.grid": True,
        "grid.linewidth": 0.7,
        "axes.axisbelow": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlesize": 11,
        "axes.titlelocation": "left",
        "legend.frameon": False,
        "legend.fontsize": 9.5,
    }
    with matplotlib.rc_context(settings):
        yield colours


def encode_figure(figure: Figure, form: str) -> bytes:
    """Encode and close a figure, without dates or program names in the file."""
    metadata = {
        "svg": {"Date": None},
        "png": {"Software": None},
        "pdf": dict.fromkeys(("CreationDate", "Creator", "Producer")),
    }.get(form)
    options = {"pil_kwargs": {"quality": 88}} if form == "jpg" else {}
    buffer = io.BytesIO()
    figure.savefig(buffer, format=form, dpi=DPI, metadata=metadata, bbox_inches="tight", **options)
    plt.close(figure)
    return buffer.getvalue()


def in_dark(svg: bytes) -> bytes:
    """The dark version of a light SVG figure: the same drawing with the other theme's colours."""
    light, dark = _LIGHT | _LIGHT_HUES, _DARK | _DARK_HUES
    other = {light[name].encode(): dark[name].encode() for name in light}
    return re.sub(b"|".join(other), lambda found: other[found[0]], svg)


def save(picture: bytes, path: str | Path) -> None:
    """Write an encoded figure, whole or not at all."""
    with atomic(path) as temporary:
        temporary.write_bytes(picture)


def overview(examples: Sequence[Example], form: str = "png", dark: bool = False) -> bytes:
    """One row an example: scene with question and answer, Grad-CAM, pseudo-label, prediction.

    White dots are annotators, the ring is the map's argmax; each map is scaled to its own peak.

    Args:
        examples: at least one.
        form: ``png``, or ``jpg`` (a fifth of the size).
        dark: dark background.

    Raises:
        InputError: no example.
    """
    if not examples:
        raise InputError("overview: no example")
    rows = [example_panels(example, size=384) for example in examples]
    names = list(rows[0])
    heights = [PANEL * row["Scene"].height / row["Scene"].width for row in rows]
    common = question_of(examples)
    below = GAP if common else 0.3
    width = len(names) * (PANEL + GAP)
    total = 0.3 + sum(heights) + len(rows) * below + 0.3
    with figure_style(dark) as colours:
        figure = plt.figure(figsize=(width, total))
        top = total - 0.3
        for row, example, height in zip(rows, examples, heights, strict=True):
            for column, name in enumerate(names):
                left = column * (PANEL + GAP)
                place = (left / width, (top - height) / total, PANEL / width, height / total)
                axis = figure.add_axes(place)
                axis.imshow(row[name], interpolation="lanczos", aspect="auto")
                axis.set_axis_off()
                if row is rows[0]:
                    axis.set_title(name, loc="center", pad=6, fontsize=12)
            top -= height + below
            if not common:
                place = (0, (top + below - 0.06) / total)
                figure.text(*place, f"Asked: “{example.question}”", va="top", fontsize=9)
        parts = [f"Asked: “{common}”"] if common else []
        parts += ["White dots: annotators.  Ring: the map’s highest point."]
        place, soft = (0, (top - 0.03) / total), colours["soft"]
        figure.text(*place, "   ".join(parts), va="top", fontsize=9.5, color=soft)
        return encode_figure(figure, form)


def _curve(axis: Axes, table: pd.DataFrame, name: str, label: str, **line: Any) -> None:
    """A mean over runs with a band of one standard deviation."""
    rows = table.dropna(subset=name)
    axis.plot(rows["timestep"], rows[name], label=label, **line)
    deviation = rows[f"{name}_std"].fillna(0.0)
    if (deviation > 0).any():
        low, high = rows[name] - deviation, rows[name] + deviation
        axis.fill_between(rows["timestep"], low, high, color=line["color"], alpha=0.16, lw=0)


def sweep(
    table: pd.DataFrame,
    lines: Mapping[str, float] | None = None,
    chosen: int | None = None,
    form: str = "svg",
    dark: bool = False,
) -> bytes:
    """AvgDist against the timestep: refined maps on val and test, and the students.

    Args:
        table: of `tables.sweep_table`; bands and error bars are one standard deviation over runs.
        lines: horizontal lines by label, for example the supervised VAT.
        chosen: the timestep in use, marked by a vertical line.
        form: ``png`` or ``svg``.
        dark: dark background.
    """
    with figure_style(dark) as colours:
        figure, axis = plt.subplots(figsize=(7.2, 4.3), layout="constrained")
        if HELD_OUT in table:
            style = {"color": colours["green"], "ls": "-", "marker": "^", "ms": 4.5}
            _curve(axis, table, HELD_OUT, "refined maps, labelled people held out", **style)
        if "val" in table:
            style = {"color": colours["blue"], "ls": "--", "marker": "s", "ms": 4.5}
            _curve(axis, table, "val", "refined maps, validation", **style)
        if "test" in table:
            style = {"color": colours["blue"], "ls": "-", "marker": "o", "ms": 4.5}
            _curve(axis, table, "test", "refined maps, test", **style)
        for name in (name for name in table if name.startswith("test (") and name.endswith(")")):
            style = {"color": colours["soft"], "ls": "-", "marker": "v", "ms": 4.5}
            _curve(axis, table, name, f"refined maps, {name}", **style)
        if "student" in table:
            rows = table.dropna(subset="student")
            axis.errorbar(
                rows["timestep"],
                rows["student"],
                yerr=rows["student_std"].fillna(0.0),
                color=colours["orange"],
                fmt="D-",
                ms=6,
                lw=1.4,
                capsize=3.5,
                label="students trained on them, test",
            )
        dashes = [(0, (6, 3)), (0, (1.5, 2)), (0, (6, 2, 1.5, 2))]
        for (label, value), dash in zip((lines or {}).items(), _cycle(dashes), strict=False):
            axis.axhline(value, color=colours["soft"], lw=1.3, ls=dash, label=label)
        if chosen is not None:
            axis.axvline(chosen, color=colours["faint"], lw=6, zorder=0)
            axis.annotate(
                f"used: t = {chosen}",
                (chosen, 1),
                (4, -2),
                xycoords=("data", "axes fraction"),
                textcoords="offset points",
                va="top",
                fontsize=9,
                color=colours["soft"],
            )
        axis.set_xlabel("timestep t at which refinement starts")
        axis.set_ylabel("AvgDist, cell centre (lower is better)")
        figure.legend(loc="outside lower center", ncols=2)
        return encode_figure(figure, form)


def label_curves(table: pd.DataFrame, form: str = "svg", dark: bool = False) -> bytes:
    """AvgDist against the label share, a line a method.

    Args:
        table: rows of `paper_tables.fill` by ``name`` and ``share``; bars are one standard deviation.
        form: ``png`` or ``svg``.
        dark: dark background.
    """
    spread = table["dist_to_mean_std"].fillna(0.0)
    shown = table.assign(
        low=table["dist_to_mean"] - spread, high=table["dist_to_mean"] + spread, at=table["share"]
    )
    axes = "labelled share of the training set", "AvgDist, cell centre (lower is better)"
    return _curves(shown, *axes, "{} %", form, dark)


def learning_curves(table: pd.DataFrame, form: str = "svg", dark: bool = False) -> bytes:
    """AvgDist of held-out people against the number of labels, a line a method.

    Args:
        table: of `label_curve.curve_table`; bars are its intervals.
        form: ``png`` or ``svg``.
        dark: dark background.
    """
    axes = "labelled people", "AvgDist of held-out people (lower is better)"
    return _curves(table.assign(at=table["labelled"]), *axes, "{:,}", form, dark)


def _curves(table: pd.DataFrame, x: str, y: str, tick: str, form: str, dark: bool) -> bytes:
    """``dist_to_mean`` with bars from ``low`` to ``high`` against ``at``, a line a ``name``."""
    with figure_style(dark) as colours:
        figure, axis = plt.subplots(figsize=(7.2, 4.3), layout="constrained")
        hues = _cycle([colours[name] for name in ("soft", "blue", "orange", "green", "purple")])
        for (name, rows), hue in zip(table.groupby("name", sort=False), hues, strict=False):
            middle = rows["dist_to_mean"]
            bars = [middle - rows["low"], rows["high"] - middle]
            line: dict[str, Any] = {"color": hue, "fmt": "o-", "ms": 4.5, "lw": 1.4, "capsize": 3.5}
            axis.errorbar(rows["at"], middle, bars, label=name, **line)
        places = sorted(table["at"].unique())
        axis.set_xscale("log")
        axis.set_xticks(places, [tick.format(place) for place in places])
        axis.minorticks_off()
        axis.set_xlabel(x)
        axis.set_ylabel(y)
        figure.legend(loc="outside lower center", ncols=3)
        return encode_figure(figure, form)


def _cycle(values: Sequence[Any]) -> Iterator[Any]:
    while True:
        yield from values


def comparison(
    table: pd.DataFrame,
    results: pd.DataFrame,
    metric: str = "dist_to_mean",
    form: str = "svg",
    dark: bool = False,
) -> bytes:
    """Methods as dots with intervals, single runs as small dots beside them.

    Args:
        table: of `tables.table1`; bars are one standard deviation over runs, or the 95 % bootstrap
            interval of a single run.
        results: tidy table of `tables.read_metrics`, for the single runs.
        metric: which metric.
        form: ``png`` or ``svg``.
        dark: dark background.
    """
    rows = table.dropna(subset=metric).reset_index(drop=True)
    with figure_style(dark) as colours:
        figure, axis = plt.subplots(figsize=(7.2, 0.42 * len(rows) + 1.1), layout="constrained")
        for position, row in rows.iterrows():
            trained = row["kind"] in TRAINED_KINDS
            colour = colours["blue"] if trained else colours["soft"]
            colour = colours["orange"] if row["method"] == "gcdr" else colour
            mean = row[metric]
            if row["runs"] > 1:
                low, high = mean - row[f"{metric}_std"], mean + row[f"{metric}_std"]
                runs = results[
                    (results["variant"] == row["variant"]) & (results["metric"] == metric)
                ]
                values = runs.sort_values(RUN)["value"]
                offsets = position + np.linspace(0.16, 0.30, len(values))
                axis.scatter(values, offsets, s=13, color=colour, alpha=0.5, lw=0)
            else:
                low, high = row[f"{metric}_low"], row[f"{metric}_high"]
            axis.plot([low, high], [position, position], color=colour, lw=2.2, alpha=0.75)
            marker = "o" if trained else "s"
            axis.plot(mean, position, marker, ms=7.5, color=colour)
        axis.set_yticks(range(len(rows)), rows["name"])
        axis.invert_yaxis()
        axis.grid(axis="y", visible=False)
        axis.spines["left"].set_visible(False)
        axis.tick_params(axis="y", length=0)
        shown = METRICS[metric]
        better = "higher" if shown.higher_is_better else "lower"
        axis.set_xlabel(f"{shown.label}, {better} is better")
        return encode_figure(figure, form)


def training_curves(logs: Mapping[str, str | Path], form: str = "svg", dark: bool = False) -> bytes:
    """Losses against the step, one panel a model; thin as logged, thick as a running mean.

    Args:
        logs: CSV files by the model's label, with ``step`` and columns named ``*loss*``.
        form: ``png`` or ``svg``.
        dark: dark background.

    Raises:
        InputError: no log, or a log without ``step`` or without a loss.
    """
    if not logs:
        raise InputError("training curves: no log")
    columns = min(3, len(logs))
    lines = -(-len(logs) // columns)
    with figure_style(dark) as colours:
        figure, axes = plt.subplots(
            lines,
            columns,
            figsize=(3.1 * columns, 2.4 * lines),
            squeeze=False,
            layout="constrained",
        )
        hues = [colours[name] for name in ("blue", "orange", "green", "purple")]
        for axis, (label, path) in zip(axes.flat, logs.items(), strict=False):
            log = pd.read_csv(path)
            losses = [name for name in log.columns if "loss" in name]
            if "step" not in log or not losses:
                raise InputError(
                    f"{path}: found columns {list(log.columns)}, expected step, *loss*"
                )
            for name, hue in zip(losses, _cycle(hues), strict=False):
                rows = log[["step", name]].dropna()
                smooth = rows[name].rolling(max(1, len(rows) // 12), min_periods=1).mean()
                axis.plot(rows["step"], rows[name], color=hue, lw=0.8, alpha=0.3)
                axis.plot(rows["step"], smooth, color=hue, lw=1.7, label=name.replace("_", " "))
            if (log[losses].min() > 0).all():
                axis.set_yscale("log")
            axis.xaxis.set_major_locator(MaxNLocator(4))
            axis.set_title(label)
            axis.legend(fontsize=8.5)
        for axis in axes.flat[len(logs) :]:
            axis.set_visible(False)
        figure.supxlabel("step", fontsize=10)
        return encode_figure(figure, form)
