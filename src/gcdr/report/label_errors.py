"""How far off pseudo-labels are, as labelled people who were held out say: for people who would use them."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np

from gcdr.base.errors import InputError
from gcdr.base.files import read_json
from gcdr.report.figures import encode_figure, figure_style

HALF, QUARTER = 9, 4
"""Where the shares .5 and .25 stand among ``gcdr.refine.reliability.COVERAGES``."""


class LabelErrors(NamedTuple):
    """What S studies' held-out people say, see :func:`gcdr.refine.reliability.judged_reliability`.

    Attributes:
        coverage: (S, 20) share of the labels, those of least expected error first.
        risk: (S, 20) their mean error in units of the image.
        ideal: (S, 20) the mean error of the best labels of that number.
        expected: (S, 5) mean expected error of groups of equal size.
        error: (S, 5) their mean error.
        energy_score: (S,) mean of their draws as forecasts; NaN of studies that do not tell it.
    """

    coverage: np.ndarray
    risk: np.ndarray
    ideal: np.ndarray
    expected: np.ndarray
    error: np.ndarray
    energy_score: np.ndarray


def read_label_errors(paths: Sequence[Path]) -> LabelErrors | None:
    """Of the files that are choices of a timestep, those that could say it; None where there is none.

    Raises:
        InputError: numbers that are absent, not finite, or of another length.
    """
    said = [(path, found) for path in paths if (found := read_json(path).get("judged"))]
    if not said:
        return None
    lengths = dict(zip(LabelErrors._fields[:-1], (20, 20, 20, 5, 5), strict=True))
    for path, found in said:
        for name, length in lengths.items():
            values = np.asarray(found.get(name, []), float)
            if values.shape != (length,) or not np.isfinite(values).all():
                raise InputError(f"{path}, judged, {name}: expected {length} finite numbers")
    scores = np.array([found.get("energy_score") for _, found in said], float)  # None becomes NaN
    numbers = (np.array([found[name] for _, found in said], float) for name in lengths)
    return LabelErrors(*numbers, scores)


def label_errors_text(errors: LabelErrors) -> str:
    """The mean error of all labels, of the surest half and quarter, and the draws as a forecast."""
    mean, told = errors.risk.mean(0), ~np.isnan(errors.energy_score)
    forecast = (
        f" Several draws together, as a forecast of the place, score {errors.energy_score[told].mean():.3f} "
        "(energy score, which is the CRPS of forecasts of points: how far off the draws are, less half of "
        "how far they are from each other; lower is better); the label alone, taken for certain, would "
        f"score {errors.risk[told, -1].mean():.3f}."
        if told.any()
        else ""
    )
    return (
        f"Labels are {mean[-1]:.3f} off on average (AvgDist, in units of the image), the surer half of them "
        f"{mean[HALF]:.3f}, the surest quarter {mean[QUARTER]:.3f}; the best half that could be chosen would "
        f"be {errors.ideal.mean(0)[HALF]:.3f}.{forecast}"
    )


def label_errors_figure(errors: LabelErrors, form: str = "svg", dark: bool = False) -> bytes:
    """Risk-coverage curve, and true error against expected error; a band is one standard deviation.

    Args:
        errors: of one study or several.
        form: ``png`` or ``svg``.
        dark: dark background.
    """
    with figure_style(dark) as colours:
        figure, (risk, line) = plt.subplots(1, 2, figsize=(7.2, 3.4), layout="constrained")
        coverage = errors.coverage[0] * 100
        for values, name, label in (
            (errors.risk, "orange", "by expected error"),
            (errors.ideal, "soft", "by true error (ideal)"),
        ):
            mean = values.mean(0)
            risk.plot(coverage, mean, color=colours[name], lw=1.7, label=label)
            if len(values) > 1:
                spread = values.std(0, ddof=1)
                low, high = mean - spread, mean + spread
                risk.fill_between(coverage, low, high, color=colours[name], alpha=0.16, lw=0)
        risk.axhline(errors.risk[:, -1].mean(), color=colours["soft"], lw=1, ls=(0, (6, 3)))
        risk.set_xlabel("surest labels kept, %")
        risk.set_ylabel("their mean error")
        risk.set_ylim(bottom=0)
        risk.legend(fontsize=8.5)
        expected, error = errors.expected.mean(0), errors.error.mean(0)
        spread = errors.error.std(0, ddof=1) if len(errors.error) > 1 else np.zeros(len(error))
        edge = 1.1 * max(expected.max(), (error + spread).max())
        line.plot([0, edge], [0, edge], color=colours["faint"], lw=1.4, zorder=0)
        line.errorbar(expected, error, spread, color=colours["blue"], fmt="o-", capsize=3.5)
        line.set_xlabel("expected error, five groups of labels")
        line.set_ylabel("true error")
        return encode_figure(figure, form)
