"""The things of the world, each a small flat drawing.

A drawing function gets a pen whose origin is the middle of the thing's base, whose unit is the
thing's height and whose y axis points up, a main colour and an accent colour.
"""

import math
from collections.abc import Callable

from gcdr.world.pen import Pen, blend, shade
from gcdr.world.style import Color

DARK: Color = (52, 46, 56)
CREAM: Color = (250, 242, 226)
WHITE: Color = (252, 250, 246)

# Width / height of the drawing, and its height relative to the style's thing size.
RATIO = {
    "ball": 1.0, "book": 1.45, "cup": 1.15, "tv": 1.4, "cat": 0.92, "dog": 1.22,
    "plant": 0.86, "lamp": 0.66, "cake": 1.12, "chair": 0.68, "gift": 0.96, "clock": 0.92,
}  # fmt: skip
SIZE = {
    "ball": 0.86, "book": 0.78, "cup": 0.78, "tv": 1.02, "cat": 1.06, "dog": 1.02,
    "plant": 1.2, "lamp": 1.28, "cake": 0.98, "chair": 1.4, "gift": 0.94, "clock": 0.92,
}  # fmt: skip
FLOOR_ONLY = frozenset({"chair", "dog"})
HANGS = frozenset({"tv", "clock"})

COLORS: dict[str, tuple[Color, ...]] = {
    "ball": ((222, 60, 56), (235, 92, 50), (206, 46, 84)),
    "book": ((92, 62, 140), (120, 66, 150), (70, 60, 128)),
    "cup": ((42, 164, 170), (56, 176, 160), (34, 142, 176)),
    "tv": ((44, 44, 54), (58, 52, 56), (36, 42, 58)),
    "cat": ((120, 120, 128), (90, 92, 104), (150, 146, 146)),
    "dog": ((140, 86, 48), (164, 106, 58), (112, 68, 42)),
    "plant": ((58, 140, 70), (76, 156, 74), (44, 122, 84)),
    "lamp": ((246, 208, 84), (250, 196, 98), (244, 220, 120)),
    "cake": ((244, 150, 176), (250, 172, 186), (236, 128, 160)),
    "chair": ((52, 96, 92), (66, 84, 104), (86, 72, 66)),
    "gift": ((62, 104, 196), (80, 84, 190), (52, 130, 208)),
    "clock": ((200, 60, 66), (236, 132, 60), (62, 88, 120)),
}
ACCENTS: dict[str, tuple[Color, ...]] = {
    "ball": ((252, 246, 236), (252, 220, 110)),
    "book": ((240, 190, 90), (226, 110, 90)),
    "cup": ((250, 244, 228), (246, 200, 90)),
    "tv": ((96, 176, 214), (128, 196, 190), (240, 166, 120)),
    "cat": ((250, 214, 90), (150, 210, 110)),
    "dog": ((214, 64, 60), (70, 130, 200)),
    "plant": ((198, 104, 68), (222, 196, 160), (90, 110, 136)),
    "lamp": ((96, 68, 54), (72, 76, 92), (176, 136, 72)),
    "cake": ((250, 238, 214), (132, 80, 56)),
    "chair": ((196, 150, 104), (150, 104, 70)),
    "gift": ((250, 206, 80), (244, 96, 96), (250, 244, 236)),
    "clock": ((252, 248, 236), (238, 240, 246)),
}


def _ball(pen: Pen, main: Color, accent: Color) -> None:
    pen.ellipse(0, 0.5, 0.5, 0.5, shade(main, 0.82))
    pen.ellipse(-0.02, 0.53, 0.46, 0.46, main)
    for start in (20, 140, 260):
        arc = [
            (
                0.48 * math.cos(math.radians(start + k)),
                0.5 + 0.48 * math.sin(math.radians(start + k)),
            )
            for k in range(0, 64, 9)
        ]
        pen.polygon([(-0.1, 0.62), *arc], accent)
    pen.ellipse(-0.1, 0.62, 0.1, 0.1, shade(accent, 0.94))
    pen.ellipse(-0.22, 0.76, 0.09, 0.06, WHITE)


