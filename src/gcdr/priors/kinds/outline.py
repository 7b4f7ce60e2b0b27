"""What all models that are asked about people are told: how a person is pointed out, and in which blocks."""

import math
from dataclasses import dataclass
from typing import Literal

from gcdr.base.jsonconfig import JsonConfig, setting

PEOPLE_A_JOB = 2_000  # whom one job asks about, where nothing else is said


@dataclass(frozen=True)
class Texts(JsonConfig):
    """What is asked, by what points at the person."""

    body: str
    head: str
    none: str


@dataclass(frozen=True, kw_only=True)
class Outlined(JsonConfig):
    """How a person is pointed out, and how many are asked about together."""

    overlay: Literal["body", "head", "none"] = setting(
        "What points at the person: the outline of the body that was found (paper), of the head "
        "(Table S7), or nothing.",
        "body",
    )
    questions: Texts
    box_colour: tuple[int, ...] = setting(
        "Colour of the outline: red, green, blue.",
        (0, 255, 0),
        minItems=3,
        maxItems=3,
        items={"minimum": 0, "maximum": 255},
    )
    box_thickness: int = setting(
        "Thickness of the outline in pixels of the image.", 2, minimum=1, maximum=1000
    )
    block: int = setting(
        "People computed together; part of the result's bits.", 64, minimum=1, maximum=4096
    )


@dataclass(frozen=True, kw_only=True)
class InShards(Outlined):
    """A prior of a model whose people are shared among jobs."""

    shards: int | None = setting(
        "Jobs that share the people; null: as many as they need, 2,000 a job. Never changes a bit.",
        4,
        minimum=1,
        maximum=10000,
    )
    workers: int = setting(
        "Pictures that a job reads at a time, each on a thread; it computes on one. Never changes a bit.",
        1,
        minimum=1,
        maximum=256,
    )

    @property
    def used_overlay(self) -> str:
        return self.overlay

    def jobs(self, people: int) -> int:
        return self.shards or math.ceil(max(1, people) / PEOPLE_A_JOB)
