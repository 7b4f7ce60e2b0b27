"""Figures: legs, torso and arms under a head, slightly turned."""

from __future__ import annotations

import math
from dataclasses import dataclass

from gcdr.world.head import Face, draw_head, draw_loose_hair
from gcdr.world.headpose import HeadPose, forward_vector
from gcdr.world.pen import Pen, shade
from gcdr.world.placement import RADIUS, Stand, head_center
from gcdr.world.style import Color

SKINS: tuple[Color, ...] = (
    (250, 214, 186), (241, 194, 160), (226, 172, 134), (204, 146, 106), (168, 112, 78),
    (134, 86, 58), (100, 64, 46), (246, 204, 170),
)  # fmt: skip
HAIRS: tuple[Color, ...] = (
    (44, 34, 36), (78, 52, 40), (116, 74, 46), (170, 112, 58), (222, 178, 98), (190, 84, 44),
    (150, 148, 152), (62, 44, 58),
)  # fmt: skip
IRISES: tuple[Color, ...] = ((74, 46, 30), (52, 110, 150), (66, 124, 76), (96, 70, 40))
TOPS = ("plain", "striped", "hoodie", "shirt", "dress")
BOTTOMS: tuple[Color, ...] = (
    (58, 70, 104),
    (76, 68, 70),
    (150, 126, 96),
    (88, 104, 92),
    (110, 76, 84),
)
SHOES: tuple[Color, ...] = ((58, 46, 46), (240, 236, 230), (156, 64, 56), (60, 78, 100))


@dataclass(frozen=True)
class Figure:
    """A body to draw; lengths in picture heights, x from 0 to the aspect, angles in radians.

    ``angle`` is where the head points in the picture, ``turn`` how far it turns from the viewer
    (see :func:`gcdr.world.head.forward_vector`), ``eye_angle`` where the eyes point; these turn as far as
    the head unless ``eye_turn`` says otherwise, and are ``shut`` for the blink of an eye.
    """

    x: float
    ground: float
    height: float
    build: float
    angle: float
    turn: float
    eye_angle: float
    yaw: float
    face: Face
    top: str
    top_color: Color
    bottom_color: Color
    shoe_color: Color
    arms: tuple[float, float]
    eye_turn: float | None = None
    shut: bool = False

    @property
    def radius(self) -> float:
        """Of the head."""
        return RADIUS * self.height

    @property
    def head(self) -> tuple[float, float]:
        """Centre of the head."""
        return head_center(Stand(self.x, self.ground, self.height))

    @property
    def head_bounds(self) -> tuple[float, float, float, float]:
        """Box around the head, hair included."""
        (x, y), r = self.head, self.radius
        return (x - 1.18 * r, y - 1.22 * r, x + 1.18 * r, y + 1.14 * r)


def draw_figure(pen: Pen, figure: Figure) -> None:
    """Draw the whole figure, head included."""
    pose = HeadPose(figure.head, figure.radius, forward_vector(figure.angle, figure.turn))
    draw_loose_hair(pen, pose, figure.face, behind=True)
    body = pen.at(figure.x, figure.ground, figure.height)
    facing = math.cos(figure.yaw)
    lean = 0.035 * math.sin(figure.yaw)
    half = figure.build * (0.098 + 0.042 * abs(facing))
    _legs(body, figure, half)
    near_left = math.sin(figure.yaw) > 0  # turned to the right: the left arm is nearer
    sides = (1, -1) if near_left else (-1, 1)
    if abs(facing) < 0.8:
        _arm(body, figure, half, lean, sides[0])
    _neck(body, figure, lean)
    _torso(body, figure, half, lean, facing)
    if abs(facing) >= 0.8:
        _arm(body, figure, half, lean, sides[0])
    _arm(body, figure, half, lean, sides[1])
    turn = figure.turn if figure.eye_turn is None else figure.eye_turn
    eyes = None if figure.shut else forward_vector(figure.eye_angle, turn)
    draw_head(pen, pose, figure.face, eyes)


def _neck(body: Pen, figure: Figure, lean: float) -> None:
    body.line([(0, 0.8), (lean * 0.6, 0.72)], 0.085, shade(figure.face.skin, 0.8))


