"""A model that a study is given in place of training it: a checkpoint of the authors or a folder."""

from pathlib import Path
from typing import Any

from torch import nn

from gcdr.base.errors import InputError
from gcdr.methods import TEACHERS
from gcdr.models.build import save_model
from gcdr.models.released import read_model
from gcdr.models.vat import VAT


def take_given(name: str, source: Path, settings: dict[str, Any], out: Path) -> None:
    """Write a given model where the trained one would be; the card says what it was made from.

    Args:
        name: what it stands for: a teacher of :mod:`gcdr.methods`, or the method whose student it is.
        source: a released ``.pt`` file, or a folder with ``model.safetensors`` and ``model.json``.
        settings: what it must agree with: ``pixels`` of the pictures, ``cells`` of the heatmaps, and of a
            diffusion model ``timesteps`` and ``schedule``, where its card tells them.
        out: folder of the model.

    Raises:
        InputError: a model of another kind or size, one that was trained with other noise, or what
            ``read_released`` and ``load_model`` raise.
    """
    model, card = read_model(source)
    if (found := _kind(model)) != (expected := _expected(name)):
        raise InputError(f"{source}: found a {found}, expected a {expected} as given.{name}")
    told = {"pixels": model.config.towers.input_size, "cells": model.config.map_size}
    if name in TEACHERS and TEACHERS[name].family == "diffusion":
        told |= {**card.get("settings", {}), **card.get("converted", {})}
    for key, wanted in settings.items():
        if told.get(key, wanted) not in (wanted, None):
            raise InputError(
                f"{source}: found a model of {told[key]} {key}, the configuration has {wanted}"
            )
    save_model(out, model, {**card, "given": str(source)})
    (out / "log.csv").unlink(missing_ok=True)  # of a model that was trained here before
    print(f"{out}: {found} from {source}")


def _kind(model: nn.Module) -> str:
    if isinstance(model, VAT):
        return "VAT" if model.config.towers.gradcam_size is None else "VAT-GC"
    return "denoiser" if model.config.features == "towers" else "denoiser without towers"


def _expected(name: str) -> str:
    about = TEACHERS.get(name)
    if about is None:  # students see no Grad-CAM map
        return "VAT"
    if about.family == "gaze":
        return "VAT-GC" if about.gradcam else "VAT"
    return "denoiser" if about.features else "denoiser without towers"
