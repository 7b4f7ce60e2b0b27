"""Errors of single people: distribution, slices, and who is shown."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from gcdr.report.markup import Cell, Picture, grid
from gcdr.report.person_errors import distribution_text, person_traits, share_within
from gcdr.report.picked_people import BY_ANNOTATORS, TRACK, person_pictures, pick_people, pick_track
from gcdr.report.sections import errors_section, figures_section, people_section
from gcdr.report.slices import RunErrors, Sliced, counted, named, slice_runs, slice_table, thirds
from gcdr.report.typeset import ABSENT

MANIFEST = pd.DataFrame(
    {
        "sample_id": [3, 4, 9],
        "image": ["a.png", "a.png", "b.png"],
        "width": 200,
        "height": 100,
        "head_x0": [0.0, 100.0, 20.0],
        "head_y0": [0.0, 0.0, 10.0],
        "head_x1": [20.0, 140.0, 40.0],
        "head_y1": [10.0, 20.0, 30.0],
    }
)
POINTS = np.array(
    [[[0.5, 0.5], [0.7, 0.5]], [[0.2, 0.9], [np.nan, np.nan]], [[0.1, 0.2], [0.1, 0.2]]]
)


def traits() -> pd.DataFrame:
    return person_traits(
        MANIFEST, MANIFEST["sample_id"].to_numpy(), POINTS, np.array(["tv", "", "tv"])
    )


def test_share_within_counts_people_at_the_distance_itself() -> None:
    distance = np.array([0.3, 0.1, 0.2, 0.1])
    assert share_within(distance, np.array([0.05, 0.1, 0.25, 1.0])).tolist() == [0, 0.5, 0.75, 1]
    said = distribution_text({"GCDR": distance, "VAT": distance + 0.2}, 4, "demo")
    assert said == (
        "4 test people of demo. GCDR: half within 0.150, 50 % within 0.1; "
        "VAT: half within 0.350, 0 % within 0.1."
    )


def test_traits_are_measured_from_boxes_and_annotators() -> None:
    found = traits()
    assert found.index.tolist() == [3, 4, 9]
    np.testing.assert_allclose(found["head_size"], [0.1, 0.2, np.sqrt(0.02)])
    np.testing.assert_allclose(found["spread"], [0.1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(found["reach"].iloc[0], np.hypot(0.6 - 0.05, 0.5 - 0.05))
    assert found["crowd"].tolist() == [2, 2, 1]


def test_thirds_hold_everybody_once() -> None:
    values = np.random.default_rng(0).random(100)
    parts = thirds(values, 30)
    assert (
        len(parts) == 3 and np.array([member for _, member in parts]).sum(0).tolist() == [1] * 100
    )
    means = [values[member].mean() for _, member in parts]
    assert means == sorted(means)
    assert len(thirds(values, 50)) == 2 and thirds(values, 51) == []
    assert len(thirds(np.ones(100), 30)) == 1  # heads of one size


@pytest.mark.parametrize(
    "count, expected",
    [
        ([1] * 5 + [2] * 5, {"1": 5, "2": 5}),
        ([1] * 5 + [2] * 4 + [3] + [7], {"1": 5, "2 and more": 6}),
        ([1] * 2 + [2] * 5 + [3] * 5, {"1 to 2": 7, "3": 5}),
        ([1] * 2 + [4], {"1 and more": 3}),
    ],
)
def test_slices_of_few_people_are_folded_into_the_next(count: list[int], expected: dict) -> None:
    assert {name: int(rows.sum()) for name, rows in counted(np.array(count), 5)} == expected


def test_rare_answers_are_one_slice() -> None:
    nouns = np.array(["tv"] * 6 + ["cat"] * 8 + [""] * 5 + ["cup", "dog", "dog"])
    found = {name: int(rows.sum()) for name, rows in named(nouns, 5)}
    assert found == {"“cat”": 8, "“tv”": 6, "no noun": 5, "other answers (2)": 3}
    assert next(iter(found)) == "“cat”"
    assert named(np.array(["cup", "dog"]), 5) == []


@pytest.mark.slow
def test_slices_have_an_interval_over_images() -> None:
    """Two people of an image are one draw: with the same error twice the interval is no narrower."""
    rng = np.random.default_rng(1)
    size, student, other = rng.random(200), rng.random(200), rng.random(200)
    about = pd.DataFrame(
        {
            "image": [f"{n}.png" for n in range(200)],
            "head_size": size,
            "reach": size,
            "crowd": 1,
            "noun": "",
        }
    )
    alone = slice_table(about, student, other)
    twice = slice_table(
        pd.concat([about, about], ignore_index=True), np.tile(student, 2), np.tile(other, 2)
    )
    first, again = alone.iloc[0], twice.iloc[0]
    assert first["slice"] == "all test people" and first["n"] == 200 and again["n"] == 400
    assert first["student"] == pytest.approx(student.mean())
    assert first["difference"] == pytest.approx((student - other).mean())
    assert again["student_low"] == pytest.approx(first["student_low"])
    assert (alone["student_low"] < alone["student"]).all() and (alone["n"] >= 30).all()
    together = slice_table(about.assign(image="one.png"), student, other)
    assert together["student_low"].isna().all()  # one image has no spread
    section = errors_section(None, Sliced(alone, "GCDR", "VAT", "note"))
    assert section is None


def test_slices_of_several_runs_are_means_over_runs_with_their_spread() -> None:
    """A run weighs as much as another, however many people it has; slices are the same in all."""

    def run(people: int, student: float, noun: str) -> RunErrors:
        about = pd.DataFrame(
            {"image": [f"{n}.png" for n in range(people)], "head_size": 0.1, "reach": 0.2}
        )
        return RunErrors(
            about.assign(crowd=1, noun=noun), np.full(people, student), np.full(people, 0.2)
        )

    table = slice_runs([run(90, 0.1, "cat"), run(30, 0.3, "cat"), run(60, 0.1, "tv")], fewest=10)
    everybody = table.iloc[0]
    assert everybody["student"] == pytest.approx(0.5 / 3) and everybody["n"] == 60
    assert everybody["student_spread"] == pytest.approx(np.std([0.1, 0.3, 0.1], ddof=1))
    assert everybody["difference"] == pytest.approx(0.5 / 3 - 0.2)
    assert (everybody["nearer"], everybody["runs"]) == (2, 3)
    tv = table.set_index("slice").loc["“tv”"]
    assert (tv["runs"], tv["nearer"], tv["n"]) == (1, 1, 20) and np.isnan(tv["student_spread"])
    picture = Picture(b"<?xml version=", "errors")
    said = errors_section(picture, Sliced(table, "GCDR", "VAT", "note", 3)).body
    assert "±0.115, nearer in 2 of 3" in said and "Means over 3 runs" in said and "n a run" in said
    assert "bootstrap" not in said


def test_the_papers_figures_are_linked_or_it_is_said_how_to_make_them() -> None:
    said = figures_section({"figure4": ["figure4.pdf", "figure4.png"], "figure5": []}).body
    assert (
        '<a href="figures/figure4.png">figure4.png</a>' in said and "snakemake figure4" not in said
    )
    assert "<code>snakemake figure5</code>" in said


def test_people_are_picked_by_rule_and_nobody_twice() -> None:
    distance = np.array([0.5, 0.0, 0.1, 0.2, 0.3, 0.9])
    disputed = np.array([0.9, 0.0, 0.8, 0.0, 0.1, 0.0])
    image = np.array(["a", "b", "c", "d", "e", "a"])
    picked = pick_people(distance, disputed, image, 1)
    assert {group: rows.tolist() for group, rows in picked.items()} == {
        "Best": [1],
        "Median": [3],
        "Worst": [5],
        "Most disputed": [2],  # not 0, whose picture has been shown
    }
    few = pick_people(distance[:2], disputed[:2], image[:2], 4)
    assert sum(len(rows) for rows in few.values()) == 2


def test_people_are_shown_with_their_errors(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        Image.new("RGB", (200, 100)).save(tmp_path / name)
    errors = traits()[["spread", "noun"]].assign(student=[0.25, 0.1, 0.4], other=[0.5, 0.1, 0.2])
    picked = {"Best": np.array([0]), "Most disputed": np.array([2])}
    maps = {0: np.eye(4), 2: np.eye(4)}
    people = person_pictures(
        picked, errors, MANIFEST, POINTS, maps, tmp_path, "VAT <1>", BY_ANNOTATORS
    )
    assert [person.error for person in people] == ["0.250", "0.400"]
    assert people[0].about.startswith(
        "off, VAT <1> 0.500 · annotators 0.100 from their mean · answer “tv”"
    )
    assert people[1].rule == BY_ANNOTATORS and "Person 9 in b.png" in people[1].alt
    body = people_section(people).body
    assert "VAT &lt;1&gt;" in body and "<1>" not in body and body.count("<img ") == 2
    assert people_section([]) is None


def test_a_stacked_table_says_every_heading_beside_its_value() -> None:
    """On narrow screens the heading row is out of sight: each value carries its own."""
    made = grid(
        "A & B",
        ["Method", Cell("AvgDist", "cell centre")],
        [[Cell("GCDR", link="row-0"), Cell("0.1", "±0.0", "best")], ["Human", ABSENT]],
        spans=[("", 1), ("here", 1)],
        total=True,
    )
    assert 'data-label="AvgDist cell centre"' in made and 'class="best"' in made
    assert '<th role="rowheader" scope="row"><a href="#row-0">GCDR</a></th>' in made
    assert "<caption>A &amp; B</caption>" in made and 'class="absent"' in made
    assert made.index("<tfoot") > made.index("</tbody>") and made.count("<tr") == 4


def test_the_track_of_median_error_is_shown_in_time() -> None:
    track = np.repeat(["a", "b", "c", "d"], [6, 6, 6, 2])
    frame = np.concatenate([np.arange(6)[::-1], np.arange(6), np.arange(6), [0, 1]])
    people = pd.DataFrame(
        {"image": frame.astype(str), "sequence": "x", "track": track, "frame": frame}
    )
    distance = np.repeat([0.2, 0.3, 0.1, 0.0], [6, 6, 6, 2])
    shown = pick_track(people, distance, 3)[TRACK]
    assert (track[shown] == "a").all() and (np.diff(frame[shown]) > 0).all()
    assert frame[shown[0]] == 0 and frame[shown[-1]] == 5
    assert pick_track(people, distance, 7) == {}
    assert pick_track(people.drop(columns="track"), distance, 3) == {}
