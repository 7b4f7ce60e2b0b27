"""Scenes: who is in a room with what, and who looks at what."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from gcdr.base.seeds import numpy_rng
from gcdr.world.head import HAIR_STYLES, Face
from gcdr.world.looked_at import Target, draw_target
from gcdr.world.pen import ExtentPen
from gcdr.world.people import BOTTOMS, HAIRS, IRISES, SHOES, SKINS, TOPS, Figure, draw_figure
from gcdr.world.placement import (
    Place,
    Position,
    Rectangle,
    Stand,
    direction,
    head_center,
    place_people,
    place_thing,
)
from gcdr.world.room import Room, decorate, draw_room
from gcdr.world.style import NOUNS, Color, Style
from gcdr.world.things import ACCENTS, COLORS

DEPTH_NOISE = 0.12  # of a target, in picture heights


@dataclass(frozen=True)
class Thing:
    """A thing. ``box`` and ``center`` are normalised to 0..1; the rest is for drawing.

    ``shape`` is what it is drawn as: its noun, or the noun it is mistaken for.
    """

    noun: str
    shape: str
    box: Rectangle
    center: Position
    place: Place
    color: Color
    accent: Color
    flip: bool


@dataclass(frozen=True)
class Person:
    """A person; boxes and points normalised to 0..1 by the picture's width and height.

    ``head_box`` surrounds the head, ``body_box`` the whole figure; both are clipped to the frame.
    ``gaze`` is the point looked at, None when out of the frame (``in_frame`` False); ``noun`` is
    what is looked at: one of NOUNS, "person", "wall", "floor" or None. ``direction`` is the true
    direction of the gaze in the picture (radians, 0 = right, pi / 2 = down, in picture heights).
    ``track`` tells people of a clip apart.
    """

    head_box: Rectangle
    body_box: Rectangle
    gaze: Position | None
    in_frame: bool
    noun: str | None
    direction: float
    figure: Figure
    track: int = 0


@dataclass(frozen=True)
class Scene:
    """A picture to be: its people, things (left to right), room, style and light."""

    people: tuple[Person, ...]
    things: tuple[Thing, ...]
    room: Room
    style: Style
    light: tuple[float, float, float, float]  # strength, direction (radians), brightness, vignette
    cast: tuple[float, float, float]
    grain: int


def draw_scene(seed: int, index: int, style: Style) -> Scene:
    """The scene number ``index`` of the world ``style`` for ``seed``; a pure function."""
    rng = numpy_rng(seed, f"world-{style.name}", index)
    room = draw_room(rng, style)
    stands = place_people(rng, style, room.horizon)
    nouns = [style.nouns[k] for k in rng.permutation(len(style.nouns))]
    count = int(rng.integers(style.things[0], style.things[1] + 1))
    distracted = [rng.random() < style.distractor_probability for _ in stands]
    places: list[Place] = []
    for _ in range(max(2, count - sum(distracted))):
        place = place_thing(rng, style, room.horizon, nouns.pop(), places, stands, [])
        if place is not None:
            places.append(place)
    targets = [draw_target(rng, style, room.horizon, k, stands, places) for k in range(len(stands))]
    clear = [target.point for target in targets]
    for stand, target, is_distracted in zip(stands, targets, distracted, strict=True):
        if not is_distracted or target.noun is None:
            continue
        head = head_center(stand)
        near = (head, direction(head, target.point), style.distractor_angle)
        place = place_thing(rng, style, room.horizon, nouns.pop(), places, stands, clear, near)
        if place is not None:
            places.append(place)
    while len(places) < style.things[0] and nouns:
        place = place_thing(rng, style, room.horizon, nouns.pop(), places, stands, clear)
        if place is not None:
            places.append(place)
    people = [_person(rng, style, room, s, t) for s, t in zip(stands, targets, strict=True)]
    things = [_thing(rng, style, place) for place in places]
    empty = [t.point for t in targets if t.noun == "wall"]
    taken = [place.box for place in places] + [
        (x - 0.05, y - 0.05, x + 0.05, y + 0.05) for x, y in empty
    ]
    room = decorate(rng, style, room, taken)
    cast = rng.normal(0, style.cast, 3)
    light = (
        float(rng.uniform(*style.light)),
        float(rng.uniform(0, 2 * math.pi)),
        float(rng.uniform(*style.brightness)),
        style.vignette,
    )
    return Scene(
        people=tuple(sorted(people, key=lambda p: p.head_box)),
        things=tuple(sorted(things, key=lambda t: t.center)),
        room=room,
        style=style,
        light=light,
        cast=tuple(float(c) for c in cast - cast.mean() + style.tint),
        grain=int(rng.integers(2**31)),
    )


def _person(
    rng: np.random.Generator, style: Style, room: Room, stand: Stand, target: Target
) -> Person:
    true = direction(head_center(stand), target.point)
    turn = turn_towards(style, room, stand, target.point, float(rng.normal(0, DEPTH_NOISE)))
    angle = true + math.radians(float(rng.normal(0, style.head_noise)))
    eyes = true + math.radians(float(rng.normal(0, style.eye_noise)))
    eyes = angle + style.eye_gain * math.remainder(eyes - angle, 2 * math.pi)
    yaw = body_yaw(angle, turn) + float(rng.normal(0, 0.12))
    figure = _figure(rng, style, room, stand, angle, turn, eyes, yaw)
    return person_of(style, figure, target)


def turn_towards(style: Style, room: Room, stand: Stand, point: Position, noise: float) -> float:
    """How far (radians) a head turns from the viewer towards a point whose depth is seen from where
    it stands in the picture; ``noise`` (picture heights) is that of the depth."""
    ground = max(point[1] + 0.06, room.horizon)
    toward = style.depth_gain * (ground - stand.ground) + noise + 0.26
    low, high = (math.radians(a) for a in style.turn_range)
    return min(max(math.atan2(math.dist(head_center(stand), point), toward), low), high)


def body_yaw(angle: float, turn: float) -> float:
    """How far (radians) a body turns where its head does; see :class:`gcdr.world.people.Figure`."""
    return 0.6 * math.atan2(math.sin(turn) * math.cos(angle), math.cos(turn))


def person_of(style: Style, figure: Figure, target: Target) -> Person:
    """A figure that looks at a target, with its boxes."""
    true = direction(figure.head, target.point)
    extent = ExtentPen()
    draw_figure(extent, figure)
    aspect = style.aspect
    inside = target.noun is not None
    gaze = (target.point[0] / aspect, target.point[1]) if inside else None
    head = figure.head_bounds
    low = [min(pair) for pair in zip(extent.low, head[:2], strict=True)]
    high = [max(pair) for pair in zip(extent.high, head[2:], strict=True)]
    return Person(
        head_box=_normalise(head, aspect),
        body_box=_normalise((low[0], low[1], high[0], high[1]), aspect),
        gaze=gaze,
        in_frame=inside,
        noun=target.noun,
        direction=true,
        figure=figure,
    )


def _normalise(box: Rectangle, aspect: float) -> Rectangle:
    x0, x1 = (float(min(max(x / aspect, 0.0), 1.0)) for x in (box[0], box[2]))
    y0, y1 = (float(min(max(y, 0.0), 1.0)) for y in (box[1], box[3]))
    return (x0, y0, x1, y1)


def _figure(
    rng: np.random.Generator,
    style: Style,
    room: Room,
    stand: Stand,
    angle: float,
    turn: float,
    eyes: float,
    yaw: float,
) -> Figure:
    clothes = room.palette.clothes
    top, accent = (clothes[k] for k in rng.permutation(len(clothes))[:2])
    face = Face(
        skin=_jitter(rng, SKINS[int(rng.integers(len(SKINS)))], 5),
        hair=_jitter(rng, HAIRS[int(rng.integers(len(HAIRS)))], 5),
        hair_style=HAIR_STYLES[int(rng.integers(len(HAIR_STYLES)))],
        iris=IRISES[int(rng.integers(len(IRISES)))],
        accent=accent,
        extra="",
    )
    draw = rng.random()
    if draw < 0.15:
        face = replace(face, extra="glasses")
    elif draw < 0.27 and face.hair_style in ("short", "curly", "beanie", "cap"):
        face = replace(face, extra="beard")
    tops = TOPS if face.extra != "beard" else TOPS[:-1]
    return Figure(
        x=stand.x,
        ground=stand.ground,
        height=stand.height,
        build=float(rng.uniform(0.86, 1.2)),
        angle=angle,
        turn=turn,
        eye_angle=eyes,
        yaw=yaw,
        face=face,
        top=tops[int(rng.integers(len(tops)))],
        top_color=_jitter(rng, top, style.color_jitter),
        bottom_color=BOTTOMS[int(rng.integers(len(BOTTOMS)))],
        shoe_color=SHOES[int(rng.integers(len(SHOES)))],
        arms=(float(rng.uniform(0, 1)), float(rng.uniform(0, 1))),
    )


def _jitter(rng: np.random.Generator, color: Color, amount: float) -> Color:
    r, g, b = (int(c) for c in (np.asarray(color) + rng.normal(0, amount, 3)).clip(0, 255))
    return (r, g, b)


def _thing(rng: np.random.Generator, style: Style, place: Place) -> Thing:
    shape = place.noun
    for noun, other, probability in style.lookalikes:
        if noun == place.noun and rng.random() < probability:
            shape = other
    colors, accents = COLORS[shape], ACCENTS[shape]
    color = colors[int(rng.integers(len(colors)))]
    if rng.random() < style.odd_color:
        other_colors = COLORS[NOUNS[int(rng.integers(len(NOUNS)))]]
        color = other_colors[0]
    x0, y0, x1, y1 = place.box
    aspect = style.aspect
    return Thing(
        noun=place.noun,
        shape=shape,
        box=(x0 / aspect, y0, x1 / aspect, y1),
        center=(place.center[0] / aspect, place.center[1]),
        place=place,
        color=_jitter(rng, color, style.color_jitter),
        accent=accents[int(rng.integers(len(accents)))],
        flip=bool(rng.random() < 0.5),
    )
