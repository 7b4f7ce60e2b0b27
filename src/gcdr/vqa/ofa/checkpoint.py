"""Weights of OFA in safetensors files."""

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from gcdr.errors import InputError
from gcdr.files import atomic
from gcdr.vqa.ofa.model import OFA

TIED = ("decoder.embed_tokens.weight", "decoder.output_projection.weight")
"""Further names of ``encoder.embed_tokens.weight``, which is stored once."""


def save_weights(model: OFA, path: str | Path) -> None:
    """Write a model's parameters and running statistics."""
    state = {
        name: value.detach().cpu().contiguous()
        for name, value in model.state_dict().items()
        if name not in TIED
    }
    with atomic(path) as temporary:
        save_file(state, temporary)


def load_weights(model: OFA, path: str | Path) -> None:
    """Fill a model from a file that names exactly its tensors.

    Raises:
        InputError: the file is unreadable, or a tensor is missing, unknown or of another shape.
    """
    try:
        state = load_file(path)
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path}: not a readable safetensors file ({error})") from error
    expected = {name: value for name, value in model.state_dict().items() if name not in TIED}
    if missing := sorted(expected.keys() - state.keys()):
        raise InputError(f"{path}: found no tensor {missing[0]!r}, {len(missing)} missing in all")
    if unknown := sorted(state.keys() - expected.keys()):
        raise InputError(f"{path}: found tensor {unknown[0]!r}, which this OFA does not have")
    for name, value in expected.items():
        if state[name].shape != value.shape:
            raise InputError(
                f"{path}: {name!r} has shape {tuple(state[name].shape)}, "
                f"expected {tuple(value.shape)}"
            )
    with torch.no_grad():
        for name, value in expected.items():
            value.copy_(state[name])
