"""Rooms: wall, floor and what decorates them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gcdr.world.pen import Pen, blend, shade
from gcdr.world.placement import Rectangle, overlap
from gcdr.world.style import PALETTES, Color, Palette, Style

PAPERS = ("plain", "stripes", "dots", "panels", "tiles")
_SHADOW: Color = (46, 34, 46)
_SKIES: tuple[tuple[Color, Color], ...] = (
    ((172, 212, 236), (120, 164, 110)), ((248, 206, 160), (120, 130, 110)),
    ((190, 220, 226), (150, 176, 120)), ((86, 98, 148), (60, 74, 92)),
)  # fmt: skip
_PAINTINGS: tuple[tuple[Color, Color, Color], ...] = (
    ((240, 214, 180), (214, 120, 90), (92, 120, 130)), ((206, 220, 214), (110, 150, 120),
     (240, 190, 100)), ((226, 208, 222), (120, 90, 140), (240, 170, 150)),
    ((200, 216, 232), (60, 96, 140), (244, 226, 180)),
)  # fmt: skip


@dataclass(frozen=True)
class Decor:
    """One decoration: kind, middle (x, y), size and a number that picks its variant."""

    kind: str
    x: float
    y: float
    size: float
    variant: int


@dataclass(frozen=True)
class Room:
    """A room; ``horizon`` is the y at which the floor begins, ``paper`` the wall's pattern."""

    palette: Palette
    horizon: float
    paper: str
    boards: str
    offset: float
    decor: tuple[Decor, ...]


def draw_room(rng: np.random.Generator, style: Style) -> Room:
    """Draw an empty room at random."""
    palettes = PALETTES[style.palettes]
    palette = palettes[int(rng.integers(len(palettes)))]
    horizon = float(rng.uniform(*style.horizon))
    paper = PAPERS[int(rng.choice(len(PAPERS), p=style.papers))]
    boards = style.boards[int(rng.integers(len(style.boards)))]
    return Room(palette, horizon, paper, boards, float(rng.random()), ())


def decorate(rng: np.random.Generator, style: Style, room: Room, taken: list[Rectangle]) -> Room:
    """The room with decorations drawn at random, on the wall where no box is ``taken``."""
    width = style.aspect
    decor: list[Decor] = []
    for fraction in rng.permutation([0.16, 0.39, 0.62, 0.85]):
        first = not any(d.kind == "window" for d in decor)
        kind = "window" if first and rng.random() < 0.6 else "frame"
        x = width * float(fraction) + float(rng.uniform(-0.06, 0.06))
        if kind == "window":
            y, size = float(rng.uniform(0.22, 0.28)), float(rng.uniform(0.3, 0.38))
        else:
            y, size = float(rng.uniform(0.14, 0.3)), float(rng.uniform(0.1, 0.17))
        half = size * (0.6 if kind == "window" else 0.65)
        box = (x - half, y - 0.55 * size, x + half, y + 0.55 * size)
        keep = rng.random() < style.clutter
        variant = int(rng.integers(100))
        if keep and all(overlap(box, other) <= (0.1 if kind == "window" else 0) for other in taken):
            decor.append(Decor(kind, x, y, size, variant))
            taken = [*taken, box]
    if rng.random() < style.clutter * 0.45:
        y = float(rng.uniform(0.04, 0.08))
        if all(box[1] > y + 0.13 for box in taken[: len(taken) - len(decor)]):
            decor.append(Decor("garland", 0.0, y, 1.0, int(rng.integers(100))))
    if rng.random() < style.clutter * 0.9:
        x, y = width * float(rng.uniform(0.3, 0.7)), float(rng.uniform(0.84, 0.9))
        size = float(rng.uniform(0.35, 0.55))
        decor.append(Decor("rug", x, y, size, int(rng.integers(100))))
    return replace(room, decor=tuple(decor))


def paint_room(pen: Pen, room: Room, aspect: float) -> None:
    """Paint the room over the whole picture, (0, 0) to (aspect, 1)."""
    palette, horizon = room.palette, room.horizon
    pen.rect(0, 0, aspect + 0.01, horizon, palette.wall)
    _paper(pen, room, aspect)
    for decor in room.decor:
        if decor.kind == "window":
            _window(pen, decor, room)
        elif decor.kind == "frame":
            _frame(pen, decor, room)
        elif decor.kind == "garland":
            _garland(pen, decor, room, aspect)
    _floor(pen, room, aspect)
    pen.rect(0, horizon - 0.036, aspect + 0.01, horizon, palette.trim)
    pen.rect(0, horizon - 0.007, aspect + 0.01, horizon, shade(palette.trim, 0.8))
    pen.soft(aspect / 2, horizon + 0.01, aspect * 0.6, 0.03, _SHADOW, 0.22)
    for decor in room.decor:
        if decor.kind == "rug":
            _rug(pen, decor, room)


