"""Answers that point: documented formats are read to the digit, anything else is bad and says why."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcdr.priors.answers import (
    EMPTY,
    MALFORMED,
    NO_AREA,
    NO_POINT,
    NOT_A_NUMBER,
    OUTSIDE,
    REASONS,
    WHOLE,
    Answer,
    Box,
    Point,
    clean,
    parse_coords,
    parse_json,
    parse_locations,
    parse_tags,
)

PARSERS = [parse_json, parse_tags, parse_coords, parse_locations]
PIECES = [
    "[", "]", "{", "}", '"', ":", ",", '"point_2d"', '"bbox_2d"', '"label"', "<point", "<points", ">",
    " x=", " y=", ' x1="', '"', ' coords="', " alt=", "</points>", "<loc_", "<loc_7>", "1", "500", "-3",
    "1e999", "NaN", "null", "9" * 40, "```json\n", "\n```", " ", "\\ud800", "\x00", "ball",
]  # fmt: skip
# What a model may say: any text, and soups of the formats' own pieces, which get further.
SPOKEN = st.text() | st.lists(st.sampled_from(PIECES), max_size=25).map("".join)
LABELS = st.text("abcdefghij klmno", min_size=1).map(str.strip).filter(bool)
MILLE = st.integers(0, 1000)


@pytest.mark.parametrize("parse", PARSERS)
@given(text=SPOKEN)
def test_no_text_crashes_a_parser(parse: Callable[[str], Answer], text: str) -> None:
    answer = parse(text)
    assert answer.valid == bool(answer.places) and (answer.valid or answer.reason in REASONS)
    for place in answer.places:
        assert all(0 <= value <= 1 for value in list(vars(place).values())[:-1])
        assert place.label == clean(place.label)
        place.label.encode()


@pytest.mark.parametrize("parse", PARSERS)
@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 50_000, "<points " * 20_000, "1" * 9999])
def test_long_nonsense_ends(parse: Callable[[str], Answer], text: str) -> None:
    assert parse(text).reason in (MALFORMED, NO_POINT)


@given(
    points=st.lists(st.tuples(MILLE, MILLE, LABELS), min_size=1, max_size=4),
    scale=st.sampled_from([(1000.0, 1000.0), (1036.0, 1204.0)]),
    wrap=st.sampled_from(["{}", "```json\n{}\n```", "Here it is:\n{}\nIs there anything else?"]),
)
def test_points_in_json_round_trip(points, scale, wrap: str) -> None:
    said = [{"point_2d": [x, y], "label": label} for x, y, label in points]
    answer = parse_json(wrap.replace("{}", json.dumps(said)), scale)
    assert answer.places == tuple(Point(x / scale[0], y / scale[1], n) for x, y, n in points)
    assert answer.label == points[0][2]
    assert parse_json(json.dumps(said[0]), scale).places == answer.places[:1]


@given(st.tuples(MILLE, MILLE, MILLE, MILLE), LABELS)
def test_boxes_round_trip(sides: tuple[int, int, int, int], label: str) -> None:
    x0, y0, x1, y1 = sides
    said = json.dumps([{"bbox_2d": sides, "label": label}])
    expected = Answer((Box(x0 / 1000, y0 / 1000, x1 / 1000, y1 / 1000, label),))
    if sides == (0, 0, 1000, 1000):
        expected = Answer(reason=WHOLE)
    assert parse_json(said) == (expected if x0 < x1 and y0 < y1 else Answer(reason=NO_AREA))


@given(st.lists(st.tuples(MILLE, MILLE), min_size=1, max_size=4), LABELS)
def test_tags_and_coordinates_round_trip(points: list[tuple[int, int]], label: str) -> None:
    expected = tuple(Point(x / 1000, y / 1000, label) for x, y in points)
    pairs = " ".join(f'x{n}="{x / 10}" y{n}="{y / 10}"' for n, (x, y) in enumerate(points, start=1))
    answer = parse_tags(f' <points {pairs} alt="{label}">{label}</points>')
    assert [place.label for place in answer.places] == [label] * len(points)
    for place, wanted in zip(answer.places, expected, strict=True):
        assert (place.x, place.y) == pytest.approx((wanted.x, wanted.y))
    rows = " ".join(f"{n} {x:03d} {y:03d}" for n, (x, y) in enumerate(points, start=1))
    assert parse_coords(f'<points coords="1 {rows}">{label}</points>').places == expected
    assert parse_coords(f'The <points coords="1 {rows}" alt="{label}"/> is.').places == expected


@given(st.lists(st.integers(0, 999), min_size=4, max_size=4), LABELS)
def test_locations_round_trip(bins: list[int], label: str) -> None:
    said = f"</s><s>{label}" + "".join(f"<loc_{number}>" for number in bins) + "</s>"
    x0, y0, x1, y1 = [(number + 0.5) / 1000 for number in bins]
    expected = Answer((Box(x0, y0, x1, y1, label),))
    assert parse_locations(said) == (expected if x0 < x1 and y0 < y1 else Answer(reason=NO_AREA))


@pytest.mark.parametrize(
    ("parse", "text", "reason"),
    [
        (parse_json, " \n", EMPTY),
        (parse_json, "The person looks at the ball [the red one].", NO_POINT),
        (parse_json, "[]", NO_POINT),
        (parse_json, '[{"label": "ball"}]', NO_POINT),
        (parse_json, '[{"point_2d": [10, 20], "label": "ball"}, {"point_2d": [3', MALFORMED),
        (parse_json, '[{"point_2d": [10, 20]}, 3]', MALFORMED),
        (parse_json, '{"point_2d": "10 20"}', MALFORMED),
        (parse_json, '{"bbox_2d": [10, 20]}', MALFORMED),
        (parse_json, '{"point_2d": [10, "20"]}', NOT_A_NUMBER),
        (parse_json, '{"point_2d": [10, NaN]}', NOT_A_NUMBER),
        (parse_json, '{"point_2d": [true, null]}', NOT_A_NUMBER),
        (parse_json, '{"point_2d": [10, 1001]}', OUTSIDE),
        (parse_json, '{"point_2d": [-1, 10]}', OUTSIDE),
        (parse_json, '{"point_2d": [10, %s]}' % ("9" * 400), OUTSIDE),
        (parse_json, '[{"point_2d": [10, 20]}, {"point_2d": [10, 2000]}]', OUTSIDE),
        (parse_json, '{"bbox_2d": [10, 20, 1200, 30]}', OUTSIDE),
        (parse_json, '{"bbox_2d": [1010, 20, 1050, 30]}', NO_AREA),
        (parse_json, '{"bbox_2d": [0, 0, 1000, 1003]}', WHOLE),
        (parse_tags, "There are none.", NO_POINT),
        (parse_tags, '<point x="10" alt="ball">', MALFORMED),
        (parse_tags, '<point x="10" y="2', MALFORMED),
        (parse_tags, '<point x="ten" y="20">', NOT_A_NUMBER),
        (parse_tags, '<point x="nan" y="20">', NOT_A_NUMBER),
        (parse_tags, '<point x="100.1" y="20">', OUTSIDE),
        (parse_coords, "There are none.", NO_POINT),
        (parse_coords, '<points coords="1 1 105">', MALFORMED),
        (parse_coords, '<points coords="2 1 105 205">', MALFORMED),
        (parse_coords, '<points coords="1 1 105 205', MALFORMED),
        (parse_coords, '<points coords="1 1 105 20 5 ball">', NOT_A_NUMBER),
        (parse_coords, '<points coords="1 1 105 2050">', OUTSIDE),
        (parse_locations, "a ball", NO_POINT),
        (parse_locations, "ball<loc_1><loc_2><loc_3>", MALFORMED),
        (parse_locations, "ball<loc_1><loc_2><loc_3><loc_1000>", OUTSIDE),
    ],
)
def test_a_bad_answer_says_why(parse: Callable[[str], Answer], text: str, reason: str) -> None:
    assert parse(text) == Answer(reason=reason)


def test_a_box_that_overshoots_a_little_is_cut() -> None:
    """As maintainers of Qwen2.5-VL advise: it does not know the picture's size, and writes pixels."""
    answer = parse_json('{"bbox_2d": [-3, 300, 154, 476]}', (364, 448))
    assert answer.places == (Box(0.0, 300 / 448, 154 / 364, 1.0),)


def test_labels_are_fit_for_any_file() -> None:
    answer = parse_json('{"point_2d": [1, 2], "label": " a\\u0000 \\ud800ball\\n"}')
    assert answer.label == "a ?ball"
    assert parse_json('{"point_2d": [1, 2], "label": 7}').label == ""


def test_several_boxes_may_follow_a_name() -> None:
    small, large = "<loc_0><loc_0><loc_99><loc_99>", "<loc_5><loc_5><loc_599><loc_599>"
    said = f"ball{small}{large}cup{small}"
    assert [place.label for place in parse_locations(said).places] == ["ball", "ball", "cup"]