def _legs(body: Pen, figure: Figure, half: float) -> None:
    dark = shade(figure.bottom_color, 0.82)
    spread = half * 0.5
    direction = math.sin(figure.yaw)
    skin = figure.face.skin if figure.top == "dress" else None
    for side, tone in ((-1, dark), (1, figure.bottom_color)):
        hip, foot = side * spread, side * spread * 1.05
        width = 0.1 * figure.build
        body.line(
            [(hip, 0.42), (foot, 0.05)],
            width,
            tone if skin is None else shade(skin, 0.88 if side < 0 else 1.0),
            caps=False,
        )
        body.ellipse(foot + 0.035 * direction, 0.028, 0.062, 0.03, figure.shoe_color)
        body.rect(foot - 0.05, 0.028, foot + 0.05, 0.05, figure.shoe_color)
    if skin is None:
        body.rect(-half * 0.92, 0.36, half * 0.92, 0.46, figure.bottom_color)


def _torso(body: Pen, figure: Figure, half: float, lean: float, facing: float) -> None:
    color = figure.top_color
    waist = half * (0.9 if figure.build < 1.1 else 1.02)
    hem = 0.22 if figure.top == "dress" else 0.38
    flare = half * (1.45 if figure.top == "dress" else 1.0)
    shoulder = 0.722
    outline = [
        (lean - half * 0.45, shoulder + 0.03), (lean - half * 0.85, shoulder + 0.012),
        (lean - half, shoulder - 0.035), (-waist, 0.5), (-flare, hem), (flare, hem),
        (waist, 0.5), (lean + half, shoulder - 0.035), (lean + half * 0.85, shoulder + 0.012),
        (lean + half * 0.45, shoulder + 0.03),
    ]  # fmt: skip
    body.polygon(outline, color)
    shadow_side = -1 if math.sin(figure.yaw) > 0 else 1
    body.polygon(
        [
            (lean + shadow_side * half, shoulder - 0.035),
            (shadow_side * waist, 0.5),
            (shadow_side * flare, hem),
            (shadow_side * flare * 0.55, hem),
            (shadow_side * waist * 0.6, 0.55),
        ],
        shade(color, 0.86),
    )
    if figure.top == "striped":
        for k in range(4):
            b = 0.66 - 0.075 * k
            body.line(
                [(-waist * 0.98 + lean, b), (waist * 0.98 + lean, b)],
                0.028,
                shade(color, 1.55),
                caps=False,
            )
    middle = lean + half * 0.75 * math.sin(figure.yaw)
    if facing > 0.15:
        if figure.top == "shirt":
            body.line([(middle, shoulder), (middle * 0.7, hem)], 0.014, shade(color, 0.7), False)
            for k in range(3):
                body.ellipse(middle, 0.66 - 0.09 * k, 0.012, 0.012, shade(color, 1.6))
        elif figure.top == "hoodie":
            body.polygon(
                [
                    (middle - half * 0.5, 0.5),
                    (middle + half * 0.5, 0.5),
                    (middle + half * 0.62, 0.42),
                    (middle - half * 0.62, 0.42),
                ],
                shade(color, 0.84),
            )
            for side in (-1, 1):
                body.line(
                    [(middle + side * 0.03, 0.72), (middle + side * 0.035, 0.63)],
                    0.014,
                    shade(color, 1.6),
                )
        body.ellipse(
            middle * 0.75, shoulder + 0.015, half * 0.42, 0.035, shade(figure.face.skin, 0.88)
        )
    elif figure.top == "hoodie":
        body.ellipse(lean, shoulder - 0.02, half * 0.62, 0.07, shade(color, 0.82))
    if figure.top == "dress":
        body.line([(-waist, 0.5), (waist, 0.5)], 0.026, shade(color, 0.7), caps=False)


def _arm(body: Pen, figure: Figure, half: float, lean: float, side: int) -> None:
    bend = figure.arms[0 if side < 0 else 1]
    direction = math.sin(figure.yaw)
    shoulder = (lean + side * half * 0.88, 0.692)
    elbow = (shoulder[0] + side * (0.045 + 0.06 * bend), 0.55)
    hand = (elbow[0] - side * 0.1 * bend + 0.07 * direction, 0.42 + 0.1 * bend)
    tone = shade(figure.top_color, 0.92 if side < 0 else 1.05)
    width = 0.072 * (0.6 + 0.4 * figure.build)
    body.line([elbow, hand], width * 0.78, figure.face.skin)
    body.ellipse(hand[0], hand[1], 0.038, 0.038, figure.face.skin)
    if figure.top in ("hoodie", "shirt", "striped"):
        cuff = (elbow[0] + 0.72 * (hand[0] - elbow[0]), elbow[1] + 0.72 * (hand[1] - elbow[1]))
        body.line([shoulder, elbow, cuff], width, tone)
    else:
        body.line([shoulder, (0.3 * shoulder[0] + 0.7 * elbow[0], 0.597)], width * 1.05, tone)
        body.line(
            [(0.3 * shoulder[0] + 0.7 * elbow[0], 0.597), elbow], width * 0.8, figure.face.skin
        )