def _paper(pen: Pen, room: Room, aspect: float) -> None:
    palette, horizon = room.palette, room.horizon
    soft = blend(palette.wall, palette.panel, 0.55)
    if room.paper == "stripes":
        step = 0.11
        x = -step * room.offset
        while x < aspect:
            pen.rect(x, 0, x + step / 2, horizon, soft)
            x += step
    elif room.paper == "dots":
        step = 0.1
        for row in range(int(horizon / step) + 1):
            shift = room.offset * step + (step / 2 if row % 2 else 0)
            for column in range(int(aspect / step) + 1):
                pen.ellipse(column * step + shift, row * step + 0.04, 0.009, 0.009, palette.panel)
    elif room.paper == "tiles":
        step = 0.075
        for row in range(int(horizon / step) + 1):
            pen.rect(0, row * step, aspect + 0.01, row * step + 0.006, palette.panel)
        for column in range(int(aspect / step) + 2):
            x = (column - room.offset) * step
            pen.rect(x, 0, x + 0.006, horizon, palette.panel)
    elif room.paper == "panels":
        top = horizon - 0.24
        pen.rect(0, top, aspect + 0.01, horizon, palette.panel)
        pen.rect(0, top - 0.014, aspect + 0.01, top + 0.006, palette.trim)
        x = -0.2 * room.offset
        while x < aspect:
            pen.rect(x + 0.02, top + 0.03, x + 0.18, horizon - 0.06, shade(palette.panel, 0.93))
            pen.rect(x + 0.026, top + 0.037, x + 0.18, horizon - 0.06, soft)
            x += 0.2


def _floor(pen: Pen, room: Room, aspect: float) -> None:
    color, horizon = room.palette.floor, room.horizon
    pen.rect(0, horizon, aspect + 0.01, 1.01, color)
    if room.boards == "grass":
        _grass(pen, room, aspect)
        return
    middle = aspect / 2
    spread = 2.1  # how much wider apart lines are at the bottom than at the horizon
    count = int(aspect / 0.22) + 1
    for k in range(-count, count + 1):
        x0 = middle + (k + room.offset) * 0.11
        x1 = middle + (k + room.offset) * 0.11 * spread
        if room.boards == "planks" and k % 2:
            after = middle + (k + 1 + room.offset) * 0.11
            end = middle + (k + 1 + room.offset) * 0.11 * spread
            tone = shade(color, 1.07 if k % 4 == 1 else 0.94)
            pen.polygon([(x0, horizon), (after, horizon), (end, 1.01), (x1, 1.01)], tone)
        pen.line([(x0, horizon), (x1, 1.01)], 0.004, shade(color, 0.84), caps=False)
    if room.boards == "tiles":
        y, step = horizon, 0.03
        while y < 1:
            pen.line([(0, y), (aspect, y)], 0.004, shade(color, 0.84), caps=False)
            y += step
            step *= 1.5


def _grass(pen: Pen, room: Room, aspect: float) -> None:
    color, y, row = room.palette.floor, room.horizon + 0.02, 0
    while y < 1:
        tall = 0.01 + 0.06 * (y - room.horizon)
        step = 4 * tall
        x = step * ((room.offset + 0.37 * row) % 1)
        while x < aspect:
            tone = shade(color, 0.86 if row % 2 else 1.1)
            for lean in (-0.5, 0.0, 0.5):
                pen.line([(x, y), (x + lean * tall, y - tall)], 0.005, tone, caps=False)
            x += step
        y += 1.6 * tall
        row += 1


