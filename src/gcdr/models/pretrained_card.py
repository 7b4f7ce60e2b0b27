"""Whether a model that a study is given can take its place, by its card and its tensors' names. No torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from gcdr.base.errors import InputError
from gcdr.base.files import CHECKPOINTS, read_json
from gcdr.base.jsonconfig import JsonConfig
from gcdr.models.contents import check_weights
from gcdr.models.description import BLIND, DENOISER
from gcdr.models.kinds import GAZE_MODELS
from gcdr.models.sizes import DenoiserConfig, weights_file

AGREEING = ("pixels", "cells", "timesteps", "schedule")
"""What a given model and the configuration must have in common, as far as the model tells."""


@dataclass(frozen=True)
class PretrainedSettings(JsonConfig):
    """What a given model must agree with.

    Attributes:
        pixels: side of the pictures.
        cells: side of the heatmaps.
        kind: of the gaze model, a name of :data:`gcdr.models.kinds.GAZE_MODELS`; None where it is none.
        backbone: weights of the frozen backbone that the gaze model stands on, a file or a folder; None for
            models without one.
        timesteps, schedule: the noise that a diffusion model was trained with.
    """

    pixels: int
    cells: int
    kind: str | None
    timesteps: int
    schedule: Literal["linear", "cosine"]
    backbone: str | None = None


def check_pretrained(source: str | Path, expected: str, settings: PretrainedSettings) -> None:
    """Check that a given model is what it stands for; the job that takes it looks at every tensor.

    Args:
        source: a released ``.pt`` file, or a folder with ``model.safetensors`` and ``model.json``.
        expected: what it must be, see :func:`gcdr.models.kinds.title_as`.
        settings: what it must agree with.

    Raises:
        InputError: it is another model, or of another size or noise.
    """
    shapes = check_weights(weights_file(source), [expected])
    if Path(source).suffix in CHECKPOINTS:
        known = dict(zip(AGREEING, _released_sides(expected), strict=False)) if shapes else {}
    else:
        known = _card_settings(Path(source) / "model.json", expected)
    check_agrees(source, known, settings)


def check_agrees(source: object, known: Mapping[str, Any], settings: PretrainedSettings) -> None:
    """Compare what a model tells of itself, by the names of ``AGREEING``, with the configuration.

    Raises:
        InputError: names the first of them that differs.
    """
    for key in AGREEING:
        configured = getattr(settings, key)
        if known.get(key, configured) not in (configured, None):
            raise InputError(
                f"{source}: found a model of {known[key]} {key}, the configuration has {configured}"
            )


def _released_sides(title: str) -> tuple[int, ...]:
    """Side of pictures in pixels and of heatmaps in cells; what was released is of the paper's sizes."""
    if title in (DENOISER, BLIND):
        return _denoiser(DenoiserConfig.paper())
    kind = next(kind for kind in GAZE_MODELS.values() if title in kind.titles)
    return kind.sizes.get("paper", ())


def _denoiser(config: DenoiserConfig) -> tuple[int, int]:
    return config.towers.input_size, config.map_size


def _card_settings(file: Path, expected: str) -> dict[str, Any]:
    """What a folder's card says of the model, by the names of ``AGREEING``."""
    card = read_json(file)
    card = card if isinstance(card, dict) else {}
    kind, sizes = card.get("model"), card.get("config", {})
    if kind == DENOISER:
        config = DenoiserConfig.from_json(sizes, f"{file}, config")
        found: tuple[str, ...] = (DENOISER if config.features == "towers" else BLIND,)
        noise = {**_table(card, "settings"), **_table(card, "converted")}
        known = noise | dict(zip(AGREEING, _denoiser(config), strict=False))
    elif kind in GAZE_MODELS:  # with prior maps or without is told by its tensors
        found, known = GAZE_MODELS[kind].titles, {side: card.get(side) for side in AGREEING[:2]}
    else:
        known_kinds = ", ".join([DENOISER, *GAZE_MODELS])
        raise InputError(f"{file}: found model {kind!r}, expected one of {known_kinds}")
    if expected not in found:
        raise InputError(f"{file}: of a {found[0]}, expected a {expected}")
    return known


def _table(card: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    return card[key] if isinstance(card.get(key), dict) else {}
