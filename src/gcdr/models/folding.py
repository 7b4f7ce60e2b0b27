"""Models that are only asked: batch norms folded into the convolutions before them."""

from copy import deepcopy
from itertools import chain, pairwise
from typing import TypeVar

import torch
from torch import nn
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