def _book(pen: Pen, main: Color, accent: Color) -> None:
    pen.polygon([(-0.72, 0.06), (-0.66, 0.94), (0, 0.84), (0.66, 0.94), (0.72, 0.06), (0, 0)], main)
    pen.polygon([(-0.63, 0.14), (-0.58, 1.0), (-0.3, 1.0), (0, 0.86), (0, 0.06)], CREAM)
    pen.polygon([(0.63, 0.14), (0.58, 1.0), (0.3, 1.0), (0, 0.86), (0, 0.06)], shade(CREAM, 0.9))
    for k in range(4):
        b = 0.78 - 0.16 * k
        pen.line([(-0.5, b + 0.06), (-0.12, b - 0.04)], 0.045, (176, 166, 158), caps=False)
        if k != 1:
            pen.line([(0.5, b + 0.06), (0.12, b - 0.04)], 0.045, (168, 158, 150), caps=False)
    pen.polygon([(0.3, 1.0), (0.4, 1.0), (0.42, 0.6), (0.36, 0.68), (0.3, 0.6)], accent)


def _cup(pen: Pen, main: Color, accent: Color) -> None:
    ring = [(0.34 + 0.2 * math.sin(k), 0.38 + 0.2 * math.cos(k)) for k in (0.2, 0.9, 1.6, 2.3, 3.0)]
    pen.line(ring, 0.1, shade(main, 0.82))
    pen.polygon([(-0.4, 0.68), (0.4, 0.68), (0.31, 0.05), (0.2, 0), (-0.2, 0), (-0.31, 0.05)], main)
    pen.polygon([(0.4, 0.68), (0.31, 0.05), (0.2, 0), (0.1, 0), (0.2, 0.68)], shade(main, 0.86))
    pen.polygon([(-0.37, 0.44), (0.37, 0.44), (0.35, 0.28), (-0.35, 0.28)], accent)
    pen.ellipse(0, 0.68, 0.4, 0.085, shade(main, 1.35))
    pen.ellipse(0, 0.67, 0.33, 0.06, (98, 62, 44))
    for a in (-0.14, 0.1):
        pen.line([(a, 0.76), (a + 0.05, 0.84), (a - 0.01, 0.9), (a + 0.04, 0.98)], 0.04, WHITE)


def _tv(pen: Pen, main: Color, accent: Color) -> None:
    pen.polygon(
        [(-0.28, 0), (0.28, 0), (0.14, 0.08), (0.06, 0.14), (-0.06, 0.14), (-0.14, 0.08)],
        shade(main, 0.8),
    )
    pen.rect(-0.7, 0.12, 0.7, 1.0, main, radius=0.06)
    pen.rect(-0.63, 0.2, 0.63, 0.93, accent)
    pen.rect(-0.63, 0.2, 0.63, 0.42, (110, 168, 96))
    pen.polygon([(-0.63, 0.36), (-0.36, 0.66), (-0.06, 0.36)], shade(accent, 0.72))
    pen.polygon([(-0.2, 0.36), (0.16, 0.76), (0.56, 0.36)], shade(accent, 0.6))
    pen.ellipse(0.38, 0.78, 0.09, 0.09, (255, 240, 170))
    pen.polygon([(-0.63, 0.93), (-0.38, 0.93), (-0.58, 0.5), (-0.63, 0.5)], shade(accent, 1.3))


def _cat(pen: Pen, main: Color, accent: Color) -> None:
    dark, light = shade(main, 0.78), shade(main, 1.45)
    pen.line([(0.2, 0.07), (0.38, 0.12), (0.4, 0.32), (0.34, 0.44)], 0.09, dark)
    pen.polygon(
        [
            (-0.17, 0.6),
            (0.13, 0.6),
            (0.27, 0.28),
            (0.29, 0.05),
            (0.22, 0),
            (-0.24, 0),
            (-0.26, 0.1),
            (-0.2, 0.32),
        ],
        main,
    )
    pen.ellipse(-0.02, 0.3, 0.1, 0.2, light)
    for a in (-0.14, 0.06):
        pen.ellipse(a, 0.04, 0.09, 0.045, light)
    for side in (-1, 1):
        pen.polygon(
            [(-0.02 + side * 0.27, 1.0), (-0.02 + side * 0.05, 0.86), (-0.02 + side * 0.27, 0.72)],
            main,
        )
        pen.polygon(
            [
                (-0.02 + side * 0.235, 0.93),
                (-0.02 + side * 0.11, 0.85),
                (-0.02 + side * 0.24, 0.77),
            ],
            (232, 160, 160),
        )
    pen.ellipse(-0.02, 0.7, 0.29, 0.22, main)
    for a in (-0.1, -0.02, 0.06):
        pen.line([(a, 0.91), (a, 0.83)], 0.035, dark, caps=False)
    pen.ellipse(-0.02, 0.61, 0.13, 0.085, light)
    for side in (-1, 1):
        pen.ellipse(-0.02 + side * 0.125, 0.73, 0.07, 0.065, accent)
        pen.ellipse(-0.02 + side * 0.125, 0.73, 0.028, 0.058, DARK)
        pen.line([(-0.02 + side * 0.1, 0.61), (-0.02 + side * 0.36, 0.65)], 0.015, CREAM, False)
        pen.line([(-0.02 + side * 0.1, 0.59), (-0.02 + side * 0.36, 0.56)], 0.015, CREAM, False)
    pen.polygon([(-0.06, 0.655), (0.02, 0.655), (-0.02, 0.61)], (224, 120, 128))


