"""Places in a vision-language model's answer, in the formats that such models are documented to use.

Every parser takes any text and never raises: what it cannot read is an :class:`Answer` without places
that says why, with a reason of :data:`REASONS`. Around the documented part of an answer it puts up with
other text, such as a Markdown fence; inside it with nothing. One bad place makes the whole answer bad.
"""

import json
import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

EMPTY = "empty"
NO_POINT = "no point"
MALFORMED = "malformed"
NOT_A_NUMBER = "not a number"
OUTSIDE = "outside the image"
NO_AREA = "box without area"
WHOLE = "the whole image"
REASONS = (EMPTY, NO_POINT, MALFORMED, NOT_A_NUMBER, OUTSIDE, NO_AREA, WHOLE)

# A side of a box may lie this far outside, as part of the image's side: models that write pixels
# overshoot a little at the border, and their makers advise to cut.
SLACK = 0.1
PER_MILLE, PER_CENT = (1000.0, 1000.0), (100.0, 100.0)
BINS = 1000  # of Florence-2's location tokens

_JSON = re.compile(r"\[\s*\{|\{|\[\s*\]")
_TAG = re.compile(r"<points?\b([^<>]*)>([^<]*)")
_ATTRIBUTE = re.compile(r"""([A-Za-z]\w*)\s*=\s*("[^"]*"|'[^']*')""")
_AXIS = re.compile(r"([xy])(\d*)")
_COORDS = re.compile(r"""<points?\b[^<>]*?\bcoords\s*=\s*["']([^"'<>]*)["']?([^<>]*)(>?)([^<]*)""")
_LOCATIONS = re.compile(r"(?:<loc_\d+>)+")
_LOCATION = re.compile(r"<loc_(\d+)>")


@dataclass(frozen=True)
class Point:
    """A point (x, y) in 0..1 of the image's width and height, and what is there in the model's words."""

    x: float
    y: float
    label: str = ""


@dataclass(frozen=True)
class Box:
    """A box in 0..1 of the image's width and height, x0 < x1 and y0 < y1, and what is in it."""

    x0: float
    y0: float
    x1: float
    y1: float
    label: str = ""


@dataclass(frozen=True)
class Answer:
    """What an answer points at.

    Attributes:
        places: points and boxes in the order of the answer; none where it is bad.
        reason: why it is bad, one of :data:`REASONS`; empty where it is good.
    """

    places: tuple[Point | Box, ...] = ()
    reason: str = ""

    @property
    def valid(self) -> bool:
        """Whether there is something it points at."""
        return not self.reason

    @property
    def label(self) -> str:
        """What the first place is called; empty where it has no name."""
        return next((place.label for place in self.places if place.label), "")


class _Bad(Exception):
    """A bad answer; its text is the reason."""


