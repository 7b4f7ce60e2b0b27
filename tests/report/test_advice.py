"""How many labels to add: a number only where the curve says one, and never by test people."""

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gcdr.base.errors import InputError
from gcdr.refine.choice import HELD_OUT
from gcdr.report.advice import (
    FEWEST,
    Curve,
    Interval,
    exponent,
    interval,
    label_advice,
    method_advice,
    more_labels,
    prior_advice,
    resampled_means,
    rounded,
)
from gcdr.report.label_curve import (
    choice_advice,
    curve_advice,
    curve_table,
    read_curve,
    write_advice,
)

steepness = st.floats(0.02, 1.5)
CANNOT = "cannot be said"


def number_in(advice: str) -> int | None:
    """The number of labels that a piece of advice says to add."""
    found = re.match(r"Label about ([\d,]+) more", advice)
    return int(found[1].replace(",", "")) if found else None


@given(st.floats(0.01, 5), st.floats(-2, 2))
def test_a_power_law_gives_its_exponent(scale: float, power: float) -> None:
    labelled = np.array([20, 40, 80])
    assert exponent(labelled, scale * labelled**-power) == pytest.approx(power, abs=1e-6)


@given(steepness, steepness, st.integers(5, 5000))
def test_a_steeper_curve_asks_for_fewer_labels(one: float, other: float, now: int) -> None:
    low, high = sorted((one, other))
    assert more_labels(now, high) <= more_labels(now, low)
    assert more_labels(2 * now, low) == pytest.approx(2 * more_labels(now, low))
    assert more_labels(now, low, 0.02) <= more_labels(now, low, 0.1)


@given(steepness, steepness)
def test_advice_is_monotone(one: float, other: float) -> None:
    """Of two curves with intervals of one relative width, the steeper is never told to label more."""
    said = [
        number_in(label_advice(100, Interval(value, 0.9 * value, 1.1 * value), 40))
        for value in sorted((one, other))
    ]
    if None not in said:
        assert said[1] <= said[0]
    elif said[1] is None:  # where the steeper gets no number, the flatter gets none
        assert said[0] is None


@given(st.floats(-1, 1), st.floats(0, 2), st.floats(0, 2))
def test_no_number_with_wide_intervals(value: float, below: float, above: float) -> None:
    found = Interval(value, value - below, value + above)
    advice = label_advice(100, found, 40)
    if found.low <= 0:
        assert number_in(advice) is None
    if number_in(advice) is not None:
        assert more_labels(100, found.low) <= 4 * more_labels(100, found.high)
    assert number_in(label_advice(100, found, FEWEST - 1)) is None


def test_a_flat_curve_is_called_flat_and_a_wide_one_unknown() -> None:
    assert "hardly help" in label_advice(100, Interval(0.01, -0.01, 0.02), 40)
    assert "made it worse" in label_advice(100, Interval(-0.5, -0.6, -0.4), 40)
    assert CANNOT in label_advice(4, Interval(0.3, 0.29, 0.31), 40)
    assert CANNOT in label_advice(100, Interval(math.nan, math.nan, math.nan), 40)
    assert CANNOT in label_advice(100, Interval(0.2, -0.1, 0.5), 40)
    assert label_advice(100, Interval(0.2, 0.19, 0.21), 40).startswith("Label about 30 more")
    assert "between" in label_advice(100, Interval(0.2, 0.01, 0.9), 40)


@given(st.floats(0.1, 1e6))
def test_a_number_is_rounded_by_less_than_a_quarter(count: float) -> None:
    said = int(rounded(count).replace(",", ""))
    assert said >= 1 and (count < 1 or abs(said - count) <= 0.34 * count)


@pytest.mark.slow
@given(st.integers(0, 50))
def test_resampling_is_about_the_mean_and_the_same_each_time(seed: int) -> None:
    errors = np.random.default_rng(seed).random((3, 60))
    unit = np.arange(60) // 2
    drawn = resampled_means(errors, unit, 200)
    assert drawn.shape == (200, 3) and (drawn == resampled_means(errors, unit, 200)).all()
    found = interval(errors[0].mean(), drawn[:, 0])
    assert found.low <= found.value <= found.high
    alone = resampled_means(errors, np.zeros(60), 20)
    np.testing.assert_allclose(alone, np.broadcast_to(errors.mean(1), (20, 3)))


@given(st.floats(-0.1, 0.1), st.floats(0, 0.1))
def test_a_method_is_named_only_beyond_doubt(value: float, half: float) -> None:
    advice = method_advice("GCDR", "VAT", Interval(value, value - half, value + half), 40)
    assert (CANNOT in advice) == (abs(value) <= half)
    if value < -half:
        assert "GCDR is better than VAT" in advice