def _dog(pen: Pen, main: Color, accent: Color) -> None:
    dark, light = shade(main, 0.74), shade(main, 1.4)
    pen.line([(-0.42, 0.52), (-0.52, 0.66), (-0.54, 0.8)], 0.09, main)
    for a in (-0.3, 0.2):
        pen.line([(a, 0.35), (a, 0.04)], 0.13, dark)
    pen.ellipse(-0.08, 0.44, 0.4, 0.2, main)
    pen.ellipse(-0.04, 0.35, 0.3, 0.1, light)
    for a in (-0.39, 0.11):
        pen.line([(a, 0.38), (a, 0.04)], 0.13, main)
        pen.ellipse(a + 0.03, 0.04, 0.095, 0.045, light)
    pen.polygon([(0.08, 0.44), (0.3, 0.5), (0.36, 0.78), (0.12, 0.8)], main)
    pen.line([(0.11, 0.58), (0.36, 0.56)], 0.07, accent)
    pen.ellipse(0.25, 0.8, 0.2, 0.19, main)
    pen.ellipse(0.42, 0.73, 0.17, 0.1, light)
    pen.ellipse(0.56, 0.77, 0.05, 0.045, DARK)
    pen.line([(0.38, 0.67), (0.52, 0.67)], 0.025, dark)
    pen.polygon([(0.1, 0.97), (0.22, 0.95), (0.16, 0.66), (0.06, 0.58), (-0.02, 0.7)], dark)
    pen.ellipse(0.32, 0.85, 0.045, 0.05, WHITE)
    pen.ellipse(0.335, 0.85, 0.03, 0.035, DARK)


def _leaf(pen: Pen, degrees: float, length: float, fill: Color) -> None:
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    outline = ((0, 0.02), (0.35, 0.12), (0.7, 0.1), (1, 0), (0.7, -0.1), (0.35, -0.12), (0, -0.02))
    points = [(length * (t * c - w * s), 0.34 + length * (t * s + w * c)) for t, w in outline]
    pen.polygon(points, fill)


def _plant(pen: Pen, main: Color, accent: Color) -> None:
    for degrees, length, tone in (
        (150, 0.44, 0.7),
        (30, 0.44, 0.7),
        (124, 0.56, 0.82),
        (56, 0.56, 0.82),
        (90, 0.66, 0.92),
        (108, 0.6, 1.0),
        (72, 0.62, 1.12),
        (140, 0.48, 1.06),
        (40, 0.48, 0.96),
    ):
        _leaf(pen, degrees, length, shade(main, tone))
    pen.polygon([(-0.23, 0.36), (0.23, 0.36), (0.17, 0.0), (-0.17, 0.0)], accent)
    pen.polygon([(0.23, 0.36), (0.17, 0.0), (0.04, 0.0), (0.09, 0.36)], shade(accent, 0.86))
    pen.rect(-0.27, 0.31, 0.27, 0.4, shade(accent, 1.16))


