"""Models that are only asked: batch norms folded into the convolutions before them, ReLU in the same pass.

Source of the one pass: oneDNN's post-operations, which torch's own compiler uses for the same.
"""

from copy import deepcopy
from itertools import chain, pairwise
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

Model = TypeVar("Model", bound=nn.Module)


def fused(model: Model) -> Model:
    """A copy in evaluation mode that computes the same with fewer passes over its features.

    In evaluation a batch norm is a scale and a shift of each channel, which the convolution before it can do
    by its own weights. That one is registered right before it, as everywhere in this package; a norm of any
    other kind stays. All other weights are the model's own: what is folded is neither trained nor saved.

    Args:
        model: on the device where it is asked.
    """
    tensors = chain(model.parameters(), model.buffers())
    copy = deepcopy(model, {id(tensor): tensor for tensor in tensors}).eval()
    for module in list(copy.modules()):
        for (name, layer), (name_of_norm, norm) in pairwise(list(module.named_children())):
            if type(norm) is nn.BatchNorm2d and type(layer) in (nn.Conv2d, nn.ConvTranspose2d):
                turned = isinstance(layer, nn.ConvTranspose2d)
                module.set_submodule(name, fuse_conv_bn_eval(layer, norm, turned))
                module.set_submodule(name_of_norm, nn.Identity())
    return copy


def ready(model: Model, device: torch.device | str) -> Model:
    """A folded copy, its model moved to a device and channels last, as convolutions are fastest."""
    return fused(model.to(device, memory_format=torch.channels_last))


def rectified(x: Tensor, layer: nn.Module, norm: nn.Module, plus: Tensor | None = None) -> Tensor:
    """ReLU of a normed convolution and of what is added to it; with a sum in one pass where that can be.

    That saves passes through memory, which on a CPU take half as long as the arithmetic. Sums are rounded in
    another order.

    Args:
        x: (N, C, H, W).
        layer: the convolution.
        norm: what follows it.
        plus: of the output's shape; not changed.
    """
    # Without a sum oneDNN's ReLU makes 0 of what is no number, and a broken model would go unnoticed.
    if plus is None or not _in_one_pass(x, layer, norm, plus):
        y = norm(layer(x))
        return F.relu(y if plus is None else y + plus, inplace=True)
    sizes = layer.padding, layer.stride, layer.dilation, layer.groups
    two = torch.ops.mkldnn._convolution_pointwise.binary
    return two(x, plus, layer.weight, layer.bias, *sizes, "add", 1.0, "relu", [], "")


def _in_one_pass(x: Tensor, layer: nn.Module, norm: nn.Module, plus: Tensor) -> bool:
    """Whether nothing but float32 numbers is wanted: no gradient, no graph of operations, no autocast."""
    if type(norm) is not nn.Identity or type(layer) is not nn.Conv2d or x.device.type != "cpu":
        return False
    recorded = torch.is_grad_enabled() or torch.compiler.is_compiling() or torch.jit.is_tracing()
    onednn = torch.backends.mkldnn
    usable = onednn.is_available() and onednn.enabled
    if recorded or torch.is_autocast_enabled("cpu") or not usable:
        return False
    # In bf16 torch falls back, for some shapes, to a sum that it does not have.
    same = {x.dtype, layer.weight.dtype, plus.dtype} == {torch.float32}
    return (
        same and layer.padding_mode == "zeros" and not isinstance(layer.padding, str) and len(x) > 0
    )
