"""How the weights that the demo world ships are made. No torch."""

from dataclasses import dataclass
from typing import Literal

from gcdr.base.errors import InputError
from gcdr.base.jsonconfig import JsonConfig, setting

QuestionKind = Literal["gaze", "describe", "relation", "where", "panorama", "caption"]


@dataclass(frozen=True)
class Lesson(JsonConfig):
    """A part of the VQA model's teaching."""

    kinds: tuple[QuestionKind, ...] = setting(
        "Kinds of questions (gcdr.world.questions); each picture is asked one of each.",
        minItems=1,
        maxItems=6,
        uniqueItems=True,
    )
    steps: int = setting("Steps.", minimum=1, maximum=10**7)
    horizon: int = setting(
        "Length of the learning-rate schedule; a lesson may stop before.", minimum=1, maximum=10**7
    )
    batch: int = setting("Pictures a step.", minimum=1, maximum=4096)
    lr: float = setting("Peak learning rate.", minimum=1e-9, maximum=10)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.steps > self.horizon:
            raise InputError(
                f"steps: found {self.steps}, expected at most the horizon ({self.horizon})"
            )


@dataclass(frozen=True)
class VQARecipe(JsonConfig):
    """How the world's OFA is taught."""

    scenes: int = setting("Pictures to learn from.", minimum=1, maximum=10**7)
    stem_steps: int = setting(
        "Steps of the image stem, 64 pictures each.", minimum=1, maximum=10**7
    )
    stem_lr: float = setting("Its peak learning rate.", minimum=1e-9, maximum=10)
    lessons: tuple[Lesson, ...] = setting(
        "What the whole model learns, one lesson after the other.", minItems=1, maxItems=100
    )


@dataclass(frozen=True)
class DetectorRecipe(JsonConfig):
    """How a detector of the world is trained."""

    scenes: int = setting('Scenes of the style "web" to train on.', 1200, minimum=1, maximum=10**7)
    steps: int = setting("Steps.", 1200, minimum=1, maximum=10**7)
    batch: int = setting("Scenes a step.", 8, minimum=1, maximum=4096)
    learning_rate: float = setting("Peak learning rate.", 0.002, minimum=1e-9, maximum=10)
    held_out: int = setting("Scenes of each style to measure on.", 200, minimum=1, maximum=10**7)
    width: int = setting("Width of the pictures in pixels.", 320, minimum=32, maximum=4096)
    height: int = setting("Height of the pictures in pixels.", 240, minimum=32, maximum=4096)


@dataclass(frozen=True)
class BackboneRecipe(JsonConfig):
    """How the towers of the world's gaze models are pretrained."""

    scenes: int = setting("Pictures to learn from.", 14000, minimum=1, maximum=10**7)
    scene_steps: int = setting("Steps of the scene tower.", 3500, minimum=1, maximum=10**7)
    head_steps: int = setting("Steps of the head tower.", 1500, minimum=1, maximum=10**7)
    batch: int = setting("Pictures a step.", 64, minimum=1, maximum=4096)
    lr: float = setting("Peak learning rate.", 0.003, minimum=1e-9, maximum=10)
    test_scenes: int = setting(
        "Further pictures for the figures on the card.", 500, minimum=1, maximum=10**7
    )


@dataclass(frozen=True)
class FrozenRecipe(JsonConfig):
    """How the world's frozen backbone is pretrained."""

    scenes: int = setting("Pictures to learn from.", 14000, minimum=1, maximum=10**7)
    steps: int = setting("Steps.", 3500, minimum=1, maximum=10**7)
    batch: int = setting("Pictures a step.", 48, minimum=1, maximum=4096)
    lr: float = setting("Peak learning rate.", 0.003, minimum=1e-9, maximum=10)
    test_scenes: int = setting(
        "Further pictures for the figures on the card.", 500, minimum=1, maximum=10**7
    )
