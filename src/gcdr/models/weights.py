"""Weights from files into models: strictly, or as a start where models share a part."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from gcdr.base.errors import InputError

SHOWN = 5
ATTENTION = "attn.weight"
OTHERWISE_SHAPED = (ATTENTION, "compress_conv1_inout.weight")  # in models that start each other
HEADS = (
    *("compress_", "deconv", "conv4.", "fc_inout."),
    *("outside_embedding", "patch_pos_embedding", "qkv_proj.", "inout_patch_"),
)

# What an undrawn number is, by its draw's argument as a tensor and as torch.nn.init call it.
LEAST = {"uniform_": ("from", "a"), "normal_": ("mean",)}
DRAWS = (*LEAST, "kaiming_uniform_", "erfinv_")
"""The last is what a cut normal distribution may end with."""


class Undrawn(TorchFunctionMode):
    """Within it parameters are not filled with random numbers: for models whose weights are all read next.

    A number that is not drawn is the mean, or the least: torch draws a cut normal distribution again until
    all numbers are within bounds, which what happens to stand in memory might never be. What it draws then
    is no parameter, and is drawn.

    On the device "meta" constants would be lost too, and drawing there imports torch's compiler.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        name, kwargs = getattr(func, "__name__", None), kwargs or {}
        tensor = args[0] if args else kwargs.get("tensor")
        if name not in DRAWS or not isinstance(tensor, nn.Parameter):
            return func(*args, **kwargs)
        if name in LEAST:
            named = [kwargs[key] for key in LEAST[name] if key in kwargs]
            with torch.no_grad():
                tensor.fill_([*args[1:2], *named, 0.0][0])
        return tensor


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

    Thus towers start VAT, VAT starts VAT-GC (all but ``attn.weight``, which sees more there), the model of
    Miao et al. and the denoiser's towers (given ``denoiser.feat_extractor`` as the model, without heads).

    Raises:
        InputError: nothing fits at all; a weight but ``OTHERWISE_SHAPED`` has another shape; or there is
            one that is neither the model's nor of a gaze model's heads.
    """
    match = _compare(model, weights)
    wrong = [n for n in match.misfits if n not in OTHERWISE_SHAPED]
    if wrong:
        shapes = [_shapes(model, weights, name) for name in wrong]
        raise InputError(f"{where}: a model of another size; tensors {_shown(shapes)}")
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
