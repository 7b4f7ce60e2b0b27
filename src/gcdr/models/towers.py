"""Scene tower, head tower and the attention between them (VAT, Chong et al. 2020; ECCV 2024, 3.2).

With depth they are those of Miao et al. (WACV 2023; ECCV 2024, S9).

Attribute names are the parameter names of released VAT checkpoints.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gcdr.base.errors import InputError
from gcdr.models.folding import rectified
from gcdr.models.interface import GazeInputs
from gcdr.models.sizes import TowersConfig

TOWERS = {"scene": 4, "face": 3}
"""Input channels of the towers: colours and head mask, colours."""


class Bottleneck(nn.Module):
    """Residual block 1x1, 3x3 (with the stride), 1x1; ReLU after the sum (He et al. 2016)."""

    def __init__(
        self,
        channels: int,
        width: int,
        stride: int,
        expansion: int,
        norm: type[nn.BatchNorm2d] = nn.BatchNorm2d,
    ) -> None:
        super().__init__()
        out = width * expansion
        self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
        self.bn1 = norm(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = norm(width)
        self.conv3 = nn.Conv2d(width, out, 1, bias=False)
        self.bn3 = norm(out)
        self.downsample = (
            nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))
            if stride != 1 or channels != out
            else None
        )

    def shortcut(self, x: Tensor) -> Tensor:
        """What is added to the block's output."""
        return x if self.downsample is None else self.downsample(x)

    def forward(self, x: Tensor) -> Tensor:
        shortcut = self.shortcut(x)
        x = rectified(x, self.conv1, self.bn1)
        x = rectified(x, self.conv2, self.bn2)
        return rectified(x, self.conv3, self.bn3, shortcut)


class GazeFeatures(nn.Module):
    """Features of a scene as seen by one person: the conditioning of both VAT and the denoiser.

    The head tower and the pooled head mask (in VAT-GC a Grad-CAM map too, and where there is depth that)
    decide softmax weights over the cells of the scene features; weighted scene and head features are
    concatenated.

    Args:
        config: sizes.
        block: the towers' residual blocks: (channels, width, stride, expansion) to a module.
    """

    def __init__(
        self, config: TowersConfig, block: Callable[[int, int, int, int], nn.Module] = Bottleneck
    ) -> None:
        super().__init__()
        self.towers_config = config
        self.out_channels = config.out_channels
        for name, channels in TOWERS.items():
            seen = channels + (config.depth and name == "scene")
            self._add_tower(name, seen, block)
        self.attn = nn.Linear(config.attention_inputs, config.feature_size**2)
        self.apply(init_convolutions)

    def _add_tower(
        self, name: str, channels: int, block: Callable[[int, int, int, int], nn.Module]
    ) -> None:
        """Add the layers of one tower; attributes of this module, as in released checkpoints."""
        config = self.towers_config
        kernel, channels_in = config.stem_kernel, config.stem_width
        stem = nn.Conv2d(channels, channels_in, kernel, 2, kernel // 2, bias=False)
        self.add_module(f"conv1_{name}", stem)
        self.add_module(f"bn1_{name}", nn.BatchNorm2d(channels_in))
        stages = zip(config.widths, config.blocks, config.strides, strict=True)
        for number, (width, blocks, stride) in enumerate(stages, start=1):
            layers = []
            for index in range(blocks):
                step = stride if index == 0 else 1
                layers.append(block(channels_in, width, step, config.expansion))
                channels_in = width * config.expansion
            self.add_module(f"layer{number}_{name}", nn.Sequential(*layers))

    def _tower(self, name: str, x: Tensor) -> Tensor:
        stem, norm = self.get_submodule(f"conv1_{name}"), self.get_submodule(f"bn1_{name}")
        x = F.max_pool2d(rectified(x, stem, norm), 3, 2, 1)
        for number in range(1, len(self.towers_config.widths) + 1):
            x = self.get_submodule(f"layer{number}_{name}")(x)
        return x

    def scene_features(
        self, scene: Tensor, head_mask: Tensor, depth: Tensor | None = None
    ) -> Tensor:
        """Scene (N, 3, S, S), head mask and depth (N, 1, S, S) to features (N, C, h, w), no attention."""
        seen = [scene, head_mask] if depth is None else [scene, depth, head_mask]
        return self._tower("scene", torch.cat(seen, dim=1))

    def head_features(self, head_crop: Tensor) -> Tensor:
        """Head crop (N, 3, S, S) to features (N, C, h, w)."""
        return self._tower("face", head_crop)

    def features(self, inputs: GazeInputs) -> Tensor:
        """Conditioning features of people: from images, head masks, head crops and, in VAT-GC, prior maps.

        Returns:
            (N, out_channels, h, w) float: weighted scene features, then head features.

        Raises:
            InputError: a prior map is given to VAT or lacks for VAT-GC, or crop, mask or depth lacks.
        """
        mask, crop = (
            _required(inputs.head_mask, "head mask"),
            _required(inputs.head_crop, "head crop"),
        )
        sees_prior = self.towers_config.gradcam_size is not None
        if sees_prior != (inputs.prior is not None):
            found, expected = ("none", "one") if sees_prior else ("one", "none")
            raise InputError(f"Grad-CAM map: found {found}, the model takes {expected}")
        depth = None
        if self.towers_config.depth:
            depth = _required(inputs.depth, "depth", "image")[inputs.image_of]
        head = self.head_features(crop)
        seen = [
            pool(shown, self.towers_config.mask_pools)
            for shown in (mask, depth)
            if shown is not None
        ]
        if inputs.prior is not None:
            seen.append(pool(inputs.prior, self.towers_config.gradcam_pools))
        seen.append(head.mean(dim=(2, 3)))
        weights = self.attn(torch.cat(seen, dim=1)).softmax(dim=1)
        features = self.scene_features(inputs.scene, mask, depth)
        weighted = features * weights.view(-1, 1, *features.shape[2:])
        return torch.cat([weighted, head], dim=1)

    def forward(self, inputs: GazeInputs) -> Tensor:
        """``features``: what the denoiser asks of a feature extractor."""
        return self.features(inputs)


def _required(value: Tensor | None, what: str, whose: str = "person") -> Tensor:
    if value is None:
        raise InputError(f"{what}: found none, the model needs one of each {whose}")
    return value


def pool(maps: Tensor, pools: int) -> Tensor:
    """Max-pool (N, 1, S, S) maps ``pools`` times (3x3, stride 2, padding 1) and flatten them."""
    for _ in range(pools):
        maps = F.max_pool2d(maps, 3, 2, 1)
    return maps.flatten(1)


def init_convolutions(module: nn.Module) -> None:
    """VAT's initial convolution weights: normal, variance 2 / (kernel area * output channels)."""
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        area = module.kernel_size[0] * module.kernel_size[1]
        nn.init.normal_(module.weight, std=math.sqrt(2 / (area * module.out_channels)))
