"""The test that a model looks at the person it is asked about."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcdr.evaluation.pairs import asked_person

PAIR = np.array(["a", "a"])
APART = np.array([[0.1, 0.5], [0.9, 0.5]])


def test_who_follows_the_head_and_who_does_not() -> None:
    right = asked_person(PAIR, APART, APART)
    assert right["asked"].tolist() == [1, 1] and right["moved"].tolist() == [1, 1]
    swapped = asked_person(PAIR, APART[::-1], APART)
    assert swapped["asked"].tolist() == [0, 0] and swapped["moved"].tolist() == [1, 1]
    same = asked_person(PAIR, np.array([[0.3, 0.5], [0.3, 0.5]]), APART)
    assert same["asked"].tolist() == [1, 0] and same["moved"].tolist() == [0, 0]


def test_a_tie_counts_half() -> None:
    middle = np.full((2, 2), 0.5)
    assert asked_person(PAIR, middle, APART)["asked"].tolist() == [0.5, 0.5]


def test_people_alone_or_with_the_same_target_say_nothing() -> None:
    image = np.array(["a", "b", "b"])
    gaze = np.array([[0.1, 0.1], [0.5, 0.5], [0.55, 0.5]])
    found = asked_person(image, gaze, gaze)
    assert np.isnan(found["asked"]).all() and np.isnan(found["moved"]).all()


@given(st.integers(1, 30), st.integers(1, 8), st.integers(0, 99))
def test_a_model_that_ignores_heads_is_right_in_half_of_the_cases(
    people: int, images: int, seed: int
) -> None:
    """Of two people that get one answer, one is served and the other is not: whatever the answer."""
    rng = np.random.default_rng(seed)
    image = rng.integers(0, images, people).astype(str)
    gaze, answers = rng.random((people, 2)), rng.random((images, 2))
    points = answers[np.unique(image, return_inverse=True)[1]]
    found = asked_person(image, points, gaze)
    pairs = [
        (a, b)
        for a in range(people)
        for b in range(people)
        if a != b and image[a] == image[b] and np.linalg.norm(gaze[a] - gaze[b]) >= 0.2
    ]
    weight = np.array([sum(1 for a, _ in pairs if a == n) for n in range(people)], float)
    if pairs:
        assert np.nansum(found["asked"] * weight) / weight.sum() == pytest.approx(0.5)
        assert np.nansum(found["moved"]) == 0


def test_rows_may_come_in_any_order() -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 4, 12).astype(str)
    points, gaze = rng.random((12, 2)), rng.random((12, 2))
    order = rng.permutation(12)
    straight = asked_person(image, points, gaze)
    mixed = asked_person(image[order], points[order], gaze[order])
    for name, values in straight.items():
        assert np.array_equal(values[order], mixed[name], equal_nan=True)
