"""A model that a study is given in place of training it: a checkpoint of the authors or a folder."""

from pathlib import Path

from gcdr.base.errors import InputError
from gcdr.models.build import backbone_card, save_model
from gcdr.models.description import BLIND, DENOISER, VIDEO_DENOISER
from gcdr.models.interface import GazeModel, SeesPeople
from gcdr.models.kinds import model_title, title_as
from gcdr.models.pretrained_card import PretrainedSettings, check_agrees
from gcdr.models.released import read_model
from gcdr.models.video_denoiser import VideoDenoiser


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
    check_agrees(source, known, settings)
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