def _lamp(pen: Pen, main: Color, accent: Color) -> None:
    pen.soft(0, 0.72, 0.5, 0.42, (255, 240, 180), 0.5)
    pen.ellipse(0, 0.04, 0.2, 0.045, shade(accent, 0.85))
    pen.rect(-0.025, 0.05, 0.025, 0.6, accent)
    pen.ellipse(0, 0.24, 0.09, 0.12, accent)
    pen.ellipse(-0.03, 0.27, 0.03, 0.06, shade(accent, 1.4))
    pen.polygon([(-0.17, 1.0), (0.17, 1.0), (0.33, 0.52), (-0.33, 0.52)], main)
    pen.polygon([(-0.1, 1.0), (0.06, 1.0), (0.1, 0.52), (-0.19, 0.52)], shade(main, 1.5))
    pen.line([(-0.32, 0.54), (0.32, 0.54)], 0.03, shade(main, 0.8), caps=False)


def _cake(pen: Pen, main: Color, accent: Color) -> None:
    pen.ellipse(0, 0.05, 0.56, 0.05, (214, 216, 224))
    pen.rect(-0.44, 0.06, 0.44, 0.36, accent)
    pen.rect(-0.44, 0.16, 0.44, 0.22, shade(main, 0.8))
    pen.rect(-0.44, 0.32, 0.44, 0.42, main)
    for k in range(6):
        a = -0.37 + 0.147 * k
        pen.ellipse(a, 0.32, 0.074, 0.05 + 0.03 * (k % 2), main)
    pen.ellipse(0, 0.42, 0.44, 0.06, shade(main, 1.25))
    pen.rect(-0.27, 0.42, 0.27, 0.6, accent)
    pen.rect(-0.27, 0.53, 0.27, 0.62, main)
    for a in (-0.18, 0, 0.18):
        pen.ellipse(a, 0.53, 0.088, 0.05, main)
    pen.ellipse(0, 0.62, 0.27, 0.045, shade(main, 1.35))
    for a, tone in ((-0.14, (90, 150, 220)), (0.14, (110, 180, 110)), (0.0, (236, 92, 84))):
        pen.rect(a - 0.025, 0.63, a + 0.025, 0.84, tone)
        pen.ellipse(a, 0.91, 0.042, 0.075, (252, 186, 60))
        pen.ellipse(a, 0.89, 0.02, 0.04, (255, 244, 190))


def _chair(pen: Pen, main: Color, accent: Color) -> None:
    dark = shade(accent, 0.7)
    for a in (-0.17, 0.3):
        pen.line([(a, 0.42), (a, 0.06)], 0.05, dark)
    pen.line([(-0.3, 0.42), (-0.32, 0.02)], 0.06, accent)
    pen.line([(0.2, 0.42), (0.22, 0.02)], 0.06, accent)
    pen.line([(-0.29, 0.45), (-0.25, 0.96)], 0.06, accent)
    pen.line([(-0.12, 0.52), (-0.08, 0.97)], 0.05, dark)
    pen.polygon([(-0.31, 0.66), (-0.12, 0.68), (-0.06, 1.0), (-0.27, 1.0)], main)
    pen.polygon([(-0.24, 0.72), (-0.15, 0.73), (-0.12, 0.94), (-0.21, 0.94)], shade(main, 1.2))
    pen.polygon([(-0.34, 0.46), (-0.18, 0.54), (0.34, 0.54), (0.26, 0.46)], shade(main, 1.2))
    pen.polygon([(-0.34, 0.46), (0.26, 0.46), (0.26, 0.38), (-0.34, 0.38)], main)
    pen.polygon([(0.26, 0.46), (0.34, 0.54), (0.34, 0.46), (0.26, 0.38)], shade(main, 0.8))


def _gift(pen: Pen, main: Color, accent: Color) -> None:
    pen.rect(-0.42, 0, 0.42, 0.56, main)
    pen.rect(0.2, 0, 0.42, 0.56, shade(main, 0.86))
    for a, b in ((-0.32, 0.12), (-0.3, 0.4), (0.28, 0.2), (0.32, 0.44), (-0.2, 0.26), (0.18, 0.08)):
        pen.ellipse(a, b, 0.03, 0.03, shade(main, 1.35))
    pen.rect(-0.48, 0.54, 0.48, 0.7, shade(main, 1.12))
    pen.rect(-0.48, 0.52, 0.48, 0.55, shade(main, 0.7))
    pen.rect(-0.09, 0, 0.09, 0.7, accent)
    for side in (-1, 1):
        pen.polygon(
            [
                (0, 0.7),
                (side * 0.16, 0.96),
                (side * 0.3, 1.0),
                (side * 0.36, 0.86),
                (side * 0.28, 0.74),
            ],
            shade(accent, 0.92),
        )
        pen.polygon(
            [
                (side * 0.1, 0.74),
                (side * 0.19, 0.89),
                (side * 0.28, 0.91),
                (side * 0.29, 0.83),
                (side * 0.22, 0.77),
            ],
            shade(accent, 0.68),
        )
    pen.ellipse(0, 0.73, 0.09, 0.075, shade(accent, 1.1))


