"""How the weights that the demo world ships are made. No torch."""

from dataclasses import dataclass

from gcdr.base.jsonconfig import JsonConfig, setting


@dataclass(frozen=True)
class Lesson(JsonConfig):
    """A part of the VQA model's teaching."""

    kinds: tuple[str, ...] = setting(
        "Kinds of questions (gcdr.world.questions); each picture is asked one of each.", minItems=1
    )
    steps: int = setting("Steps.", minimum=1)
    horizon: int = setting(
        "Length of the learning-rate schedule; a lesson may stop before.", minimum=1
    )
    batch: int = setting("Pictures a step.", minimum=1)
    lr: float = setting("Peak learning rate.", exclusiveMinimum=0)


@dataclass(frozen=True)
class VQARecipe(JsonConfig):
    """How the world's OFA is taught."""

    scenes: int = setting("Pictures to learn from.", minimum=1)
    stem_steps: int = setting("Steps of the image stem, 64 pictures each.", minimum=1)
    stem_lr: float = setting("Its peak learning rate.", exclusiveMinimum=0)
    lessons: tuple[Lesson, ...] = setting(
        "What the whole model learns, one lesson after the other.", minItems=1
    )


@dataclass(frozen=True)
class DetectorRecipe(JsonConfig):
    """How a detector of the world is trained."""

    scenes: int = setting('Scenes of the style "web" to train on.', 1200, minimum=1)
    steps: int = setting("Steps.", 1200, minimum=1)
    batch: int = setting("Scenes a step.", 8, minimum=1)
    learning_rate: float = setting("Peak learning rate.", 0.002, exclusiveMinimum=0)
    held_out: int = setting("Scenes of each style to measure on.", 200, minimum=1)
    width: int = setting("Width of the pictures in pixels.", 320, minimum=32)
    height: int = setting("Height of the pictures in pixels.", 240, minimum=32)


@dataclass(frozen=True)
class BackboneRecipe(JsonConfig):
    """How the towers of the world's gaze models are pretrained."""

    scenes: int = setting("Pictures to learn from.", 14000, minimum=1)
    scene_steps: int = setting("Steps of the scene tower.", 3500, minimum=1)
    head_steps: int = setting("Steps of the head tower.", 1500, minimum=1)
    batch: int = setting("Pictures a step.", 64, minimum=1)
    lr: float = setting("Peak learning rate.", 0.003, exclusiveMinimum=0)
    test_scenes: int = setting("Further pictures for the figures on the card.", 500, minimum=1)


@dataclass(frozen=True)
class FrozenRecipe(JsonConfig):
    """How the world's frozen backbone is pretrained."""

    scenes: int = setting("Pictures to learn from.", 14000, minimum=1)
    steps: int = setting("Steps.", 3500, minimum=1)
    batch: int = setting("Pictures a step.", 48, minimum=1)
    lr: float = setting("Peak learning rate.", 0.003, exclusiveMinimum=0)
    test_scenes: int = setting("Further pictures for the figures on the card.", 500, minimum=1)