def clean(text: str) -> str:
    """Text that any file can hold: no NUL, no half of a surrogate pair, no outer blanks."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "").strip()


def parse_json(text: str, scale: tuple[float, float] = PER_MILLE) -> Answer:
    """The answer of Qwen-VL: ``[{"point_2d": [x, y], "label": ...}, {"bbox_2d": [x0, y0, x1, y1], ...}]``.

    A single object without the list is taken too. Only the text's first JSON value counts.

    Args:
        text: the answer.
        scale: what full width and height are in it: 1000 with Qwen3-VL, the pixels of the picture *as
            the model saw it*, after resizing, with Qwen2.5-VL.
    """
    return _guarded(text, lambda: _json_places(text, scale))


def parse_tags(text: str, scale: tuple[float, float] = PER_CENT) -> Answer:
    """Tags: ``<point x="63.5" y="44.5" alt="...">name</point>``, ``<points x1=... y1=... x2=... y2=...>``.

    Args:
        text: the answer.
        scale: what full width and height are in it: 100 with Molmo; Qwen2.5-VL can be asked for such
            tags as well and writes pixels.
    """
    return _guarded(text, lambda: _tag_places(text, scale))


def parse_coords(text: str) -> Answer:
    """The answer of Molmo 2: ``<points coords="1 1 105 205 2 300 400" alt="...">name</points>``.

    The number of the image comes first, then a number, x and y of every point; x and y are in
    thousandths. A further image would follow after a semicolon, comma or tab: here there is but one.
    """
    return _guarded(text, lambda: _coords_places(text))


def parse_locations(text: str) -> Answer:
    """The answer of Florence-2: ``name<loc_52><loc_332><loc_932><loc_774>``, boxes in 1000 bins a side.

    Several boxes may follow a name. A bin stands for its centre.
    """
    return _guarded(text, lambda: _location_places(text))


def _guarded(text: str, places: Callable[[], Iterable[Point | Box]]) -> Answer:
    if not text.strip():
        return Answer(reason=EMPTY)
    try:
        found = tuple(places())
    except _Bad as bad:
        return Answer(reason=str(bad))
    return Answer(found) if found else Answer(reason=NO_POINT)


def _json_places(text: str, scale: tuple[float, float]) -> Iterable[Point | Box]:
    start = _JSON.search(text)
    if start is None:
        return
    try:
        content, _ = json.JSONDecoder().raw_decode(text, start.start())
    except (ValueError, RecursionError) as error:  # also an integer of too many digits
        raise _Bad(MALFORMED) from error
    for entry in content if isinstance(content, list) else [content]:
        if not isinstance(entry, dict):
            raise _Bad(MALFORMED)
        label = entry.get("label")
        name = clean(label) if isinstance(label, str) else ""
        if "point_2d" in entry:
            yield _point(_numbers(entry["point_2d"], 2), scale, name)
        elif "bbox_2d" in entry:
            yield _box(_numbers(entry["bbox_2d"], 4), scale, name)


def _tag_places(text: str, scale: tuple[float, float]) -> Iterable[Point]:
    for tag in _TAG.finditer(text):
        attributes = {key: value[1:-1] for key, value in _ATTRIBUTE.findall(tag[1])}
        name = clean(attributes.get("alt", "") or tag[2])
        axes: dict[str, dict[str, str]] = {}
        for key, value in attributes.items():
            if axis := _AXIS.fullmatch(key):
                axes.setdefault(axis[2], {})[axis[1]] = value
        if not axes or any(len(pair) < 2 for pair in axes.values()):
            raise _Bad(MALFORMED)
        for pair in axes.values():
            yield _point([_number(pair["x"]), _number(pair["y"])], scale, name)
    if not _TAG.search(text) and re.search(r"<points?\s", text):
        raise _Bad(MALFORMED)  # it was cut off


def _coords_places(text: str) -> Iterable[Point]:
    found = False
    for tag in _COORDS.finditer(text):
        found = True
        numbers = [_number(word) for word in tag[1].split()]
        if not tag[3] or len(numbers) < 4 or len(numbers) % 3 != 1 or numbers[0] != 1:
            raise _Bad(MALFORMED)
        attributes = {key: value[1:-1] for key, value in _ATTRIBUTE.findall(tag[2])}
        name = clean(attributes.get("alt", "") or tag[4])
        for place in range(1, len(numbers), 3):
            yield _point(numbers[place + 1 : place + 3], PER_MILLE, name)
    if not found and re.search(r"<points?\s", text):
        raise _Bad(MALFORMED)


def _location_places(text: str) -> Iterable[Box]:
    end = 0
    for run in _LOCATIONS.finditer(text):
        name = clean(text[end : run.start()].rpartition(">")[2])
        end = run.end()
        bins = [_number(digits) for digits in _LOCATION.findall(run[0])]
        if len(bins) % 4:
            raise _Bad(MALFORMED)
        if any(number >= BINS for number in bins):
            raise _Bad(OUTSIDE)
        centres = [number + 0.5 for number in bins]
        for place in range(0, len(bins), 4):
            yield _box(centres[place : place + 4], (BINS, BINS), name)


def _numbers(value: Any, count: int) -> Sequence[float]:
    """A JSON list of numbers; an integer may be too large for a float."""
    if not isinstance(value, list) or len(value) != count:
        raise _Bad(MALFORMED)
    for number in value:
        whole = isinstance(number, int) and not isinstance(number, bool)
        if not whole and not (isinstance(number, float) and math.isfinite(number)):
            raise _Bad(NOT_A_NUMBER)
    return value


def _number(text: str) -> float:
    """A number as a person writes it; ``float`` alone would take ``nan`` and ``1_0``."""
    if not re.fullmatch(r"\s*[-+]?(\d+\.?\d*|\.\d+)\s*", text, re.ASCII):
        raise _Bad(NOT_A_NUMBER)
    return float(text)


def _point(numbers: Sequence[float], scale: tuple[float, float], label: str) -> Point:
    if not all(0 <= number <= side for number, side in zip(numbers, scale, strict=True)):
        raise _Bad(OUTSIDE)
    return Point(numbers[0] / scale[0], numbers[1] / scale[1], label)


def _box(numbers: Sequence[float], scale: tuple[float, float], label: str) -> Box:
    sides = []
    for number, side in zip(numbers, (*scale, *scale), strict=True):
        if not -SLACK * side <= number <= (1 + SLACK) * side:
            raise _Bad(OUTSIDE)
        sides.append(min(max(number / side, 0.0), 1.0))
    if not (sides[0] < sides[2] and sides[1] < sides[3]):
        raise _Bad(NO_AREA)
    if sides == [0, 0, 1, 1]:
        raise _Bad(WHOLE)  # says nothing, and its map would be the same everywhere
    return Box(*sides, label)
