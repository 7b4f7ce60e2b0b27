"""Models to and from files: ``model.json`` (architecture) and ``model.safetensors`` (weights)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gcdr.base.errors import InputError
from gcdr.base.files import file_digest, read_json
from gcdr.base.plain import JsonTable
from gcdr.base.tensors import read_tensors, write_tensors
from gcdr.data.crops import HEAD_MARGIN, HEAD_PADDING
from gcdr.models.denoiser import Denoiser
from gcdr.models.interface import SeesPeople
from gcdr.models.kinds import GAZE_MODELS
from gcdr.models.named import kind_of
from gcdr.models.sizes import (
    CARD_FILE,
    WEIGHTS_FILE,
    DenoiserConfig,
    VideoDenoiserConfig,
    backbone_file,
)
from gcdr.models.video_denoiser import VideoDenoiser
from gcdr.models.weights import load_weights

FORMAT_VERSION = 1
DENOISERS: dict[str, tuple[type[Denoiser], type[DenoiserConfig]]] = {
    Denoiser.kind: (Denoiser, DenoiserConfig),
    VideoDenoiser.kind: (VideoDenoiser, VideoDenoiserConfig),
}
"""Diffusion models, and their sizes, by their name in ``model.json``."""


def describe(model: SeesPeople) -> JsonTable:
    """The architecture as JSON: kind, sizes, sides of its pictures and heatmaps, and how heads are shown."""
    sides: JsonTable = {"pixels": model.input_size, "cells": model.map_size}
    if model.head_padding != HEAD_PADDING:  # else not mentioned, as before there was another
        sides["head_padding"] = model.head_padding
    return {"model": model.kind, "config": model.config.to_json(), **sides}


def build_model(description: Mapping[str, Any], where: str = "model") -> SeesPeople:
    """A model with initial weights from what ``describe`` returned.

    Args:
        description: keys ``model``, ``config`` and, where it is unusual, ``head_padding``; no others count.
        where: how error messages name the source, for example a file.

    Raises:
        InputError: an unknown model, or a configuration that does not fit.
    """
    description = description if isinstance(description, Mapping) else {}
    name = description.get("model")
    sizes, inside = description.get("config", {}), f"{where}, config"
    if name in DENOISERS:
        denoiser, config = DENOISERS[name]
        model: SeesPeople = denoiser(config.from_json(sizes, inside))
    elif name in GAZE_MODELS:
        kind = kind_of(name)
        model = kind.build(kind.config.from_json(sizes, inside))
    else:
        known = sorted([*DENOISERS, *GAZE_MODELS])
        raise InputError(f"{where}: found model {name!r}, expected one of {known}")
    padding = description.get("head_padding", HEAD_PADDING)
    if (
        isinstance(padding, bool)
        or not isinstance(padding, (int, float))
        or not 0 <= padding <= HEAD_MARGIN
    ):
        raise InputError(
            f"{where}: found head_padding {padding!r}, expected a number from 0 to {HEAD_MARGIN}"
        )
    model.head_padding = float(padding)
    return model


def save_model(
    folder: str | Path, model: SeesPeople, card: Mapping[str, Any] | None = None
) -> None:
    """Write weights and ``model.json`` into a folder, whole or not at all; the card holds their digest.

    Args:
        folder: made if it does not exist.
        model: a model that ``describe`` knows.
        card: further entries of ``model.json``, for example training settings.
    """
    tensors = {
        key: value.detach().cpu().contiguous() for key, value in model.stored_state().items()
    }
    content = {"format_version": FORMAT_VERSION, **describe(model), **(card or {})}
    write_tensors(Path(folder) / WEIGHTS_FILE, tensors, content, CARD_FILE)


def load_model(folder: str | Path, backbone: str | Path | None = None) -> SeesPeople:
    """Read what ``save_model`` wrote; the model is on the CPU, in eval mode.

    Args:
        folder: of the model.
        backbone: weights of its frozen backbone, if it has one; None: the file that its card names.

    Raises:
        InputError: a file is absent, unreadable or of another version, or weights, card and architecture
            do not fit; or the backbone is another one than the card tells.
    """
    card_file = Path(folder) / CARD_FILE
    card = read_card(folder)
    model = build_model(card, str(card_file))
    weights_file = Path(folder) / WEIGHTS_FILE
    frozen = {key: value for key, value in model.state_dict().items()}
    for key in model.stored_state():
        del frozen[key]
    load_weights(model, {**read_tensors(weights_file), **frozen}, str(weights_file))
    if frozen:
        _load_backbone(model, card.get("backbone") or {}, backbone, card_file)
    return model.eval()


def read_card(folder: str | Path) -> dict[str, Any]:
    """The card of a model's folder.

    Raises:
        InputError: absent, unreadable or of another version.
    """
    file = Path(folder) / CARD_FILE
    card = read_json(file)
    version = card.get("format_version") if isinstance(card, dict) else None
    if version != FORMAT_VERSION:
        raise InputError(f"{file}: found format {version!r}, expected {FORMAT_VERSION}")
    return card


def backbone_card(source: str | Path) -> dict[str, str]:
    """What the card of a model says of its backbone: file and digest."""
    return {"file": str(source), "sha256": file_digest(backbone_file(source))}


def _load_backbone(
    model: SeesPeople, about: Mapping[str, str], backbone: str | Path | None, card: Path
) -> None:
    source = backbone or about.get("file")
    if source is None:
        raise InputError(f"{card}: names no backbone; expected its file, or one to be given")
    file = backbone_file(source)
    if not file.is_file():
        raise InputError(
            f"{card}: its backbone {file} is not there; put it there, or give another path"
        )
    if about.get("sha256", found := file_digest(file)) != found:
        raise InputError(f"{file}: another backbone than {card} was trained with")
    kind_of(model.kind).load_backbone(model, source)
