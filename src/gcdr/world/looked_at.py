"""What people look at: a thing, a face, an empty place or something out of the frame."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gcdr.world.placement import (
    Place,
    Position,
    Stand,
    angle_between,
    body_box,
    direction,
    head_center,
    overlap,
)
from gcdr.world.style import NOUNS, Style


@dataclass(frozen=True)
class Target:
    """A point in picture heights and its noun (None: out of the frame)."""

    point: Position
    noun: str | None


def draw_target(
    rng: np.random.Generator,
    style: Style,
    horizon: float,
    who: int,
    stands: list[Stand],
    places: list[Place],
) -> Target:
    """Draw what the person number ``who`` looks at."""
    kinds = ["thing", "face", "empty", "outside"]
    weights = np.array([style.target_thing, style.target_face, style.target_empty,
                        style.target_outside])  # fmt: skip
    if len(stands) == 1:  # the share of faces goes to things
        weights[0] += weights[1]
        weights[1] = 0.0
    if not places:
        weights[0] = 0.0
    kind = kinds[int(rng.choice(4, p=weights / weights.sum()))]
    head = head_center(stands[who])
    if kind == "empty":
        point = _empty_point(rng, style, head, stands, places)
        if point is not None:
            return Target(point, "wall" if point[1] < horizon else "floor")
        kind = "thing" if places else "outside"
    if kind == "thing":
        return _point_on_thing(rng, style, places)
    if kind == "face":
        others = [k for k in range(len(stands)) if k != who]
        return Target(head_center(stands[others[int(rng.integers(len(others)))]]), "person")
    return Target(_outside_point(rng, style, head, places), None)


def _point_on_thing(rng: np.random.Generator, style: Style, places: list[Place]) -> Target:
    """A point near the middle of a thing drawn by salience, where nothing hides it."""
    salience = np.array([style.salience[NOUNS.index(place.noun)] for place in places])
    place = places[int(rng.choice(len(places), p=salience / salience.sum()))]
    x0, y0, x1, y1 = place.box
    dx, dy = rng.normal(0, style.gaze_jitter, 2).clip(-0.22, 0.22).tolist()
    x, y = place.center[0] + dx * (x1 - x0), place.center[1] + dy * (y1 - y0)
    nearer = [other.box for other in places if other.depth >= place.depth and other != place]
    if any(box[0] < x < box[2] and box[1] < y < box[3] for box in nearer):
        x, y = place.center  # never hidden: things overlap at their borders only
    return Target((x, y), place.noun)


def _empty_point(
    rng: np.random.Generator, style: Style, head: Position, stands: list[Stand], places: list[Place]
) -> Position | None:
    """The one of some random points that is farthest from everything; None if all are taken."""
    best, clearance = None, -1.0
    bodies = [body_box(stand, 0.3) for stand in stands]
    for u, v in rng.random((40, 2)).tolist():
        point = (0.06 + (style.aspect - 0.12) * u, 0.06 + 0.89 * v)
        tiny = (point[0] - 0.02, point[1] - 0.02, point[0] + 0.02, point[1] + 0.02)
        boxes = [*bodies, *(place.box for place in places)]
        if math.dist(point, head) < 0.25 or any(overlap(tiny, box) > 0 for box in boxes):
            continue
        far = min((math.dist(point, place.center) for place in places), default=0.25)
        if min(far, 0.25) > clearance:
            best, clearance = point, min(far, 0.25)
    return best


def _outside_point(
    rng: np.random.Generator, style: Style, head: Position, places: list[Place]
) -> Position:
    """A point beyond a side of the frame, in the direction that is clearest of things."""
    best, clearance = (style.aspect + 0.4, head[1]), -1.0
    for _ in range(12):
        right = rng.random() < 0.5
        beyond = float(rng.uniform(0.15, 0.5))
        point = (style.aspect + beyond if right else -beyond, float(rng.uniform(-0.2, 1.0)))
        line = direction(head, point)
        angles = [angle_between(direction(head, place.center), line) for place in places]
        far = min(angles, default=30.0)
        if min(far, 30.0) > clearance:
            best, clearance = point, min(far, 30.0)
    return best
