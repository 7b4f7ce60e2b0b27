"""Weights of OFA in safetensors files."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from gcdr.base.errors import InputError
from gcdr.base.tensors import read_tensors, write_tensors
from gcdr.priors.vqa.ofa.config import OFAConfig
from gcdr.priors.vqa.ofa.model import OFA
from gcdr.priors.vqa.ofa.positions import token_buckets

TABLE = "encoder.embed_tokens.weight"
TIED = ("decoder.embed_tokens.weight", "decoder.output_projection.weight")
"""Further names of ``TABLE``, which is stored once."""


def save_weights(
    model: OFA, path: str | Path, card: Mapping[str, Any], companions: Sequence[str] = ()
) -> None:
    """Write a model's parameters and running statistics, with ``card.json`` beside them.

    Args:
        companions: as :func:`gcdr.base.tensors.write_tensors` has them.
    """
    state = {
        name: value.detach().cpu().contiguous()
        for name, value in model.state_dict().items()
        if name not in TIED
    }
    write_tensors(path, state, card, "card.json", companions)


def load_ofa(config: OFAConfig, path: str | Path) -> OFA:
    """A model with the weights of a file that names exactly its tensors.

    On a CPU float32 weights stay in the file, mapped into memory: nothing is held twice, and jobs on
    one machine share it.

    Raises:
        InputError: the file is unreadable, or a tensor is missing, unknown or of another shape.
    """
    return build_ofa(config, read_tensors(path), path)


def build_ofa(config: OFAConfig, state: Mapping[str, Tensor], where: str | Path) -> OFA:
    """A model in float32 whose tensors are those of ``state`` themselves, not copies, if they are too.

    Args:
        config: the architecture.
        state: exactly the model's tensors, those in ``TIED`` left out.
        where: how messages name the source.

    Raises:
        InputError: a tensor is missing, unknown or of another shape.
    """
    with torch.device("meta"), _WithoutValues():  # names and shapes alone, no memory
        model = OFA(config)
    expected = {name: value for name, value in model.state_dict().items() if name not in TIED}
    if missing := sorted(expected.keys() - state.keys()):
        raise InputError(f"{where}: found no tensor {missing[0]!r}, {len(missing)} missing in all")
    if unknown := sorted(state.keys() - expected.keys()):
        raise InputError(f"{where}: found tensor {unknown[0]!r}, which this OFA does not have")
    for name, value in expected.items():
        if state[name].shape != value.shape:
            raise InputError(
                f"{where}: {name!r} has shape {tuple(state[name].shape)}, "
                f"expected {tuple(value.shape)}"
            )
    tensors = {name: state[name].to(value.dtype) for name, value in expected.items()}
    tensors |= dict.fromkeys(TIED, tensors[TABLE])
    model.load_state_dict(tensors, assign=True)
    model.decoder.output_projection.weight = model.encoder.embed_tokens.weight
    for stack in (model.encoder, model.decoder):
        stack.token_buckets = token_buckets(config.token_bucket, config.max_positions)
    return model


class _WithoutValues(TorchFunctionMode):
    """Leaves out random initial values: for tensors without memory they cost seconds of imports."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if func.__name__ in ("normal_", "uniform_", "kaiming_normal_", "kaiming_uniform_"):
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)
