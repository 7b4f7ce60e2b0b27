"""Draws as a forecast of a place: the energy score."""

from itertools import permutations
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcdr.evaluation.metrics import energy_score


@given(st.integers(0, 50), st.integers(2, 6))
def test_it_is_what_its_definition_says(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    draws, place = rng.random((count, 2)), rng.random(2)
    off = np.mean([np.hypot(*(draw - place)) for draw in draws])
    apart = np.mean([np.hypot(*(one - other)) for one, other in permutations(draws, 2)])
    assert energy_score(draws[None], place[None]) == pytest.approx(off - apart / 2)


@pytest.mark.parametrize("place", [-1.3, 0.0, 0.4, 2.0])
def test_on_a_line_it_is_the_crps(place: float) -> None:
    """Of a normal distribution that has a closed form (Gneiting & Raftery 2007, Eq. 21)."""
    normal = NormalDist()
    expected = place * (2 * normal.cdf(place) - 1) + 2 * normal.pdf(place) - np.pi**-0.5
    draws = np.zeros((1, 2000, 2))
    draws[0, :, 0] = [normal.inv_cdf((rank + 0.5) / 2000) for rank in range(2000)]
    found = energy_score(draws, np.array([[place, 0.0]]))
    assert found == pytest.approx(expected, abs=2e-3)


def test_draws_that_agree_are_a_point() -> None:
    place = np.array([[0.2, 0.4], [0.9, 0.1]])
    draws = np.repeat(np.full((2, 1, 2), 0.5), 3, axis=1)
    assert energy_score(draws, place) == pytest.approx(np.linalg.norm(place - 0.5, axis=1))


@pytest.mark.parametrize("count", [2, 3, 8])
def test_the_true_spread_is_best_and_the_number_of_draws_does_not_matter(count: int) -> None:
    rng = np.random.default_rng(count)
    people = 40_000
    places = rng.normal(0.5, 0.1, (people, 2))
    scores = {
        spread: energy_score(rng.normal(0.5, spread, (people, count, 2)), places).mean()
        for spread in (0.02, 0.1, 0.3)
    }
    assert scores[0.1] < min(scores[0.02], scores[0.3]) - 0.005
    # In the plane E|X - y| is sigma sqrt(pi), and half of E|X - X'| is sigma sqrt(pi) / 2.
    assert scores[0.1] == pytest.approx(0.1 * np.pi**0.5 / 2, abs=1e-3)


def test_of_a_single_draw_nothing_is_said() -> None:
    assert np.isnan(energy_score(np.zeros((3, 1, 2)), np.zeros((3, 2)))).all()
