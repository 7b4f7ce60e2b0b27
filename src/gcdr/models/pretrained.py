"""A model that a study is given in place of training it: a checkpoint of the authors or a folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gcdr.base.errors import InputError
from gcdr.base.jsonconfig import JsonConfig
from gcdr.models.build import backbone_card, save_model
from gcdr.models.description import BLIND, DENOISER, VIDEO_DENOISER
from gcdr.models.interface import GazeModel, SeesPeople
from gcdr.models.kinds import model_title, title_as
from gcdr.models.released import read_model
from gcdr.models.video_denoiser import VideoDenoiser


@dataclass(frozen=True)
class PretrainedSettings(JsonConfig):
    """What a given model must agree with.

    Attributes:
        pixels: side of the pictures.
        cells: side of the heatmaps.
        kind: of the gaze model, a name of :data:`gcdr.models.kinds.GAZE_MODELS`.
        backbone: weights of the frozen backbone that the gaze model stands on, a file or a folder; None for
            models without one.
        timesteps, schedule: the noise that a diffusion model was trained with.
    """

    pixels: int
    cells: int
    kind: str
    timesteps: int
    schedule: Literal["linear", "cosine"]
    backbone: str | None = None


def take_pretrained(name: str, source: Path, settings: PretrainedSettings, out: Path) -> None:
    """Write a given model where the trained one would be; the card says what it was made from.

    Args:
        name: what it stands for: a teacher of :mod:`gcdr.methods`, or the method whose student it is.
        source: a released ``.pt`` file, or a folder with ``model.safetensors`` and ``model.json``.
        settings: what it must agree with, where its card tells.
        out: folder of the model.

    Raises:
        InputError: a model of another kind or size, one that was trained with other noise, or what
            ``read_released`` and ``load_model`` raise.
    """
    model, card = read_model(source, settings.backbone)
    if (found := _kind(model)) != (expected := title_as(name, settings.kind)):
        raise InputError(f"{source}: found a {found}, expected a {expected} as pretrained.{name}")
    known = {"pixels": model.input_size, "cells": model.map_size}
    if not isinstance(model, GazeModel):
        known |= {**card.get("settings", {}), **card.get("converted", {})}
    for key in ("pixels", "cells", "timesteps", "schedule"):
        configured = getattr(settings, key)
        if known.get(key, configured) not in (configured, None):
            raise InputError(
                f"{source}: found a model of {known[key]} {key}, the configuration has {configured}"
            )
    if settings.backbone is not None:
        card["backbone"] = backbone_card(settings.backbone)
    save_model(out, model, {**card, "split": None, "pretrained": str(source)})
    (out / "log.csv").unlink(missing_ok=True)  # of a model that was trained here before
    print(f"{out}: {found} from {source}")


def _kind(model: SeesPeople) -> str:
    if isinstance(model, GazeModel):
        return model_title(model.kind, model.needs.prior)
    if model.kind == VideoDenoiser.kind:
        return VIDEO_DENOISER
    return DENOISER if model.config.features == "towers" else BLIND
