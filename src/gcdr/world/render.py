"""Rendering: a scene to pixels, and the pixels of each person."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from PIL import Image, ImageChops

from gcdr.base.seeds import numpy_rng
from gcdr.world.pen import MaskPen, Pen
from gcdr.world.people import draw_figure
from gcdr.world.room import paint_room
from gcdr.world.scene import Person, Scene, Thing
from gcdr.world.style import Color
from gcdr.world.things import RATIO, draw_support, draw_thing

_SHADOW: Color = (44, 32, 46)
_GRAIN_MARGIN = 64
_STEPS = 20  # of the light's direction and strength


def render(scene: Scene, width: int = 320, height: int = 240, supersample: int = 2) -> np.ndarray:
    """Paint a scene.

    Returns: (height, width, 3) uint8 RGB. ``supersample`` = 1 is faster and has jagged edges.
    """
    size = (width * supersample, height * supersample)
    image = Image.new("RGB", size)
    pen = Pen(image, size[0] / scene.style.aspect, float(size[1]))
    paint_room(pen, scene.room, scene.style.aspect)
    for thing in sorted(scene.things, key=lambda t: t.place.base):
        if thing.place.support != "floor":
            _paint_support(pen, thing, scene)
    for _, item in back_to_front(scene):
        if isinstance(item, Thing):
            if item.place.support == "floor":
                place = item.place
                wide = RATIO[place.noun] * place.height
                pen.soft(place.x, place.base, 0.5 * wide, 0.022, _SHADOW, 0.5)
            _paint_thing(pen, item)
        else:
            figure = item.figure
            pen.soft(figure.x, figure.ground, 0.15 * figure.height, 0.03, _SHADOW, 0.5)
            draw_figure(pen, figure)
    if supersample > 1:
        image = image.reduce(supersample)
    return np.asarray(_expose(image, scene))


def person_masks(scene: Scene, width: int, height: int) -> np.ndarray:
    """The visible pixels of each person, (len(scene.people), height, width) bool."""
    image = Image.new("L", (width, height), 0)
    pen = MaskPen(image, width / scene.style.aspect, float(height))
    for _, item in back_to_front(scene):
        pen.value = 1 + scene.people.index(item) if isinstance(item, Person) else 0
        paint_item(pen, item)
    labels = np.asarray(image)
    return labels[None] == np.arange(1, len(scene.people) + 1, dtype=np.uint8)[:, None, None]


def back_to_front(scene: Scene) -> list[tuple[float, Thing | Person]]:
    """What is painted over what, each with the line on the ground that decides it."""
    items: list[tuple[float, int, Thing | Person]] = []
    for number, thing in enumerate(scene.things):
        items.append((thing.place.depth, number, thing))
    for number, person in enumerate(scene.people):
        items.append((person.figure.ground, 100 + number, person))
    return [(line, item) for line, _, item in sorted(items, key=lambda entry: entry[:2])]


def paint_item(pen: Pen, item: Thing | Person) -> None:
    """Paint a thing or a person, without shadows."""
    if isinstance(item, Thing):
        _paint_thing(pen, item)
    else:
        draw_figure(pen, item.figure)


def _paint_support(pen: Pen, thing: Thing, scene: Scene) -> None:
    """Paint what a thing stands or hangs on, and its shadow on the wall."""
    place = thing.place
    wide = RATIO[place.noun] * place.height
    if place.support == "wall":
        pen.soft(
            place.x + 0.008, place.center[1] + 0.02, 0.46 * wide, 0.46 * place.height, _SHADOW, 0.34
        )
        return
    drop = scene.room.horizon + 0.03 - place.base
    scale = 1.15 if place.support == "shelf" else 1.5
    pen.soft(
        place.x + 0.01,
        place.base - 0.3 * place.height,
        0.42 * wide,
        0.34 * place.height,
        _SHADOW,
        0.22,
    )
    draw_support(
        pen.at(place.x, place.base, 1.0), place.support, wide * scale, drop, scene.room.palette.wood
    )


def _paint_thing(pen: Pen, thing: Thing) -> None:
    place = thing.place
    draw_thing(
        pen.at(place.x, place.base, place.height, thing.flip),
        thing.shape,
        thing.color,
        thing.accent,
    )


@lru_cache(maxsize=256)
def _light(width: int, height: int, step: int, angle: int, vignette: float) -> Image.Image:
    """Brightness over the picture, 255 at the brightest: a ramp and a vignette.

    ``step`` is the ramp's strength in units of 1 / _STEPS, ``angle`` its direction in units of
    a turn / _STEPS; coarse, so that few fields are ever made.
    """
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = (2 * x + 1) / width - 1, (2 * y + 1) / height - 1
    turn = 2 * math.pi * angle / _STEPS
    field = step / _STEPS * (math.cos(turn) * x + math.sin(turn) * y)
    field -= vignette * (x * x + y * y) / 2
    field += 1 - field.max()
    one = Image.fromarray((255 * field.clip(0, 1)).astype(np.uint8))
    return Image.merge("RGB", (one, one, one))


@lru_cache(maxsize=4)
def _grain(width: int, height: int, sigma: float) -> Image.Image:
    """Sensor noise around 128, mostly of brightness, larger than the picture by a margin."""
    rng = numpy_rng(0, "world-grain", width, height)
    shape = (height + _GRAIN_MARGIN, width + _GRAIN_MARGIN)
    bright = rng.standard_normal((*shape, 1), dtype=np.float32)
    color = rng.standard_normal((*shape, 3), dtype=np.float32)
    grain = 128.5 + sigma * (0.85 * bright + 0.5 * color)
    return Image.fromarray(grain.clip(0, 255).astype(np.uint8))


def _expose(image: Image.Image, scene: Scene) -> Image.Image:
    """Apply brightness and colour cast, the light's ramp and vignette, and sensor noise."""
    width, height = image.size
    strength, angle, brightness, vignette = scene.light
    tint = brightness * (1 + np.asarray(scene.cast))
    curve = (tint[:, None] * np.arange(256) + 0.5).clip(0, 255).astype(int).ravel().tolist()
    step, turn = round(strength * _STEPS), round(angle / (2 * math.pi) * _STEPS) % _STEPS
    light = _light(width, height, step, turn, vignette)
    image = ImageChops.multiply(image.point(curve), light)
    dx, dy = scene.grain % _GRAIN_MARGIN, scene.grain // _GRAIN_MARGIN % _GRAIN_MARGIN
    grain = _grain(width, height, scene.style.sensor_noise)
    return ImageChops.add(image, grain.crop((dx, dy, dx + width, dy + height)), 1.0, -128)
