"""Heads: hair, face and hats drawn on the surface of an ellipsoid seen from anywhere."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gcdr.world.headpose import HeadPose
from gcdr.world.pen import Pen, blend, shade
from gcdr.world.style import Color

HAIR_STYLES = ("short", "long", "bun", "curly", "ponytail", "bob", "beanie", "cap")
_CROWN = (0.0, 0.94, -0.34)
_FAN = np.linspace(-1.35, 1.35, 11)
_BRIM = np.stack(
    [0.66 * np.sin(_FAN), 0.62 - 0.2 * np.cos(_FAN), 0.62 + 0.92 * np.cos(_FAN)], axis=1
)
_T = np.linspace(-1, 1, 7)


def _curve(x: float, y: float, half: float, rise: float, z: float) -> np.ndarray:
    """(7, 3) unit vectors along a parabola on the face."""
    points = np.stack([x + half * _T, y + rise * _T * _T, np.full(7, z)], axis=1)
    return points / np.sqrt((points * points).sum(axis=1, keepdims=True))


_LIDS = {side: _curve(0.38 * side, 0.21, 0.23, -0.09, 0.86) for side in (-1, 1)}
_SHUT = {side: _curve(0.38 * side, 0.0, 0.21, 0.06, 0.86) for side in (-1, 1)}
_BROWS = {side: _curve(0.38 * side, 0.38, 0.24, -0.05, 0.86) for side in (-1, 1)}
_LIPS = _curve(0.0, -0.6, 0.24, 0.07, 0.82)
_MOUTH_DARK: Color = (120, 52, 52)


@dataclass(frozen=True)
class Face:
    """What a head looks like; ``extra`` is "", "glasses" or "beard"."""

    skin: Color
    hair: Color
    hair_style: str
    iris: Color
    accent: Color
    extra: str


def draw_head(pen: Pen, pose: HeadPose, face: Face, gaze: np.ndarray | None) -> None:
    """Draw a head over its body; ``gaze`` is the eyes' direction (unit, camera coordinates), None if shut."""
    facing = pose.depth((0, 0, 1))
    jaw = pose.outline((0, -0.52, 0.14), (0.6, 0.5, 0.62))
    if facing < -0.25:
        pen.polygon(jaw, shade(face.skin, 0.9))
    _ears(pen, pose, face, near=False)
    style = face.hair_style
    hat = style in ("beanie", "cap")
    volume = 1.2 if style == "curly" else 1.09
    hair = pose.outline((0, 0.1, -0.1), (0.86 * volume, 0.98 * volume, 0.92 * volume))
    pen.polygon(hair, face.hair)
    if style == "curly":
        rim = pose.outline((0, 0.12, -0.1), (0.98, 1.06, 1.02))
        for point in rim[::2]:
            pen.ellipse(*point, pose.radius * 0.24, pose.radius * 0.24, face.hair)
    if facing >= -0.25:
        pen.polygon(jaw, face.skin)
    if pen.details:
        _skin(pen, pose, face)
        if facing > -0.75:
            _features(pen, pose, face, gaze)
    _nose(pen, pose, face)
    _ears(pen, pose, face, near=True)
    if hat:
        _hat(pen, pose, face)
    draw_loose_hair(pen, pose, face, behind=False)


def draw_loose_hair(pen: Pen, pose: HeadPose, face: Face, behind: bool) -> None:
    """Draw the hair outside the skull that lies behind the body, or that lies in front."""
    for depth, polygon, color in _loose_hair(pose, face):
        if (depth <= 0) == behind:
            pen.polygon(polygon, color)


def _skin(pen: Pen, pose: HeadPose, face: Face) -> None:
    cap = pose.cap((0, -0.42, 0.9), 66 if face.hair_style == "curly" else 74)
    if cap is not None:
        pen.polygon(cap, face.skin)
    if face.extra == "beard":
        beard = pose.cap((0, -0.86, 0.5), 40)
        if beard is not None:
            pen.polygon(beard, face.hair)
    for side in (-1, 1):
        cheek = pose.cap((side * 0.62, -0.3, 0.72), 13)
        if cheek is not None and face.extra != "beard":
            pen.polygon(cheek, blend(face.skin, (232, 104, 96), 0.26))


def _features(pen: Pen, pose: HeadPose, face: Face, gaze: np.ndarray | None) -> None:
    for side in (-1, 1):
        middle = (side * 0.38, 0.1, 0.9)
        white = pose.cap(middle, 14.5)
        if white is None:
            continue
        if gaze is None:
            pen.polygon(white, shade(face.skin, 0.92))
        else:
            _eye(pen, pose, face, gaze, middle, white)
        lid = pose.stroke((_LIDS if gaze is not None else _SHUT)[side])
        if lid is not None:
            pen.line(lid, pose.radius * 0.06, shade(face.skin, 0.42), caps=False)
        brow = pose.stroke(_BROWS[side])
        if brow is not None:
            pen.line(brow, pose.radius * 0.1, shade(face.hair, 0.85))
        if face.extra == "glasses":
            rim = pose.cap(middle, 18)
            if rim is not None:
                pen.line(np.concatenate([rim, rim[:1]]), pose.radius * 0.055, (60, 52, 58), False)
    _mouth(pen, pose, face)


