"""Questions about a scene and their answers, in a small closed vocabulary without numbers."""

from __future__ import annotations

import math
import re

import numpy as np

from gcdr.world.placement import direction
from gcdr.world.scene import Scene
from gcdr.world.style import NOUNS

__all__ = ["DIRECTIONS", "NOUNS", "VOCABULARY", "direction_words", "questions_about", "words"]

DIRECTIONS = (
    "right", "down right", "down", "down left", "left", "up left", "up", "up right",
)  # fmt: skip
GAZE = "What is the person in the green bounding box looking at?"
DESCRIBE = "Describe the gaze of the person in the green bounding box."
RELATION = "What is {} of the person in the green bounding box?"
WHERE = "Where is {}, seen from the person in the green bounding box?"
PANORAMA = "What does the image show, seen from the person in the green bounding box?"
CAPTION = "What does the image show?"
_PHRASES = {"person": "another person", "wall": "the wall", "floor": "the floor",
            None: "outside the picture"}  # fmt: skip


def words(text: str) -> list[str]:
    """The words and commas of a question or answer, lower-case, in order."""
    return re.findall(r"[a-z]+|,", text.lower())


_ALL_TEXTS = (GAZE, DESCRIBE, RELATION, WHERE, PANORAMA, CAPTION, *DIRECTIONS, *NOUNS, *_PHRASES.values(),
              "looking at a person , people and")  # fmt: skip
VOCABULARY: tuple[str, ...] = tuple(sorted({word for text in _ALL_TEXTS for word in words(text)}))
"""Every word (and the comma) that a question or an answer can hold."""


def direction_words(angle: float) -> str:
    """The one of DIRECTIONS nearest to ``angle`` (radians, 0 = right, pi / 2 = down)."""
    return DIRECTIONS[round(angle / (math.pi / 4)) % 8]


def questions_about(
    scene: Scene, person: int, rng: np.random.Generator
) -> dict[str, tuple[str, str] | None]:
    """Question and answer about the person number ``person``, by kind.

    Kinds: "gaze" (what is looked at), "describe" (direction and target), "relation" (what is
    nearest in a direction drawn with ``rng``) and "where" (in which direction something drawn with
    ``rng`` is), "panorama" (what is nearest in each direction), all three None if nothing is around,
    and "caption" (what there is, in an order
    drawn with ``rng``).
    """
    subject = scene.people[person]
    around = _around(scene, person)
    target = _PHRASES.get(subject.noun, f"the {subject.noun}")
    where = direction_words(subject.direction)
    link = "at " if subject.in_frame else ""
    return {
        "gaze": (GAZE, target),
        "describe": (DESCRIBE, f"looking {where} {link}{target}"),
        "relation": _relation(around, rng),
        "where": _where(around, rng),
        "panorama": _panorama(around),
        "caption": (CAPTION, _caption(scene, rng)),
    }


def _around(scene: Scene, person: int) -> list[tuple[float, str, str]]:
    """Distance from the person's head, direction and name of everything else, nearest first."""
    aspect = scene.style.aspect
    head = scene.people[person].figure.head
    places = [
        ((thing.center[0] * aspect, thing.center[1]), f"the {thing.noun}") for thing in scene.things
    ]
    places += [
        (other.figure.head, "another person")
        for number, other in enumerate(scene.people)
        if number != person
    ]
    return sorted(
        (math.dist(head, place), direction_words(direction(head, place)), name)
        for place, name in places
    )


def _relation(
    around: list[tuple[float, str, str]], rng: np.random.Generator
) -> tuple[str, str] | None:
    """What is nearest in a direction in which there is something."""
    nearest: dict[str, str] = {}
    for _, where, name in around:
        nearest.setdefault(where, name)
    if not nearest:
        return None
    where = sorted(nearest)[int(rng.integers(len(nearest)))]
    return RELATION.format(where), nearest[where]


def _panorama(around: list[tuple[float, str, str]]) -> tuple[str, str] | None:
    """What is nearest in each direction, going round."""
    nearest: dict[str, str] = {}
    for _, where, name in around:
        nearest.setdefault(where, name)
    places = [f"{where} at {nearest[where]}" for where in DIRECTIONS if where in nearest]
    return (PANORAMA, ", ".join(places)) if places else None


def _where(
    around: list[tuple[float, str, str]], rng: np.random.Generator
) -> tuple[str, str] | None:
    """In which direction something is."""
    if not around:
        return None
    _, where, name = around[int(rng.integers(len(around)))]
    return WHERE.format(name), where


def _caption(scene: Scene, rng: np.random.Generator) -> str:
    names = [f"a {scene.things[k].noun}" for k in rng.permutation(len(scene.things))]
    return _listed(["a person" if len(scene.people) == 1 else "people", *names])


def _listed(names: list[str]) -> str:
    if len(names) == 1:
        return names[0]
    return ", ".join(names[:-1]) + " and " + names[-1]