def _window(pen: Pen, decor: Decor, room: Room) -> None:
    half, tall = decor.size * 0.46, decor.size * 0.5
    sky, land = _SKIES[decor.variant % len(_SKIES)]
    x, y, trim = decor.x, decor.y, room.palette.trim
    pen.soft(x, y + tall * 0.15, half, tall, _SHADOW, 0.2)
    pen.rect(x - half, y - tall, x + half, y + tall, trim)
    a, b = half - 0.02, tall - 0.02
    pen.rect(x - a, y - b, x + a, y + b, sky)
    pen.polygon(
        [
            (x - a, y + b),
            (x - a, y + 0.35 * b),
            (x - 0.3 * a, y + 0.1 * b),
            (x + 0.3 * a, y + 0.45 * b),
            (x + a, y + 0.2 * b),
            (x + a, y + b),
        ],
        land,
    )
    pen.polygon(
        [
            (x - a, y + b),
            (x - a, y + 0.7 * b),
            (x + 0.1 * a, y + 0.55 * b),
            (x + a, y + 0.75 * b),
            (x + a, y + b),
        ],
        shade(land, 0.84),
    )
    pen.ellipse(x + 0.35 * a, y - 0.55 * b, 0.1 * a, 0.09 * b, (255, 248, 214))
    pen.rect(x - 0.008, y - b, x + 0.008, y + b, trim)
    pen.rect(x - a, y - 0.008, x + a, y + 0.008, trim)
    pen.rect(x - half - 0.02, y + tall - 0.004, x + half + 0.02, y + tall + 0.018, shade(trim, 0.9))
    cloth = room.palette.clothes[decor.variant % len(room.palette.clothes)]
    cloth = blend(cloth, room.palette.wall, 0.35)
    for side in (-1, 1):
        edge = x + side * (half + 0.035)
        pen.polygon(
            [
                (edge, y - tall - 0.02),
                (x + side * half * 0.35, y - tall - 0.02),
                (x + side * half * 0.75, y + 0.1 * tall),
                (x + side * half * 0.85, y + tall),
                (edge, y + tall + 0.03),
            ],
            cloth,
        )
        pen.polygon(
            [
                (edge, y - tall),
                (edge - side * 0.03, y - tall),
                (edge - side * 0.02, y + tall),
                (edge, y + tall + 0.03),
            ],
            shade(cloth, 0.88),
        )
    pen.line(
        [(x - half - 0.06, y - tall - 0.02), (x + half + 0.06, y - tall - 0.02)],
        0.014,
        room.palette.wood,
    )


def _frame(pen: Pen, decor: Decor, room: Room) -> None:
    ground, first, second = _PAINTINGS[decor.variant % len(_PAINTINGS)]
    tall = decor.size / 2
    half = tall * (0.78 if decor.variant % 3 else 1.25)
    x, y = decor.x, decor.y
    pen.soft(x + 0.006, y + 0.02, half * 0.95, tall * 0.98, _SHADOW, 0.28)
    pen.rect(x - half, y - tall, x + half, y + tall, room.palette.wood)
    pen.rect(x - half + 0.01, y - tall + 0.01, x + half - 0.01, y + tall - 0.01, (248, 244, 234))
    a, b = half - 0.024, tall - 0.024
    pen.rect(x - a, y - b, x + a, y + b, ground)
    if decor.variant % 2:
        pen.ellipse(x + 0.2 * a, y - 0.25 * b, 0.45 * a, 0.4 * b, second)
        pen.polygon(
            [
                (x - a, y + b),
                (x - a, y + 0.2 * b),
                (x - 0.2 * a, y - 0.1 * b),
                (x + a, y + 0.5 * b),
                (x + a, y + b),
            ],
            first,
        )
    else:
        pen.ellipse(x - 0.25 * a, y + 0.3 * b, 0.55 * a, 0.5 * b, first)
        pen.rect(x - 0.1 * a, y - 0.75 * b, x + 0.7 * a, y - 0.05 * b, second)


def _garland(pen: Pen, decor: Decor, room: Room, aspect: float) -> None:
    count = 14
    points = []
    for k in range(count + 1):
        t = (k / count * 2 * 2) % 2 - 1
        points.append((aspect * k / count, decor.y + 0.06 * (1 - t * t) * 0.8))
    pen.line(points, 0.005, shade(room.palette.wall, 0.7), caps=False)
    for k in range(count):
        (x0, y0), (x1, y1) = points[k], points[k + 1]
        color = room.palette.clothes[(k + decor.variant) % len(room.palette.clothes)]
        pen.polygon(
            [(x0 + 0.012, y0), (x1 - 0.012, y1), ((x0 + x1) / 2, (y0 + y1) / 2 + 0.06)], color
        )


def _rug(pen: Pen, decor: Decor, room: Room) -> None:
    color = room.palette.rug
    wide, tall = decor.size, decor.size * 0.2
    if decor.variant % 2:
        for scale, tone in ((1.0, 0.9), (0.93, 1.12), (0.7, 1.0), (0.4, 1.14)):
            pen.ellipse(decor.x, decor.y, wide * scale, tall * scale, shade(color, tone))
        return
    for scale, tone in ((1.0, 1.0), (0.9, 1.22), (0.86, 1.0), (0.5, 1.14)):
        top, low = decor.y - tall * scale, decor.y + tall * scale
        pen.polygon(
            [
                (decor.x - 0.84 * wide * scale, top),
                (decor.x + 0.84 * wide * scale, top),
                (decor.x + wide * scale, low),
                (decor.x - wide * scale, low),
            ],
            shade(color, tone),
        )