def candidates(distance: list[float], se: float) -> list[dict[str, float]]:
    best = min(distance)
    return [
        {"timestep": 100 * place, "dist_to_mean": one, "above": one - best, "se": se * (one > best)}
        for place, one in enumerate(distance, start=1)
    ]


def test_the_prior_helps_does_not_or_cannot_be_told() -> None:
    assert prior_advice(candidates([0.15, 0.16, 0.20], 0.005), 90, 60).startswith("The prior helps")
    assert CANNOT in prior_advice(candidates([0.15, 0.16, 0.20], 0.05), 90, 60)
    assert "More of the prior does not help" in prior_advice(
        candidates([0.24, 0.22, 0.20], 0.004), 90, 60
    )
    assert CANNOT in prior_advice(candidates([0.21, 0.201, 0.20], 0.02), 90, 60)
    assert CANNOT in prior_advice(candidates([0.2], 0), 90, 60)  # a single timestep says nothing
    assert CANNOT in prior_advice(candidates([0.15, 0.16, 0.20], 0.005), 90, FEWEST - 1)


@given(st.lists(st.floats(0.05, 0.4), min_size=2, max_size=11, unique=True), st.floats(1e-4, 0.1))
def test_less_certainty_never_brings_an_answer(distance: list[float], se: float) -> None:
    assume(len(set(np.round(distance, 6))) == len(distance))
    sure, unsure = (prior_advice(candidates(distance, one), 50, 40) for one in (se, 2 * se))
    if CANNOT in sure:
        assert CANNOT in unsure


def curve_file(path: Path, power: float, people: int = 60, noise: float = 0.1) -> Path:
    """A curve whose two methods follow a power law."""
    rng = np.random.default_rng(7)
    person = np.exp(noise * rng.normal(size=people))
    rows = [
        {
            "labelled": count,
            "errors": {
                "vat": (0.5 * count**-power * person).tolist(),
                "gcdr": (0.4 * count**-power * person).tolist(),
            },
        }
        for count in (20, 40, 80)
    ]
    content = {"format": 1, "study": "s", "seed": 0, "unit": list(range(people)), "rows": rows}
    path.write_text(json.dumps(content))
    return path


def test_from_files_to_a_page(tmp_path: Path) -> None:
    paths = [curve_file(tmp_path / f"{name}.json", 0.3) for name in "ab"]
    choice = tmp_path / "choice.json"
    rows = candidates([0.15, 0.16, 0.20], 0.001)
    about = {"study": "s", "chosen": {"timestep": 100}, "people": {HELD_OUT: 90}, "rows": rows}
    choice.write_text(json.dumps(about))
    out = [tmp_path / name for name in ("curve.csv", "curve.md", "curve.svg")]
    write_advice(paths, [str(choice)], *out)
    page = out[1].read_text()
    assert "GCDR: Label about 15 more" in page and "s: The prior helps" in page
    assert "GCDR is better than VAT (supervised)" in page
    assert out[2].read_bytes().startswith(b"<?xml")
    table = curve_table(read_curve(paths))
    assert (table["people"] == 120).all() and table["labelled"].tolist() == [20, 40, 80] * 2
    assert table["low"].le(table["dist_to_mean"]).all()
    assert choice_advice(paths) == []  # a curve is no choice


def test_curves_that_do_not_go_together(tmp_path: Path) -> None:
    first, other = curve_file(tmp_path / "a.json", 0.3), tmp_path / "b.json"
    content = json.loads(first.read_text())
    other.write_text(json.dumps(content | {"rows": content["rows"][1:]}))
    with pytest.raises(InputError, match="other parts or methods"):
        read_curve([first, other])
    other.write_text("[]")
    with pytest.raises(InputError, match="no curve"):
        read_curve([other])


def test_few_people_get_no_number() -> None:
    errors = {"vat": np.array([[0.3] * 4, [0.2] * 4])}
    (line,) = curve_advice(Curve(np.array([10, 20]), errors, np.arange(4)))
    assert CANNOT in line and number_in(line.split(": ", 1)[1]) is None
    assert math.isinf(more_labels(10, 0))


def test_who_is_nearer_is_said_where_it_may_be_chance() -> None:
    for name, other, difference in (
        ("VAT", "GCDR", Interval(-0.07, -0.147, 0.009)),
        ("GCDR", "VAT", Interval(0.07, -0.009, 0.147)),
    ):
        said = method_advice(name, other, difference, 40)
        assert (
            f"whether {name} or {other} is better: VAT is nearer by 0.070 (-0.009 to +0.147)"
            in said
        )
