"""Pens draw shapes given in picture units: on an image, as a mask, or only for their extent."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from gcdr.world.style import Color

Points = Sequence[tuple[float, float]] | np.ndarray


@lru_cache(maxsize=4096)
def shade(color: Color, factor: float) -> Color:
    """Darken (``factor`` < 1) towards a cool black or lighten (> 1) towards white."""
    if factor <= 1:
        r, g, b = color
        cool = (1 - factor) * 0.12
        return (int(r * factor), int(g * factor), min(255, int(b * (factor + cool))))
    return blend(color, (255, 255, 255), factor - 1)


def blend(first: Color, second: Color, share: float) -> Color:
    """``share`` (0..1) of ``second`` in ``first``."""
    r, g, b = (round(p + (q - p) * share) for p, q in zip(first, second, strict=True))
    return (r, g, b)


@lru_cache(maxsize=64)
def _blob(percent: int) -> Image.Image:
    """A soft disc of a strength, (48, 48) uint8, from which soft shadows and glows are scaled."""
    disc = Image.new("L", (48, 48), 0)
    ImageDraw.Draw(disc).ellipse((10, 10, 37, 37), fill=255 * percent // 100)
    return disc.filter(ImageFilter.GaussianBlur(4.5))


class Pen:
    """Draws on ``image``; a local point (a, b) lies at pixel (ox + a * kx, oy + b * ky).

    ``details`` tells drawing functions whether what lies inside an outline matters.
    """

    details = True

    def __init__(
        self, image: Image.Image, kx: float, ky: float, ox: float = 0.0, oy: float = 0.0
    ) -> None:
        self.image = image
        self.draw = ImageDraw.Draw(image)
        self.kx, self.ky, self.ox, self.oy = kx, ky, ox, oy

    def at(self, x: float, y: float, size: float, flip: bool = False) -> Pen:
        """A pen whose origin is (x, y), whose unit is ``size`` and whose y axis points up."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other.ox, other.oy = self.ox + x * self.kx, self.oy + y * self.ky
        other.kx, other.ky = self.kx * (-size if flip else size), -self.ky * size
        return other

    def _pixels(self, points: Points) -> list[float]:
        if isinstance(points, np.ndarray):
            return (points * (self.kx, self.ky) + (self.ox, self.oy)).ravel().tolist()
        flat: list[float] = []
        for a, b in points:
            flat.append(self.ox + a * self.kx)
            flat.append(self.oy + b * self.ky)
        return flat

    def polygon(self, points: Points, fill: Color) -> None:
        self.draw.polygon(self._pixels(points), fill=self.ink(fill))

    def ellipse(self, a: float, b: float, ra: float, rb: float, fill: Color) -> None:
        x, y = self.ox + a * self.kx, self.oy + b * self.ky
        rx, ry = abs(ra * self.kx), abs(rb * self.ky)
        self.draw.ellipse((x - rx, y - ry, x + rx, y + ry), fill=self.ink(fill))

    def line(self, points: Points, width: float, fill: Color, caps: bool = True) -> None:
        flat = self._pixels(points)
        thick = abs(width * self.ky)
        ink = self.ink(fill)
        joint = "curve" if len(flat) > 4 and thick > 2.5 else None
        self.draw.line(flat, fill=ink, width=max(1, round(thick)), joint=joint)
        if caps and thick > 2.5:
            half = thick / 2
            for x, y in (flat[:2], flat[-2:]):
                self.draw.ellipse((x - half, y - half, x + half, y + half), fill=ink)

    def rect(
        self, a0: float, b0: float, a1: float, b1: float, fill: Color, radius: float = 0.0
    ) -> None:
        x0, x1 = sorted((self.ox + a0 * self.kx, self.ox + a1 * self.kx))
        y0, y1 = sorted((self.oy + b0 * self.ky, self.oy + b1 * self.ky))
        corner = abs(radius * self.ky)
        if corner < 1:
            self.draw.rectangle((x0, y0, x1, y1), fill=self.ink(fill))
        else:
            self.draw.rounded_rectangle((x0, y0, x1, y1), corner, fill=self.ink(fill))

    def soft(self, a: float, b: float, ra: float, rb: float, fill: Color, strength: float) -> None:
        """A soft spot (shadow or glow) of radii (ra, rb) at its half height."""
        x, y = self.ox + a * self.kx, self.oy + b * self.ky
        rx, ry = abs(ra * self.kx) * 1.72, abs(rb * self.ky) * 1.72
        x0, y0 = round(x - rx), round(y - ry)
        size = (max(2, round(2 * rx)), max(2, round(2 * ry)))
        mask = _blob(round(100 * strength)).resize(size, Image.Resampling.BILINEAR)
        self.image.paste(fill, (x0, y0, x0 + size[0], y0 + size[1]), mask)

    def ink(self, fill: Color) -> Color | int:
        return fill


class MaskPen(Pen):
    """Draws every shape with one value (``Pen.soft`` draws nothing)."""

    details = False
    value = 0

    def ink(self, fill: Color) -> int:
        return self.value

    def soft(self, *args: object) -> None:
        return


class ExtentPen(Pen):
    """Draws nothing and keeps the bounding box of what would be drawn, in units."""

    details = False

    def __init__(self) -> None:
        self.kx, self.ky, self.ox, self.oy = 1.0, 1.0, 0.0, 0.0
        self.low = [np.inf, np.inf]
        self.high = [-np.inf, -np.inf]

    def _grow(self, xs: Sequence[float], ys: Sequence[float], margin: float = 0.0) -> None:
        self.low[0] = min(self.low[0], min(xs) - margin)
        self.low[1] = min(self.low[1], min(ys) - margin)
        self.high[0] = max(self.high[0], max(xs) + margin)
        self.high[1] = max(self.high[1], max(ys) + margin)

    def polygon(self, points: Points, fill: Color) -> None:
        flat = self._pixels(points)
        self._grow(flat[::2], flat[1::2])

    def ellipse(self, a: float, b: float, ra: float, rb: float, fill: Color) -> None:
        x, y = self.ox + a * self.kx, self.oy + b * self.ky
        rx, ry = abs(ra * self.kx), abs(rb * self.ky)
        self._grow((x - rx, x + rx), (y - ry, y + ry))

    def line(self, points: Points, width: float, fill: Color, caps: bool = True) -> None:
        flat = self._pixels(points)
        self._grow(flat[::2], flat[1::2], abs(width * self.ky) / 2)

    def rect(
        self, a0: float, b0: float, a1: float, b1: float, fill: Color, radius: float = 0.0
    ) -> None:
        flat = self._pixels(((a0, b0), (a1, b1)))
        self._grow(flat[::2], flat[1::2])

    def soft(self, *args: object) -> None:
        return
