"""How many labels to add, and whether the prior helps: plain sentences, from held-out labelled people alone.

A curve of distance against labels is taken for a power law, distance = a n^-b, as learning curves of deep
networks are over a wide range (Hestness et al., "Deep Learning Scaling is Predictable, Empirically", 2017).
Where an interval is too wide for an answer, that is the answer.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from gcdr.base.seeds import numpy_rng

GAIN = 0.05  # how much nearer is worth labelling for, as a share of the distance
FARTHEST = 2.0  # labels to add, as a multiple of those there are, up to which the curve is drawn on
WIDEST = 4.0  # from the least to the most labels to add, up to which a number is said
FEWEST = 10  # held-out images (or films) below which nothing is said
RESAMPLES = 1000
LEVEL = 0.95


@dataclass(frozen=True)
class Curve:
    """Distances of held-out people at several numbers of labels.

    Attributes:
        labelled: (P,) how many labelled people were learned from, ascending.
        errors: by method (P, N) distance of each held-out person, in units of the image.
        unit: (N,) which people count together: those of an image or a film.
    """

    labelled: np.ndarray
    errors: Mapping[str, np.ndarray]
    unit: np.ndarray

    @property
    def units(self) -> int:
        """How many images or films the people are in."""
        return len(np.unique(self.unit))


@dataclass(frozen=True)
class Interval:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float


def resampled_means(errors: np.ndarray, unit: np.ndarray, draws: int = RESAMPLES) -> np.ndarray:
    """Means when images, or films, are drawn with replacement, the same ones for all rows.

    Args:
        errors: (C, N).
        unit: (N,) which people are drawn together.
        draws: how often.

    Returns:
        (draws, C) float64.
    """
    member = np.unique(unit, return_inverse=True)[1]
    sums = np.stack([np.bincount(member, weights=row) for row in errors], 1)  # (U, C)
    size, rng = np.bincount(member), numpy_rng(0, "label curve")
    means = np.empty((draws, len(errors)))
    for draw in range(draws):
        times = np.bincount(rng.integers(0, len(size), len(size)), minlength=len(size))
        means[draw] = times @ sums / (times @ size)
    return means


def interval(value: float, drawn: np.ndarray) -> Interval:
    """A value with the percentile interval of its draws (D,)."""
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(value), float(low), float(high))


def exponent(labelled: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """How steeply distance falls with labels: b of distance = a n^-b, by least squares of the logarithms.

    Args:
        labelled: (P,) numbers of labels, of which at least two differ.
        distance: (..., P) above 0.

    Returns:
        (...,) float64; negative where more labels make it worse.
    """
    logs = np.log(np.asarray(labelled, float))
    logs = logs - logs.mean()
    return -(np.log(np.maximum(distance, 1e-9)) @ logs) / (logs @ logs)


def more_labels(now: int, steepness: float, gain: float = GAIN) -> float:
    """How many labels to add to come nearer by a share of the distance.

    Args:
        now: labels there are.
        steepness: of :func:`exponent`.
        gain: the share, in 0..1.

    Returns:
        a number of labels; infinite where the curve does not fall.
    """
    if steepness <= 0:
        return math.inf
    power = -math.log1p(-gain) / steepness
    return now * math.expm1(power) if power < 50 else math.inf


def label_advice(now: int, steepness: Interval, units: int) -> str:
    """Whether to label more people, and how many.

    Args:
        now: labelled people that are learned from.
        steepness: of the curve.
        units: how many images or films the held-out people are in.
    """
    if units < FEWEST:
        return (
            f"It cannot be said whether more labels help: labelled people are held out in {units} images, "
            f"and fewer than {FEWEST} say nothing. Label some more and ask again."
        )
    found = (steepness.value, steepness.low, steepness.high)
    if now < FEWEST or not all(map(math.isfinite, found)):
        return (
            f"It cannot be said whether more labels help: the curve ends at {now} labelled people, and fewer "
            f"than {FEWEST}, or parts of equal size, say nothing. Label some more and ask again."
        )
    if steepness.high < 0:
        return (
            f"More labels made it worse, up to the {now} there are: either the labels of some people are "
            "wrong, or the trainings differ by more than labels do. Look at the largest errors first."
        )
    least, about, most = (
        more_labels(now, value) for value in (steepness.high, steepness.value, steepness.low)
    )
    share = f"{GAIN:.0%} nearer".replace("%", " %")
    if least > FARTHEST * now:
        return (
            f"More labels hardly help: to come {share} takes more than {rounded(FARTHEST * now)} in addition "
            f"to the {now}."
        )
    if steepness.low <= 0:
        return (
            f"It cannot be said whether more labels help: with the {now} there are, the curve may be flat or "
            "fall. More held-out people would tell."
        )
    if about > FARTHEST * now or most > WIDEST * least:
        top = "more" if most > FARTHEST * now else f"{rounded(most)}"
        return (
            f"More labels help, but how many cannot be said well: between {rounded(least)} and {top} in "
            f"addition to the {now} to come {share}."
        )
    return (
        f"Label about {rounded(about)} more: it should bring points {share} (between {rounded(least)} and "
        f"{rounded(most)} in addition to the {now})."
    )


def rounded(count: float) -> str:
    """A number of labels as one says it: one digit that counts, or two after a 1."""
    digits = 1 if f"{count:e}"[0] > "1" else 2
    return f"{max(1, float(f'{count:.{digits}g}')):,.0f}"


def method_advice(name: str, other: str, difference: Interval, units: int) -> str:
    """Which of two methods to use.

    Args:
        name: the method.
        other: what it is compared with.
        difference: its distance minus the other's, of the same people.
        units: how many images or films they are in.
    """
    between = f"({difference.low:+.3f} to {difference.high:+.3f})"
    better, worse = (name, other) if difference.value < 0 else (other, name)
    if units < FEWEST or not (difference.low > 0 or difference.high < 0):
        sign = -1 if difference.value < 0 else 1
        ends = sorted(sign * end for end in (difference.low, difference.high))
        return (
            f"With all labels that there are it cannot be said whether {name} or {other} is better: {better} "
            f"is nearer by {abs(difference.value):.3f} ({ends[0]:+.3f} to {ends[1]:+.3f})."
        )
    return (
        f"With all labels that there are {better} is better than {worse}: {name} differs by "
        f"{difference.value:+.3f} {between}."
    )


def prior_advice(rows: Sequence[Mapping[str, Any]], people: int, units: int) -> str:
    """Whether the prior's maps help: those timesteps that keep them against the last, which keeps least.

    Args:
        rows: of the choice of a timestep: ``timestep``, ``dist_to_mean``, ``above`` (its difference from the
            best) and ``se`` (the standard error of that).
        people: how many held-out people they are of.
        units: how many images or films these are in.
    """
    if units < FEWEST:
        return (
            f"It cannot be said whether the prior helps: labelled people are held out in {units} images, and "
            f"fewer than {FEWEST} say nothing."
        )
    if len({row["timestep"] for row in rows}) < 2:
        return (
            "It cannot be said whether the prior helps: one timestep was tried alone "
            "(refine.auto.timesteps)."
        )
    last = max(row["timestep"] for row in rows)
    best = min(rows, key=lambda row: row["dist_to_mean"])
    noise = min(
        (row for row in rows if row["timestep"] == last), key=lambda row: row["dist_to_mean"]
    )
    compared = max(1, len(rows) - 1)
    wide = NormalDist().inv_cdf(
        1 - (1 - LEVEL) / 2 / compared
    )  # the best of many is good by chance too
    margin = GAIN * noise["dist_to_mean"]
    of = f"on {people} held-out labelled people"
    if best["timestep"] != last:
        low, high = (noise["above"] + sign * wide * noise["se"] for sign in (-1, 1))
        gain = f"{noise['above']:.3f} ({max(low, 0):.3f} to {high:.3f})"
    else:
        low, high = (
            0.0,
            max(
                (wide * row["se"] - row["above"] for row in rows if row is not best),
                default=math.inf,
            ),
        )
        gain = f"at most {max(high, 0):.3f}"
    if low > 0:
        return (
            f"The prior helps: {of}, maps refined from t = {best['timestep']} are nearer by {gain} than from "
            f"t = {last}, which leaves least of them."
        )
    if high < margin:
        return (
            f"More of the prior does not help here: {of}, keeping more of its maps than t = {last} leaves "
            f"brings {gain}."
        )
    return (
        f"It cannot be said whether the prior helps: {of}, keeping more of its maps than t = {last} leaves "
        f"brings {gain}."
    )
