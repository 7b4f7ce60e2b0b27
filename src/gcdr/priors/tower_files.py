"""Which towers and namers of regions folders hold, by their files alone: nothing of the weights is read."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from gcdr.base.errors import InputError
from gcdr.base.files import read_json

CONFIG, WEIGHTS, MERGES = "config.json", "model.safetensors", "merges.txt"
CLIP_TYPES = ("clip", "clip_text_model")
SAM = "sam"
REGION_TYPES = ("owlv2", "grounding-dino", SAM)
"""What may name regions, see :mod:`gcdr.priors.region_namers`."""
TUNED = "tuned-"
"""Before what is done to a picture: what an image tower makes of it goes through a map that is learned."""
TextKind = Literal["clip", "words"]


def text_kind(folder: Path) -> TextKind:
    """What the text tower of a folder is: CLIP's, or the words of the demo world's VQA model.

    Raises:
        InputError: it is neither.
    """
    file = folder / CONFIG
    if not file.is_file():
        raise InputError(
            f"{folder}: no {CONFIG}, expected CLIP's folder or the demo world's VQA model"
        )
    config = read_json(file)
    kind = config.get("model_type") if isinstance(config, dict) else "none"
    if kind in CLIP_TYPES:
        return "clip"
    if kind is None and (folder / MERGES).is_file():
        return "words"
    raise InputError(
        f"{file}: found the model type {kind!r}, expected {' or '.join(CLIP_TYPES)}, or none (demo world)"
    )


def is_world_backbone(folder: Path) -> bool:
    """Whether a folder holds the demo world's frozen backbone in an image tower's place."""
    return not (folder / CONFIG).is_file() and (folder / "card.json").is_file()


def check_image_tower(folder: Path) -> None:
    """Check that a folder holds the whole CLIP, or the demo world's frozen backbone.

    Raises:
        InputError: it holds neither.
    """
    file = folder / CONFIG
    config = read_json(file) if file.is_file() else None
    sees = isinstance(config, dict) and "vision_config" in config
    if not sees and not is_world_backbone(folder):
        raise InputError(
            f"{folder}: no CLIP with an image tower, expected the whole model in transformers' layout"
        )


def image_tower_title(folder: Path) -> str:
    """What the image tower of a folder is, for people; that it is none, of a folder without one."""
    if is_world_backbone(folder):
        return "the demo world’s frozen backbone, in place of CLIP’s image tower"
    try:
        check_image_tower(folder)
    except InputError:
        return "an image tower (CLIP’s in the paper; this configuration has none)"
    return f"CLIP’s image tower of {folder.name}"


def tower_faults(folder: Path, sees: bool = False) -> Iterator[str]:
    """What a folder of a text tower, or of an image tower (``sees``), lacks, a line each."""
    try:
        if sees:
            check_image_tower(folder)
            kind = None
        else:
            kind = text_kind(folder)
    except InputError as error:
        yield str(error)
        return
    if not (folder / WEIGHTS).is_file():
        yield f"{folder}: no {WEIGHTS}, expected the weights"
    words = [name for name in ("vocab.json", MERGES) if not (folder / name).is_file()]
    if (
        kind is not None
        and words
        and not (kind == "clip" and (folder / "tokenizer.json").is_file())
    ):
        yield f"{folder}: no {' and no '.join(words)}, expected the files of its tokenizer"


def region_kind(folder: Path) -> str:
    """What the namer of regions of a folder is, one of ``REGION_TYPES``.

    Raises:
        InputError: it is none.
    """
    file = folder / CONFIG
    config = read_json(file) if file.is_file() else None
    kind = config.get("model_type", "no model_type") if isinstance(config, dict) else None
    if kind not in REGION_TYPES:
        raise InputError(
            f"{folder}: found {kind or 'no config.json'}, expected a model in transformers' layout of type "
            f"{', '.join(REGION_TYPES)}"
        )
    return str(kind)


def region_faults(folder: Path) -> Iterator[str]:
    """What a folder of a namer of regions lacks, a line each."""
    try:
        region_kind(folder)
    except InputError as error:
        yield str(error)
        return
    for needed in ((WEIGHTS,), ("preprocessor_config.json", "processor_config.json")):
        if not any((folder / name).is_file() for name in needed):
            yield f"{folder}: no {' or '.join(needed)}, expected the whole model in transformers' layout"
