"""Where points of a head appear in the picture: an ellipsoid turned in space.

Head coordinates: x to the side, y up, z forward out of the face, the skull being the unit sphere
scaled by SKULL. Camera coordinates: x right, y down, z towards the viewer, orthographic.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

SKULL = np.array([0.82, 1.0, 0.94])
_STEPS = np.linspace(0, 2 * np.pi, 24, endpoint=False)
_CIRCLE = np.stack([np.cos(_STEPS), np.sin(_STEPS)], axis=1)
_ARC = np.linspace(0, 1, 10)


def forward_vector(angle: float, turn: float) -> np.ndarray:
    """Unit vector in camera coordinates whose picture direction is ``angle``.

    ``angle`` (radians, 0 = right, pi / 2 = down) and ``turn`` (radians from the viewer: 0 looks at
    the viewer, pi / 2 is a profile, more looks away). The turn is reduced where the face would
    point steeper than 58 degrees up or down; the direction in the picture is kept.
    """
    sine, cosine = math.sin(turn), math.cos(turn)
    steep = abs(sine * math.sin(angle))
    limit = math.sin(math.radians(58))
    if steep > limit:
        sine *= limit / steep
        cosine = math.copysign(math.sqrt(1 - sine * sine), cosine)
    return np.array([sine * math.cos(angle), sine * math.sin(angle), cosine])


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / math.sqrt(float(vector @ vector))


def _across(vector: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two unit vectors at right angles to ``vector`` (unit) and to each other."""
    x, y, z = vector.tolist()
    if abs(x) < 0.7:
        n = math.hypot(y, z)
        a = np.array([0.0, z / n, -y / n])
    else:
        n = math.hypot(x, z)
        a = np.array([-z / n, 0.0, x / n])
    u, v, w = a.tolist()
    return a, np.array([y * w - z * v, z * u - x * w, x * v - y * u])


@lru_cache(maxsize=64)
def _ring(axis: tuple[float, float, float], degrees: float) -> tuple[np.ndarray, np.ndarray]:
    """Unit ``axis`` and (N, 3) the circle on the unit sphere ``degrees`` from it."""
    center = _unit(np.asarray(axis, dtype=float))
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return center, cosine * center + sine * (_CIRCLE @ np.stack(_across(center)))


class HeadPose:
    """Projection of head coordinates for a head looking along ``forward`` (camera coordinates)."""

    def __init__(self, center: tuple[float, float], radius: float, forward: np.ndarray) -> None:
        up = _unit(np.array([0.0, -1.0, 0.0]) + forward[1] * forward)
        x, y, z = up.tolist()
        u, v, w = forward.tolist()
        side = np.array([y * w - z * v, z * u - x * w, x * v - y * u])
        self.axes = np.stack([side, up, forward], axis=1)
        self.center = np.asarray(center)
        self.radius = radius
        self.toward = self.axes[2].tolist()
        self.plane = self.axes[:2].T * radius
        self.skull = self.plane * SKULL[:, None]
        self.view = _unit(self.axes[2] / SKULL)
        self.rim = np.stack(_across(self.view))

    def project(self, points: np.ndarray) -> np.ndarray:
        """(N, 3) points in head coordinates -> (N, 2) in the picture."""
        return points @ self.plane + self.center

    def depth(self, point: tuple[float, float, float]) -> float:
        """How much a point of the head lies towards the viewer, in radii."""
        return sum(t * p for t, p in zip(self.toward, point, strict=True))

    def outline(
        self, offset: tuple[float, float, float], radii: tuple[float, float, float]
    ) -> np.ndarray:
        """(N, 2) silhouette of an ellipsoid with axes along the head's."""
        scaled = [(x * r, y * r) for (x, y), r in zip(self.plane.tolist(), radii, strict=True)]
        a = math.sqrt(sum(x * x for x, _ in scaled))  # Cholesky factor of the quadratic form
        b = sum(x * y for x, y in scaled) / a
        c = math.sqrt(max(sum(y * y for _, y in scaled) - b * b, 1e-12))
        middle = np.asarray(offset) @ self.plane + self.center
        return _CIRCLE @ np.array([[a, b], [0.0, c]]) + middle

    def cap(
        self, axis: tuple[float, float, float], degrees: float, scale: float = 1.0
    ) -> np.ndarray | None:
        """(N, 2) visible part of the skull, times ``scale``, within ``degrees`` of ``axis``.

        None if that part is hidden.
        """
        skull = self.skull * scale
        center, ring = _ring(axis, degrees)
        seen = (ring @ self.view > 0).tolist()
        count = sum(seen)
        if count == len(ring):
            return ring @ skull + self.center
        if count == 0:
            if float(center @ self.view) <= math.cos(math.radians(degrees)):
                return None
            return (_CIRCLE @ self.rim) @ skull + self.center
        start = next(k for k, flag in enumerate(seen) if flag and not seen[k - 1])
        run = np.concatenate([ring[start:], ring[:start]])[:count]
        flat = self.rim @ np.stack([run[-1], run[0], center], axis=1)
        begin, end, middle = (math.atan2(b, a) for a, b in zip(*flat.tolist(), strict=True))
        sweep = (end - begin) % (2 * math.pi)
        if (middle - begin) % (2 * math.pi) > sweep:
            sweep -= 2 * math.pi
        angles = begin + sweep * _ARC
        arc = np.stack([np.cos(angles), np.sin(angles)], axis=1) @ self.rim
        return np.concatenate([run, arc]) @ skull + self.center

    def stroke(self, points: np.ndarray) -> np.ndarray | None:
        """(N, 2) visible points of a curve of (M, 3) unit vectors; None if hidden."""
        seen = points @ self.view > 0.04
        if sum(seen.tolist()) < 2:
            return None
        return points[seen] @ self.skull + self.center
