"""Where people and things stand: composition without drawing.

Lengths are in picture heights; x runs from 0 to the aspect, y from 0 (top) to 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gcdr.world.style import Style
from gcdr.world.things import FLOOR_ONLY, HANGS, RATIO, SIZE

Rectangle = tuple[float, float, float, float]
Position = tuple[float, float]
RADIUS = 0.13  # of a head, in body heights


@dataclass(frozen=True)
class Stand:
    """Where a body stands: feet at (x, ground)."""

    x: float
    ground: float
    height: float


@dataclass(frozen=True)
class Place:
    """Where a thing stands. ``depth`` is the ground line that decides what hides what."""

    noun: str
    x: float
    base: float
    height: float
    support: str
    depth: float

    @property
    def box(self) -> Rectangle:
        half = RATIO[self.noun] * self.height / 2
        return (self.x - half, self.base - self.height, self.x + half, self.base)

    @property
    def center(self) -> Position:
        return (self.x, self.base - self.height / 2)


def overlap(first: Rectangle, second: Rectangle) -> float:
    """Area of the intersection over the area of the smaller box."""
    wide = min(first[2], second[2]) - max(first[0], second[0])
    tall = min(first[3], second[3]) - max(first[1], second[1])
    if wide <= 0 or tall <= 0:
        return 0.0
    areas = [(b[2] - b[0]) * (b[3] - b[1]) for b in (first, second)]
    return wide * tall / min(areas)


def angle_between(first: float, second: float) -> float:
    """Angle between two directions (radians) in degrees, 0..180."""
    return abs(math.degrees((first - second + math.pi) % (2 * math.pi) - math.pi))


def direction(start: Position, end: Position) -> float:
    """Direction from ``start`` to ``end`` in radians, 0 = right, pi / 2 = down."""
    return math.atan2(end[1] - start[1], end[0] - start[0])


def head_center(stand: Stand) -> Position:
    """Centre of the head."""
    return (stand.x, stand.ground - stand.height * (1 - 1.08 * RADIUS))


def body_box(stand: Stand, reach: float) -> Rectangle:
    """The body out to ``reach`` heights on both sides; elbows reach less than 0.3."""
    half = reach * stand.height
    return (stand.x - half, stand.ground - stand.height, stand.x + half, stand.ground)


def _torso_box(stand: Stand) -> Rectangle:
    """Roughly what of a body matters not to be hidden: torso and head."""
    half = 0.17 * stand.height
    return (stand.x - half, stand.ground - stand.height, stand.x + half,
            stand.ground - 0.3 * stand.height)  # fmt: skip


def _head_zone(stand: Stand) -> Rectangle:
    """The head with a margin."""
    half = 0.17 * stand.height
    return (stand.x - half, stand.ground - stand.height, stand.x + half,
            stand.ground - 0.7 * stand.height)  # fmt: skip


def place_people(rng: np.random.Generator, style: Style, horizon: float) -> list[Stand]:
    """Draw one to ``len(style.people_weights)`` bodies that do not hide each other's heads."""
    weights = np.asarray(style.people_weights, dtype=float)
    count = 1 + int(rng.choice(len(weights), p=weights / weights.sum()))
    stands: list[Stand] = []
    for _ in range(40 * count):
        height = float(rng.uniform(*style.person_height))
        if count > 1:
            height *= 0.92
        low = max(horizon + 0.12, height + 0.03)
        ground = float(rng.uniform(low, max(low + 0.02, 1.06)))
        x = float(rng.uniform(0.13, style.aspect - 0.13))
        stand = Stand(x, ground, height)
        if all(abs(x - other.x) > style.apart for other in stands):
            stands.append(stand)
        if len(stands) == count:
            break
    return stands


def _candidate(draws: list[float], style: Style, horizon: float, noun: str) -> Place:
    """A place made of five numbers in 0..1: size, wall or floor, height, support, x."""
    low, high = style.thing_size
    size = (low + (high - low) * draws[0]) * SIZE[noun]
    if noun not in FLOOR_ONLY and draws[1] < style.wall_share:
        top, bottom = size + 0.02, horizon - 0.05
        base = top + (bottom - top) * draws[2]
        drop = horizon + 0.03 - base
        support = "shelf"
        if noun in HANGS and draws[3] < 0.5:
            support = "wall"
        elif 0.08 < drop < 0.34:
            support = "cabinet" if int(8 * draws[3]) % 2 else "table"
        depth = horizon
    else:
        base = horizon + 0.06 + (0.915 - horizon) * draws[2]
        size *= 0.85 + 0.4 * (base - horizon) / (1 - horizon)
        support, depth = "floor", base
    margin = RATIO[noun] * size / 2 + 0.015
    x = margin + (style.aspect - 2 * margin) * draws[4]
    return Place(noun, x, base, size, support, depth)


def fits(
    place: Place, places: list[Place], stands: list[Stand], clear: list[Position], style: Style
) -> bool:
    """Whether a thing hides nothing that matters, no ``clear`` point, and is itself to be seen."""
    box = place.box
    if any(box[0] < x < box[2] and box[1] < y < box[3] for x, y in clear):
        return False
    if any(overlap(box, other.box) > style.overlap for other in places):
        return False
    for stand in stands:
        if overlap(box, _head_zone(stand)) > 0:
            return False
        if place.depth < stand.ground:
            wide = box[2] - box[0]
            middle = (place.x - 0.25 * wide, box[1], place.x + 0.25 * wide, box[3])
            if overlap(box, body_box(stand, 0.2)) > style.occlusion:
                return False
            if overlap(middle, body_box(stand, 0.3)) > 0:
                return False
        elif overlap(box, _torso_box(stand)) > 0.6 * style.occlusion:
            return False
    return True


def place_thing(
    rng: np.random.Generator,
    style: Style,
    horizon: float,
    noun: str,
    places: list[Place],
    stands: list[Stand],
    clear: list[Position],
    near: tuple[Position, float, float] | None = None,
) -> Place | None:
    """Draw a place for a thing, or None if no free one was found.

    ``clear`` are points that must stay to be seen. ``near`` (head, direction in radians, degrees)
    asks for a place seen from the head within that angle of the direction.
    """
    for draws in rng.random((120 if near else 40, 5)).tolist():
        place = _candidate(draws, style, horizon, noun)
        if near is not None:
            head, line, degrees = near
            if math.dist(head, place.center) < 0.2:
                continue
            if angle_between(direction(head, place.center), line) > degrees:
                continue
        if fits(place, places, stands, clear, style):
            return place
    return None
