"""Models to and from files: ``model.json`` (architecture) and ``model.safetensors`` (weights)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import save_file

from gcdr.base.errors import InputError
from gcdr.base.files import atomic, read_json, write_json
from gcdr.models.denoiser import Denoiser
from gcdr.models.interface import SeesPeople
from gcdr.models.kinds import GAZE_MODELS
from gcdr.models.registry import kind_of
from gcdr.models.sizes import WEIGHTS_FILE, DenoiserConfig
from gcdr.models.weights import load_weights, read_weights

CARD_FILE = "model.json"
FORMAT_VERSION = 1


def describe(model: SeesPeople) -> dict[str, Any]:
    """The architecture as JSON: ``{"model": kind, "config": sizes}``."""
    return {"model": model.kind, "config": model.config.to_json()}


def build_model(description: Mapping[str, Any], where: str = "model") -> SeesPeople:
    """A model with initial weights from what ``describe`` returned.

    Args:
        description: keys ``model`` and ``config``; others are ignored.
        where: how error messages name the source, for example a file.

    Raises:
        InputError: an unknown model, or a configuration that does not fit.
    """
    description = description if isinstance(description, Mapping) else {}
    name = description.get("model")
    sizes, inside = description.get("config", {}), f"{where}, config"
    if name == Denoiser.kind:
        return Denoiser(DenoiserConfig.from_json(sizes, inside))
    if name not in GAZE_MODELS:
        known = sorted([Denoiser.kind, *GAZE_MODELS])
        raise InputError(f"{where}: found model {name!r}, expected one of {known}")
    kind = kind_of(name)
    return kind.build(kind.config.from_json(sizes, inside))


def save_model(
    folder: str | Path, model: SeesPeople, card: Mapping[str, Any] | None = None
) -> None:
    """Write weights and ``model.json`` into a folder, each file whole or not at all, the card last.

    Args:
        folder: made if it does not exist.
        model: a model that ``describe`` knows.
        card: further entries of ``model.json``, for example training settings.
    """
    content = {"format_version": FORMAT_VERSION, **describe(model), **(card or {})}
    tensors = {key: value.detach().cpu().contiguous() for key, value in model.state_dict().items()}
    with atomic(Path(folder) / WEIGHTS_FILE) as temporary:
        save_file(tensors, temporary)
    write_json(Path(folder) / CARD_FILE, content)


def load_model(folder: str | Path) -> SeesPeople:
    """Read what ``save_model`` wrote; the model is on the CPU, in eval mode.

    Raises:
        InputError: a file is absent, unreadable or of another version, or weights and architecture
            do not fit.
    """
    card_file = Path(folder) / CARD_FILE
    card = read_json(card_file)
    version = card.get("format_version") if isinstance(card, dict) else None
    if version != FORMAT_VERSION:
        raise InputError(f"{card_file}: found format {version!r}, expected {FORMAT_VERSION}")
    model = build_model(card, str(card_file))
    weights_file = Path(folder) / WEIGHTS_FILE
    load_weights(model, read_weights(weights_file), str(weights_file))
    return model.eval()