def _clock(pen: Pen, main: Color, accent: Color) -> None:
    dark = shade(main, 0.72)
    for side in (-1, 1):
        pen.line([(side * 0.26, 0.14), (side * 0.34, 0.02)], 0.07, dark)
        pen.ellipse(side * 0.25, 0.87, 0.16, 0.13, dark)
    pen.line([(0, 0.86), (0, 0.97)], 0.05, dark)
    pen.ellipse(0, 0.47, 0.45, 0.45, main)
    pen.ellipse(0, 0.47, 0.36, 0.36, accent)
    for k in range(12):
        c, s = math.cos(k * math.pi / 6), math.sin(k * math.pi / 6)
        inner = 0.25 if k % 3 == 0 else 0.29
        pen.line([(inner * c, 0.47 + inner * s), (0.32 * c, 0.47 + 0.32 * s)], 0.03, DARK, False)
    pen.line([(0, 0.47), (0.0, 0.72)], 0.05, DARK)
    pen.line([(0, 0.47), (0.17, 0.38)], 0.055, DARK)
    pen.ellipse(0, 0.47, 0.045, 0.045, main)


_DRAW: dict[str, Callable[[Pen, Color, Color], None]] = {
    "ball": _ball, "book": _book, "cup": _cup, "tv": _tv, "cat": _cat, "dog": _dog,
    "plant": _plant, "lamp": _lamp, "cake": _cake, "chair": _chair, "gift": _gift, "clock": _clock,
}  # fmt: skip


def draw_thing(pen: Pen, shape: str, main: Color, accent: Color) -> None:
    """Draw the thing named ``shape`` (one of NOUNS) with a pen placed by :meth:`Pen.at`."""
    _DRAW[shape](pen, main, accent)


def draw_support(pen: Pen, kind: str, width: float, drop: float, wood: Color) -> None:
    """Draw what a thing stands on: a wall shelf, or a cabinet or table ``drop`` units high.

    ``pen`` as for the thing with unit 1; ``width`` and ``drop`` in picture heights.
    """
    half = width / 2
    if kind == "shelf":
        pen.soft(0, -0.03, half, 0.03, (40, 30, 40), 0.3)
        for side in (-1, 1):
            a = side * half * 0.7
            pen.polygon(
                [(a - 0.008, 0), (a + 0.008, 0), (a + 0.008, -0.05), (a - 0.008, -0.03)],
                shade(wood, 0.7),
            )
        pen.rect(-half, -0.022, half, 0.004, wood)
        pen.rect(-half, -0.004, half, 0.004, shade(wood, 1.18))
    elif kind == "cabinet":
        pen.soft(0, -drop, half * 1.1, 0.03, (40, 30, 40), 0.4)
        pen.rect(-half * 0.96, -drop, half * 0.96, -0.02, shade(wood, 0.92))
        count = max(1, round((drop - 0.03) / 0.11))
        step = (drop - 0.045) / count
        for k in range(count):
            top = -0.035 - k * step
            pen.rect(-half * 0.85, top, half * 0.85, top - step + 0.014, shade(wood, 1.1))
            pen.ellipse(0, top - step / 2 + 0.007, 0.011, 0.009, shade(wood, 0.55))
        pen.rect(-half, -0.024, half, 0.004, blend(wood, CREAM, 0.25))
    elif kind == "table":
        pen.soft(0, -drop, half * 1.1, 0.025, (40, 30, 40), 0.35)
        for side in (-1, 1):
            a = side * half * 0.8
            pen.polygon(
                [
                    (a - 0.012, 0),
                    (a + 0.012, 0),
                    (a + side * 0.02 + 0.006, -drop),
                    (a + side * 0.02 - 0.006, -drop),
                ],
                shade(wood, 0.8),
            )
        pen.rect(-half * 0.86, -0.06, half * 0.86, 0, shade(wood, 0.88))
        pen.rect(-half, -0.026, half, 0.004, shade(wood, 1.12))
