"""How far off labels are, learned from labelled people that the diffusion model has not seen. No torch.

A label's map and its distance from the prior's peak say something about its error, but not in a unit that
anybody can use. A line through held-out people turns them into an expected distance; two halves that predict
each other show whether it may be believed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from gcdr.base.jsonconfig import JsonConfig

LEAST = 20
"""Labelled people from which it can be said how far off labels are."""

UNITS = 10
"""Images or films from which a slope is told from none; standard errors by fewer are too small."""

SURE = 2.0
"""Standard errors by which a slope is above 0."""

DIAGONAL = 2**0.5
"""Of a picture in units of the image: nothing is further off."""

COVERAGES = np.arange(1, 21) / 20
"""Shares of the labels, those of least doubt first, whose mean error is told."""

BINS = 5
"""Groups of labels, by expected error, whose true error is told beside it."""


class Judged(NamedTuple):
    """Labels of N people whose place is known.

    Attributes:
        entropy: (N,) of their maps, :func:`gcdr.data.heatmaps.entropy`.
        prior_distance: (N,) from the prior's peak to theirs.
        error: (N,) from their peak to where the person looks, in units of the image.
        energy_score: (N,) of the draws of noise, :func:`gcdr.evaluation.metrics.energy_score`; NaN of a
            single one.
    """

    entropy: np.ndarray
    prior_distance: np.ndarray
    error: np.ndarray
    energy_score: np.ndarray

    def part(self, member: np.ndarray) -> "Judged":
        """Those of some people, (N,) bool or row numbers."""
        return Judged(*(values[member] for values in self))


@dataclass(frozen=True)
class Reliability(JsonConfig):
    """How far off labels are expected to be: a line of what can be seen of them.

    Attributes:
        base: distance in units of the image where both of the following are 0.
        entropy: what a unit of entropy adds; not below 0, for doubt is no reason for trust.
        prior_distance: what a unit of distance from the prior's peak adds; not below 0.
        typical: mean ``prior_distance``, for labels without a prior map.
        least: smallest distance that is said.
        people: how many it was learned from.
        most: largest distance that is said; files of before say nothing of it.
    """

    base: float
    entropy: float
    prior_distance: float
    typical: float
    least: float
    people: int
    most: float = DIAGONAL

    def expected_error(self, entropy: np.ndarray, prior_distance: np.ndarray) -> np.ndarray:
        """Distances (N,) float64 in units of the image.

        Args:
            entropy: (N,) in [0, 1].
            prior_distance: (N,), NaN without a prior map.
        """
        apart = np.where(np.isnan(prior_distance), self.typical, prior_distance)
        line = self.base + self.entropy * entropy + self.prior_distance * apart
        return np.clip(line, self.least, self.most)


def fit_reliability(judged: Judged, unit: np.ndarray) -> Reliability | None:
    """Least squares with slopes that are told from 0, within the errors that were seen.

    Args:
        judged: labels of people that the diffusion model has not seen.
        unit: (N,) what counts together, see :func:`gcdr.data.folds.clusters`.

    Returns:
        None of fewer than :data:`LEAST` people.
    """
    if len(judged.error) < LEAST:
        return None
    features = np.stack([judged.entropy, judged.prior_distance], 1).astype(float)
    centre, mean = features.mean(0), float(judged.error.mean())
    slopes = _slopes(features - centre, judged.error - mean, unit)
    return Reliability(
        base=mean - float(centre @ slopes),
        entropy=float(slopes[0]),
        prior_distance=float(slopes[1]),
        typical=float(centre[1]),
        least=float(np.quantile(judged.error, 0.05)),
        people=len(judged.error),
        most=float(np.quantile(judged.error, 0.95)),
    )


def _slopes(features: np.ndarray, values: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """Slopes of a line through (0, 0), without those that are negative or not told from 0.

    Standard errors are those of clustered people (Liang & Zeger 1986); of all slopes the least sure one goes
    first.
    """
    number = np.unique(unit, return_inverse=True)[1]
    units = int(number.max()) + 1
    varied = np.ptp(features, 0) > 1e-6  # of what is the same for all, the rest is rounding
    slopes, used = np.zeros(features.shape[1]), list(np.flatnonzero(varied))
    while used and units >= UNITS:
        taken = features[:, used]
        fitted = np.linalg.lstsq(taken, values, rcond=None)[0]
        sums = np.zeros((units, len(used)))
        np.add.at(sums, number, taken * (values - taken @ fitted)[:, None])
        inverse = np.linalg.pinv(taken.T @ taken)
        error = np.sqrt(np.diag(inverse @ sums.T @ sums @ inverse) * units / (units - 1))
        sure = fitted - SURE * error
        if (sure > 0).all():
            slopes[used] = fitted
            break
        used.pop(int(np.argmin(fitted / np.maximum(error, 1e-12))))
    return slopes


def risk_coverage(doubt: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Mean error of the labels of least doubt, at each of :data:`COVERAGES`.

    Args:
        doubt: (N,), larger for labels that are trusted less.
        error: (N,) distances.

    Returns:
        (20,) float64; the last is the mean of all.
    """
    ordered = np.cumsum(error[np.argsort(doubt, kind="stable")]) / np.arange(1, len(error) + 1)
    return ordered[np.ceil(COVERAGES * len(error)).astype(int) - 1]


def judged_reliability(
    judged: Judged, unit: np.ndarray
) -> Mapping[str, list[float] | float | None] | None:
    """Whether the expected error may be believed: two halves of the people predict each other.

    Args:
        judged: labels of people that the diffusion model has not seen.
        unit: (N,) what counts together, see :func:`gcdr.data.folds.clusters`; it is in one half.

    Returns:
        ``coverage`` with ``risk``, the mean error of so many labels, those of least expected error first,
        and ``ideal``, of the smallest true error first; ``expected`` and ``error``, means of
        groups of equal size by expected error; ``energy_score``, the mean, None of a single draw. None
        of fewer than twice :data:`LEAST` people.
    """
    number = np.unique(unit, return_inverse=True)[1]
    halves = [number % 2 == 0, number % 2 == 1]
    expected = np.zeros(len(judged.error))
    for one, other in (halves, halves[::-1]):
        line = fit_reliability(judged.part(other), number[other])
        if line is None:
            return None
        seen = judged.part(one)
        expected[one] = line.expected_error(seen.entropy, seen.prior_distance)
    groups = np.array_split(np.argsort(expected, kind="stable"), BINS)
    return {
        "coverage": COVERAGES.tolist(),
        "risk": risk_coverage(expected, judged.error).tolist(),
        "ideal": risk_coverage(judged.error, judged.error).tolist(),
        "expected": [float(expected[group].mean()) for group in groups],
        "error": [float(judged.error[group].mean()) for group in groups],
        "energy_score": None if np.isnan(score := judged.energy_score.mean()) else float(score),
    }
