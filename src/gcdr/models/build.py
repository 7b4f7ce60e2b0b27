"""Models to and from files: ``model.json`` (architecture) and ``model.safetensors`` (weights)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from gcdr.base.errors import InputError
from gcdr.base.files import atomic, read_json, write_json
from gcdr.models.denoiser import Denoiser
from gcdr.models.sizes import WEIGHTS_FILE, DenoiserConfig, VATConfig
from gcdr.models.vat import VAT

MODELS = {"vat": (VATConfig, VAT), "denoiser": (DenoiserConfig, Denoiser)}
CARD_FILE = "model.json"
FORMAT_VERSION = 1
SHOWN = 5
ATTENTION = "attn.weight"
HEADS = ("compress_", "deconv", "conv4.", "fc_inout.")


def describe(model: nn.Module) -> dict[str, Any]:
    """The architecture as JSON: ``{"model": name, "config": sizes}``."""
    for name, (_, kind) in MODELS.items():
        if isinstance(model, kind):
            return {"model": name, "config": model.config.to_json()}
    raise TypeError(f"{type(model).__name__} is not one of {sorted(MODELS)}")


def build_model(description: Mapping[str, Any], where: str = "model") -> nn.Module:
    """A model with initial weights from what ``describe`` returned.

    Args:
        description: keys ``model`` and ``config``; others are ignored.
        where: how error messages name the source, for example a file.

    Raises:
        InputError: an unknown model, or a configuration that does not fit.
    """
    name = description.get("model") if isinstance(description, Mapping) else None
    if name not in MODELS:
        raise InputError(f"{where}: found model {name!r}, expected one of {sorted(MODELS)}")
    config, kind = MODELS[name]
    return kind(config.from_json(description.get("config", {}), f"{where}, config"))


def save_model(folder: str | Path, model: nn.Module, card: Mapping[str, Any] | None = None) -> None:
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


def load_model(folder: str | Path) -> nn.Module:
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


def read_weights(path: str | Path) -> dict[str, Tensor]:
    """Tensors of a safetensors file.

    Raises:
        InputError: the file is absent or is not a safetensors file.
    """
    try:
        return load_file(path)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path}: not a readable safetensors file ({error})") from error


def load_weights(model: nn.Module, weights: Mapping[str, Tensor], where: str = "weights") -> None:
    """Load weights whose names and shapes are exactly the model's.

    Raises:
        InputError: names the tensors that are missing, not known to the model or of another shape;
            the model is then unchanged.
    """
    match = _compare(model, weights)
    problems = [
        f"{label} {_shown(names)}"
        for label, names in (
            ("missing", match.missing),
            ("unknown", match.unknown),
            ("of another shape", [_shapes(model, weights, name) for name in match.misfits]),
        )
        if names
    ]
    if problems:
        raise InputError(f"{where}: does not fit the model; tensors " + "; ".join(problems))
    model.load_state_dict(dict(weights))


@dataclass(frozen=True)
class WarmStart:
    """What ``warm_start`` did, by tensor names.

    Attributes:
        missing: tensors of the model for which there is no weight; they keep their values.
        misfits: tensors of the model whose weight has another shape; they keep their values.
        unknown: weights that the model has no place for.
    """

    missing: list[str]
    misfits: list[str]
    unknown: list[str]


def warm_start(
    model: nn.Module, weights: Mapping[str, Tensor], where: str = "weights"
) -> WarmStart:
    """Load weights of a part of the model or of a larger one, and say which were left out.

    Thus towers start VAT, VAT starts VAT-GC (all but ``attn.weight``, which sees more there) and the
    denoiser's towers (given ``denoiser.feat_extractor`` as the model; VAT's heads are left out).

    Raises:
        InputError: nothing fits at all; a weight but ``attn.weight`` has another shape; or there is
            one that is neither the model's nor of VAT's heads.
    """
    match = _compare(model, weights)
    if wrong := [_shapes(model, weights, name) for name in match.misfits if name != ATTENTION]:
        raise InputError(f"{where}: a model of another size; tensors {_shown(wrong)}")
    skipped = {*match.unknown, *match.misfits}
    fitting = {name: value for name, value in weights.items() if name not in skipped}
    if not fitting:
        raise InputError(f"{where}: no tensor fits the model, found {_shown(weights)}")
    if foreign := [name for name in match.unknown if not name.startswith(HEADS)]:
        raise InputError(f"{where}: tensors that the model has no place for: {_shown(foreign)}")
    model.load_state_dict(fitting, strict=False)
    return match


def _compare(model: nn.Module, weights: Mapping[str, Tensor]) -> WarmStart:
    own = model.state_dict()
    return WarmStart(
        missing=[name for name in own if name not in weights],
        misfits=[
            name for name in own if name in weights and own[name].shape != weights[name].shape
        ],
        unknown=[name for name in weights if name not in own],
    )


def _shown(names: Iterable[str]) -> str:
    names = list(names)
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _shapes(model: nn.Module, weights: Mapping[str, Tensor], name: str) -> str:
    own: torch.Size = model.state_dict()[name].shape
    return f"{name} (found {list(weights[name].shape)}, expected {list(own)})"