def _eye(
    pen: Pen,
    pose: HeadPose,
    face: Face,
    gaze: np.ndarray,
    middle: tuple[float, float, float],
    white: np.ndarray,
) -> None:
    local = gaze @ pose.axes  # the eyes' direction in head coordinates
    shift = np.array([local[0], local[1]])
    length = math.hypot(*shift.tolist())
    if length > 0.3:
        shift *= 0.3 / length
    pen.polygon(white, (252, 250, 244))
    look = (middle[0] + shift[0] * 0.42, middle[1] + shift[1] * 0.42, middle[2])
    iris = pose.cap(look, 9.0)
    if iris is not None:
        pen.polygon(iris, face.iris)
        pen.polygon(iris.mean(axis=0) * 0.4 + iris * 0.6, (28, 22, 26))


def _mouth(pen: Pen, pose: HeadPose, face: Face) -> None:
    lips = pose.stroke(_LIPS)
    if lips is not None:
        pen.line(lips, pose.radius * 0.09, blend(_MOUTH_DARK, face.skin, 0.25))


def _nose(pen: Pen, pose: HeadPose, face: Face) -> None:
    points = np.array(
        [
            [0, 0.14, 0.92],
            [0, -0.18, 1.24],
            [0, -0.3, 1.12],
            [-0.15, -0.3, 0.92],
            [0.15, -0.3, 0.92],
        ]
    )
    bridge, tip, base, left, right = pose.project(points)
    near, far = (left, right) if pose.axes[2, 0] < 0 else (right, left)
    if pose.depth((0, 0, 1)) > -0.2:
        pen.polygon(np.stack([bridge, tip, base, far]), shade(face.skin, 1.12))
        pen.polygon(np.stack([bridge, tip, base, near]), shade(face.skin, 0.86))
        pen.line(np.stack([near, base, far]), pose.radius * 0.05, shade(face.skin, 0.74))
        pen.ellipse(*tip, pose.radius * 0.1, pose.radius * 0.1, shade(face.skin, 1.06))


def _ears(pen: Pen, pose: HeadPose, face: Face, near: bool) -> None:
    if face.hair_style in ("long", "bob", "curly"):
        return
    for side in (-1, 1):
        middle = (side * 0.84, -0.08, -0.06)
        if (pose.depth((side, 0, 0)) > 0.12) == near:
            pen.polygon(pose.outline(middle, (0.1, 0.22, 0.16)), shade(face.skin, 0.9))
            if near:
                pen.polygon(pose.outline(middle, (0.1, 0.12, 0.08)), shade(face.skin, 0.74))


def _loose_hair(pose: HeadPose, face: Face) -> list[tuple[float, np.ndarray, Color]]:
    """Hair outside the skull: (towards the viewer, outline, colour)."""
    dark = shade(face.hair, 0.82)
    if face.hair_style == "long":
        lock = pose.outline((0, -0.55, -0.32), (0.84, 1.1, 0.6))
        return [(pose.depth((0, 0, -1)) - 0.3, lock, dark)]
    if face.hair_style == "bob":
        return [
            (pose.depth((0, 0, -1)) - 0.3, pose.outline((0, -0.3, -0.2), (0.98, 0.7, 0.74)), dark)
        ]
    if face.hair_style == "bun":
        ball = pose.outline((0, 0.98, -0.5), (0.4, 0.38, 0.4))
        return [(pose.depth((0, 0.3, -1)), ball, shade(face.hair, 0.9))]
    if face.hair_style == "ponytail":
        tail = pose.outline((0, -0.25, -1.12), (0.3, 0.72, 0.28))
        knot = pose.outline((0, 0.36, -1.02), (0.2, 0.18, 0.18))
        depth = pose.depth((0, 0, -1))
        return [(depth, tail, shade(face.hair, 0.9)), (depth, knot, face.accent)]
    return []


def _hat(pen: Pen, pose: HeadPose, face: Face) -> None:
    beanie = face.hair_style == "beanie"
    dome = pose.cap(_CROWN, 75, 1.12)
    brim = pose.project(_BRIM)
    under = pose.depth((0, -1, 0)) > 0  # the brim is seen from below
    if dome is None:
        return
    if beanie:
        x, y = pose.project(np.array([[0.0, 1.2, -0.36]]))[0]
        pen.ellipse(x, y, pose.radius * 0.2, pose.radius * 0.2, shade(face.accent, 1.4))
    elif pose.depth((0, 0, 1)) <= -0.1:
        pen.polygon(brim, shade(face.accent, 0.72))
    pen.polygon(dome, shade(face.accent, 0.78 if beanie else 1.0))
    if beanie:
        top = pose.cap(_CROWN, 58, 1.14)
        if top is not None:
            pen.polygon(top, face.accent)
    elif pose.depth((0, 0, 1)) > -0.1:
        pen.polygon(brim, shade(face.accent, 0.6 if under else 0.78))
