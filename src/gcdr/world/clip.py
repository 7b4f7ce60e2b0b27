"""Clips: people of a scene who look from one thing to the next, turn and sway, and come and go.

A show comes back to its sets, and each set has its people, as in a series: a clip that is labelled tells
of the others.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from gcdr.base.seeds import numpy_rng
from gcdr.world.headpose import forward_vector
from gcdr.world.looked_at import Target, draw_target
from gcdr.world.placement import Place, Position, Stand, direction, head_center
from gcdr.world.scene import (
    DEPTH_NOISE,
    Person,
    Scene,
    body_yaw,
    draw_scene,
    person_of,
    turn_towards,
)
from gcdr.world.style import Motion, Style

SETS = 2  # of a show, which its clips take in turn
_SHIFT = 0.04  # to either side of where a person stands in a set, in picture heights
_EXAGGERATED = math.radians(15)  # bends of the eyes that the style's gain makes larger, at most
_NECK = math.radians(120)  # to either side of the viewer, at most


@dataclass(frozen=True)
class Look:
    """What a person looks at for some frames; the face of ``whom`` may move.

    ``noise`` is what of head, eyes and depth stays wrong as long as the look lasts, in standard deviations.
    """

    target: Target
    whom: int | None
    noise: tuple[float, float, float]


@dataclass(frozen=True)
class Walk:
    """Where a person stands in each frame, and the frames in which they walk out or are gone."""

    stands: tuple[Stand, ...]
    going: range
    goal: Position


def draw_clip(seed: int, index: int, style: Style, count: int) -> tuple[Scene, ...]:
    """The first ``count`` frames of the clip number ``index`` of a show for ``seed``; a pure function.

    A frame does not depend on how many follow. Room, light, things and people are those of the set, which is
    the scene number ``index // 2`` modulo ``SETS``: even clips and odd ones, of which one sort may be kept
    for a test, go through all of them. Where exactly people stand, what they look at and how they move are
    the clip's own. A person has the same ``track`` throughout, and is not among the people of frames in which
    the middle of their head lies outside the picture.
    """
    still = draw_scene(seed, index // 2 % SETS, style)
    people, places = still.people, [thing.place for thing in still.things]

    def rng(purpose: str, who: int) -> np.random.Generator:
        return numpy_rng(seed, f"clip-{style.name}-{purpose}", index, who)

    stands = [
        Stand(
            figure.x + float(rng("shift", who).uniform(-_SHIFT, _SHIFT)),
            figure.ground,
            figure.height,
        )
        for who, figure in enumerate(one.figure for one in people)
    ]

    ways = [
        _walked(rng("way", who), style, stand, _exit(who, stands, style.aspect), count)
        for who, stand in enumerate(stands)
    ]
    heads = [[head_center(stand) for stand in way.stands] for way in ways]
    frames: list[list[Person]] = [[] for _ in range(count)]
    for who, person in enumerate(people):
        looks = _looks(rng("looks", who), still, who, stands, places, ways[who], count)
        targets = [
            look.target if look.whom is None else _face(heads[look.whom][frame], style.aspect)
            for frame, look in enumerate(looks)
        ]
        moved = _move(rng("turns", who), still, person, ways[who].stands, looks, targets)
        for frame, one in zip(frames, moved, strict=True):
            if _in_picture(one.figure.head, style.aspect):
                frame.append(replace(one, track=who))
    grain = numpy_rng(seed, f"clip-{style.name}-grain", index).integers(2**31, size=count)
    return tuple(
        replace(still, people=tuple(frame), grain=int(noise))
        for frame, noise in zip(frames, grain, strict=True)
    )


def _in_picture(point: Position, aspect: float) -> bool:
    return 0 < point[0] < aspect and 0 < point[1] < 1


def _face(head: Position, aspect: float) -> Target:
    """A face as a target; who has left the picture takes the eyes of others along."""
    return Target(head, "person" if _in_picture(head, aspect) else None)


def _exit(who: int, stands: list[Stand], aspect: float) -> float | None:
    """The side (an x outside) by which a person may leave without passing another; None for none."""
    sides = {0: -0.25, len(stands) - 1: 0.25}
    if len(stands) == 1:
        sides = {0: math.copysign(0.25, stands[0].x - aspect / 2)}
    if who not in sides:
        return None
    return sides[who] * stands[who].height + (aspect if sides[who] > 0 else 0.0)


def _smooth(part: np.ndarray) -> np.ndarray:
    """0 below 0, 1 above 1, and a smooth step between."""
    part = part.clip(0, 1)
    return part * part * (3 - 2 * part)


def _walked(
    rng: np.random.Generator, style: Style, stand: Stand, out: float | None, count: int
) -> Walk:
    """Where a person stands, who may leave by the side ``out``, and come back."""
    motion, frame = style.motion, np.arange(count)
    leaves = rng.random() < motion.leaves
    start, away = int(rng.integers(*motion.stays)), int(rng.integers(*motion.away))
    period, phase = float(rng.uniform(24, 50)), float(rng.uniform(0, 2 * math.pi))
    x = stand.x + motion.sway * stand.height * np.sin(2 * math.pi * frame / period + phase)
    ground, going, goal = np.full(count, stand.ground), range(0), head_center(stand)
    if leaves and out is not None:
        back = start + motion.walk + away
        gone = _smooth((frame - start) / motion.walk) - _smooth((frame - back) / motion.walk)
        x += gone * (out - x)
        ground -= 0.01 * stand.height * np.abs(np.sin(1.3 * frame)) * ((gone > 0) & (gone < 1))
        going, goal = range(start, back), (out + 4 * (out - stand.x), goal[1])
    places = zip(x.tolist(), ground.tolist(), strict=True)
    return Walk(tuple(Stand(a, b, stand.height) for a, b in places), going, goal)


def _looks(
    rng: np.random.Generator,
    still: Scene,
    who: int,
    stands: list[Stand],
    places: list[Place],
    way: Walk,
    count: int,
) -> list[Look]:
    """What the person number ``who`` looks at in each frame; who walks out looks where they go."""
    style, faces, looks = still.style, [head_center(stand) for stand in stands], []
    while len(looks) < count:
        at, least, most = len(looks), *style.motion.look
        frames = int(rng.integers(least, most + 1))
        target = draw_target(rng, style, still.room.horizon, who, stands, places)
        head, eyes, depth = rng.normal(size=3).tolist()
        if at in way.going:
            target, frames = Target(way.goal, None), way.going.stop - at
        elif at < way.going.start:
            frames = min(frames, way.going.start - at)
        whom = faces.index(target.point) if target.noun == "person" else None
        looks += [Look(target, whom, (head, eyes, depth))] * frames
    return looks[:count]


def _move(
    rng: np.random.Generator,
    still: Scene,
    person: Person,
    stands: tuple[Stand, ...],
    looks: list[Look],
    targets: list[Target],
) -> list[Person]:
    """A person frame by frame: the eyes go first, the head follows, and the body after it."""
    style, figure = still.style, person.figure
    motion, count = style.motion, len(looks)
    lasts, changes = math.sqrt(motion.lasting), math.sqrt(1 - motion.lasting)
    lag = int(rng.integers(motion.lag[0], motion.lag[1] + 1))
    offset, period, phase = rng.normal(0, 0.12), rng.uniform(20, 40), rng.uniform(0, 2 * math.pi)
    head_noise, eye_noise = math.radians(style.head_noise), math.radians(style.eye_noise)
    draws = np.array([(*rng.normal(size=2), *rng.random(2)) for _ in range(count)])
    wobble = head_noise * changes * _wobble(draws[:, 0], motion)
    shut = _blinks(draws[:, 2:], motion)
    aims, head, yaw, people = [], np.zeros(2), 0.0, []
    for frame, (stand, look, target) in enumerate(zip(stands, looks, targets, strict=True)):
        true = direction(head_center(stand), target.point)
        far = turn_towards(style, still.room, stand, target.point, DEPTH_NOISE * look.noise[2])
        aims.append(_neck(true + head_noise * lasts * look.noise[0], far))
        if frame == 0:
            head = aims[0]
        head = head + _step(aims[max(0, frame - lag)] - head, motion)
        angle, turn = _seen(head)
        body = body_yaw(angle, turn) + offset
        yaw = body if frame == 0 else yaw + motion.body * (body - yaw)
        angle += float(wobble[frame])
        noise = eye_noise * (lasts * look.noise[1] + changes * float(draws[frame, 1]))
        bend = math.remainder(true + noise - angle, 2 * math.pi)
        more = (style.eye_gain - 1) * min(max(bend, -_EXAGGERATED), _EXAGGERATED)
        swing = 0.1 * math.sin(2 * math.pi * frame / period + phase)
        moved = replace(
            figure,
            x=stand.x,
            ground=stand.ground,
            angle=angle,
            turn=turn,
            eye_angle=angle + bend + more,
            eye_turn=far,
            yaw=yaw,
            arms=(figure.arms[0] + swing, figure.arms[1] - swing),
            shut=bool(shut[frame]),
        )
        people.append(person_of(style, moved, target))
    return people


def _wobble(normal: np.ndarray, motion: Motion) -> np.ndarray:
    """Noise of unit variance that goes over into other noise little by little."""
    kept, fresh = motion.wobble, math.sqrt(1 - motion.wobble**2)
    wobble = normal.copy()
    for frame in range(1, len(normal)):
        wobble[frame] = kept * wobble[frame - 1] + fresh * normal[frame]
    return wobble


def _blinks(draws: np.ndarray, motion: Motion) -> np.ndarray:
    """(count,) bool, when the eyes are shut: for one frame, or for two."""
    begins = draws[:, 0] < motion.blink
    longer = begins & (draws[:, 1] < 0.5)
    return begins | np.concatenate([[False], longer[:-1]])


def _neck(angle: float, turn: float) -> np.ndarray:
    """A head's direction as (to the side, down), radians; so heads turn by way of the viewer, as necks do."""
    x, y, z = forward_vector(angle, turn).tolist()
    return np.array([min(max(math.atan2(x, z), -_NECK), _NECK), math.asin(y)])


def _seen(head: np.ndarray) -> tuple[float, float]:
    """The same as an angle in the picture and a turn from the viewer."""
    side, down = head.tolist()
    x, y, z = math.cos(down) * math.sin(side), math.sin(down), math.cos(down) * math.cos(side)
    return math.atan2(y, x), math.acos(min(max(z, -1.0), 1.0))


def _step(way: np.ndarray, motion: Motion) -> np.ndarray:
    """How far a head gets in a frame with that much before it."""
    step = motion.follow * way
    length = math.hypot(*step.tolist())
    return step * min(1.0, math.radians(motion.speed) / max(length, 1e-9))
