"""How far off labels are expected to be."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcdr.refine.reliability import (
    COVERAGES,
    LEAST,
    UNITS,
    Judged,
    Reliability,
    fit_reliability,
    judged_reliability,
    risk_coverage,
)


def labels(seed: int, people: int = 200, entropy: float = 0.3, apart: float = 0.2) -> Judged:
    """Labels whose error grows with entropy and with the distance from the prior, plus noise."""
    rng = np.random.default_rng(seed)
    doubt, distance = rng.uniform(0.5, 1, people), rng.uniform(0, 0.8, people)
    error = 0.05 + entropy * doubt + apart * distance + rng.normal(0, 0.01, people)
    return Judged(doubt, distance, error, 0.8 * error)


def fit(judged: Judged) -> Reliability | None:
    """Of people in pictures of their own."""
    return fit_reliability(judged, np.arange(len(judged.error)))


@given(st.integers(0, 20))
def test_the_line_that_made_the_errors_is_found(seed: int) -> None:
    line = fit(labels(seed))
    assert line is not None and line.people == 200
    assert (line.base, line.entropy, line.prior_distance) == pytest.approx(
        (0.05, 0.3, 0.2), abs=0.03
    )
    assert Reliability.from_json(line.to_json(), "here") == line


@given(st.integers(0, 20), st.floats(-1, 1), st.floats(-1, 1))
def test_doubt_is_never_a_reason_for_trust(seed: int, entropy: float, apart: float) -> None:
    line = fit(labels(seed, entropy=entropy, apart=apart))
    assert line is not None and line.entropy >= 0 and line.prior_distance >= 0
    grid = np.linspace(0, 1, 9)
    said = line.expected_error(grid, np.zeros(9))
    assert (np.diff(said) >= 0).all() and (said >= line.least).all()


def test_a_label_without_a_prior_map_is_judged_as_the_typical_one() -> None:
    line = fit(labels(1))
    assert line is not None
    without, typical = line.expected_error(np.array([0.7, 0.7]), np.array([np.nan, line.typical]))
    assert without == typical


def test_of_few_people_nothing_is_said() -> None:
    few = labels(2, LEAST - 1)
    assert fit(few) is None
    assert judged_reliability(few, np.arange(LEAST - 1)) is None
    assert judged_reliability(labels(2, 30), np.arange(30)) is None  # a half has 15


@given(st.integers(0, 50))
def test_a_feature_that_hardly_varies_has_no_slope(seed: int) -> None:
    """Chance in a narrow feature makes a steep line, which says nonsense of labels elsewhere."""
    rng = np.random.default_rng(seed)
    error = rng.uniform(0, 0.5, 100)
    narrow, apart = 0.95 + 1e-4 * rng.standard_normal(100), np.full(100, 0.3)
    line = fit(Judged(narrow, apart, error, error))
    assert line is not None
    assert line.prior_distance == 0
    elsewhere = line.expected_error(np.linspace(0, 1, 11), np.full(11, 0.3))
    assert (elsewhere >= line.least).all() and (elsewhere <= line.most).all()
    assert line.most <= 0.5


def test_of_chance_a_line_is_seldom_made() -> None:
    """At two standard errors about one slope in forty is above 0 by chance."""
    found = [
        fit(labels(seed, 60, 0, 0)._replace(error=np.random.default_rng(1000 + seed).random(60)))
        for seed in range(200)
    ]
    sloped = [line for line in found if line is not None and line.entropy + line.prior_distance > 0]
    assert len(found) == 200 and len(sloped) <= 24


def test_people_of_one_picture_are_one_piece_of_evidence() -> None:
    """Twelve pictures whose people err alike: a slope among twelve is not one among 240."""
    picture, sloped = np.repeat(np.arange(12), 20), np.zeros(2, int)
    for seed in range(100):
        rng = np.random.default_rng(seed)
        doubt, error = rng.random(12)[picture], rng.random(12)[picture]
        judged = Judged(doubt, np.full(240, 0.1), error, error)
        lines = [fit(judged), fit_reliability(judged, picture)]
        sloped += [line is not None and line.entropy > 0 for line in lines]
    assert sloped[0] > 30 and sloped[1] <= 12
    few = fit_reliability(labels(3), np.arange(200) % (UNITS - 1))
    assert few is not None and few.entropy == few.prior_distance == 0


def test_errors_that_are_all_the_same_have_no_slope() -> None:
    line = fit(Judged(*(np.full(30, value) for value in (0.5, 0.1, 0.2, 0.1))))
    assert line is not None
    assert (line.entropy, line.prior_distance, line.least) == (0, 0, pytest.approx(0.2))


@given(st.integers(0, 20), st.integers(1, 60))
def test_risk_ends_at_the_mean_and_the_ideal_is_below(seed: int, people: int) -> None:
    rng = np.random.default_rng(seed)
    doubt, error = rng.random(people), rng.random(people)
    risk, ideal = risk_coverage(doubt, error), risk_coverage(error, error)
    assert risk.shape == COVERAGES.shape and risk[-1] == pytest.approx(error.mean())
    assert (ideal <= risk + 1e-12).all() and (np.diff(ideal) >= -1e-12).all()


def test_halves_that_predict_each_other_show_what_doubt_is_worth() -> None:
    judged = labels(3, 400)
    found = judged_reliability(judged, np.arange(400) // 2)
    assert found is not None
    assert found["risk"][4] < found["risk"][-1] - 0.05
    assert found["energy_score"] == pytest.approx(0.8 * found["risk"][-1])
    assert found["error"] == pytest.approx(found["expected"], abs=0.02)
    blind = judged_reliability(
        judged._replace(error=np.random.default_rng(0).random(400)), np.arange(400)
    )
    assert blind is not None and blind["risk"][9] > blind["risk"][-1] - 0.1  # no false promise


def test_of_single_draws_no_forecast_is_told() -> None:
    single = labels(3)._replace(energy_score=np.full(200, np.nan))
    found = judged_reliability(single, np.arange(200))
    assert found is not None and found["energy_score"] is None
