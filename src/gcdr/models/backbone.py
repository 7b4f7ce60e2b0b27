"""Backbones: pictures to feature maps, by a network that learned elsewhere and, where frozen, no more."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gcdr.base.errors import InputError
from gcdr.data.views import IMAGENET, Colours
from gcdr.models.from_timm import create_model, is_model
from gcdr.models.gazelle_config import WORLD, GazelleConfig
from gcdr.models.precision import in_precision
from gcdr.models.sizes import TowersConfig
from gcdr.models.towers import GazeFeatures

TABLE = "pos_embed"
UNUSED = ("mask_token", "head.")  # what stands for hidden patches in training, and a classifier
OFFSET = 0.1
NOT_SCENE = ("conv1_face", "bn1_face", *(f"layer{n}_face" for n in range(1, 6)), "attn")


class Backbone(nn.Module, ABC):
    """A network that is not trained: no gradient, always in eval mode, unless ``learn`` is asked of it.

    Its weights are under ``model``, by the names they have in files.

    Attributes:
        learns: whether it is trained with the model around it.
        grid: rows and columns of the feature map.
        channels: its channels.
        picture_size: height and width of the pictures in pixels.
        colours: mean and standard deviation by which its pictures' colours are normalised.
    """

    learns: bool = False
    colours: Colours = IMAGENET
    grid: tuple[int, int]
    channels: int
    picture_size: tuple[int, int]

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model.requires_grad_(False)
        self.eval()

    def train(self, mode: bool = True) -> "Backbone":
        """Stay in eval mode, whatever the model around it does, but for one that learns."""
        return super().train(mode and self.learns)

    def learn(self) -> Self:
        """The same network, trained with the model around it from now on."""
        self.learns = True
        self.requires_grad_(True)
        return self

    @in_precision
    def forward(self, images: Tensor) -> Tensor:
        """Pictures (M, 3, height, width), normalised colours, to features (M, C, rows, columns)."""
        if tuple(images.shape[-2:]) != self.picture_size:
            raise InputError(
                f"pictures: found {list(images.shape[-2:])} px, expected {list(self.picture_size)}"
            )
        if self.learns:
            return self.features(images).float()
        with torch.no_grad():
            return self.features(images).float()

    @abstractmethod
    def features(self, images: Tensor) -> Tensor:
        """What ``forward`` returns, in whatever precision the network computes."""

    @abstractmethod
    def prepared(self, weights: Mapping[str, Tensor], where: str) -> dict[str, Tensor]:
        """Tensors of a file as this network takes them; what does not fit is left for the loader."""


class ViT(Backbone):
    """The normalised patch tokens of a vision transformer of timm.

    Args:
        name: timm's name; its weights are loaded from a file, never fetched.
        picture_size: height and width of the pictures in pixels, multiples of the patch.
        sizes: other sizes than those that go with the name, by timm's argument names.

    Raises:
        InputError: timm has no vision transformer of that name, or not at that size.
    """

    def __init__(self, name: str, picture_size: tuple[int, int], **sizes: Any) -> None:
        super().__init__(_timm_model(name, picture_size, sizes))
        self.name = name
        self.picture_size = picture_size
        self.grid = tuple(self.model.patch_embed.grid_size)
        self.channels = self.model.embed_dim
        about = self.model.pretrained_cfg
        self.colours = tuple(about["mean"]), tuple(about["std"])

    def features(self, images: Tensor) -> Tensor:
        tokens = self.model.forward_features(images)  # (M, prefix + rows * columns, C)
        patches = tokens[:, self.model.num_prefix_tokens :]
        return patches.transpose(1, 2).unflatten(2, self.grid)  # (M, C, rows, columns)

    def prepared(self, weights: Mapping[str, Tensor], where: str) -> dict[str, Tensor]:
        """Without what no picture passes through, and with the position table of this grid."""
        weights = {name: one for name, one in weights.items() if not name.startswith(UNUSED)}
        own = getattr(self.model, TABLE, None)
        if own is None or TABLE not in weights or weights[TABLE].shape == own.shape:
            return weights
        prefix = own.shape[1] - math.prod(self.grid)
        exact = "dinov2" in self.name and "reg" not in self.name
        resample = resample_as_dinov2 if exact else _resample_as_timm
        return {**weights, TABLE: _resampled(weights[TABLE], self.grid, prefix, resample, where)}


class SceneTower(Backbone):
    """A scene tower (``GazeFeatures.scene_features``), pretrained for the demo world's nouns and heads.

    It takes a head mask beside the colours. A frozen backbone sees an image once and knows of no person,
    so the mask is zero everywhere: the tower's features of a scene in which nobody is pointed out.
    """

    def __init__(self, config: TowersConfig) -> None:
        towers = GazeFeatures(config)
        for name in NOT_SCENE:
            delattr(towers, name)
        super().__init__(towers)
        self.grid = (config.feature_size, config.feature_size)
        self.channels = config.tower_channels
        self.picture_size = (config.input_size, config.input_size)

    def features(self, images: Tensor) -> Tensor:
        return self.model.scene_features(images, torch.zeros_like(images[:, :1]))

    def prepared(self, weights: Mapping[str, Tensor], where: str) -> dict[str, Tensor]:
        """Without the head tower and the attention."""
        return {
            k: v for k, v in weights.items() if not k.startswith(tuple(f"{n}." for n in NOT_SCENE))
        }


def build_backbone(config: GazelleConfig) -> Backbone:
    """The backbone that a configuration names, with initial weights.

    Raises:
        InputError: there is no such backbone, or it has other sizes than the configuration.
    """
    backbone = (
        SceneTower(TowersConfig.frozen())
        if config.backbone == WORLD
        else ViT(config.backbone, config.picture_size)
    )
    check_sizes(backbone, config)
    return backbone


def check_sizes(backbone: Backbone, config: GazelleConfig) -> None:
    """Refuse a backbone of other sizes than the configuration's."""
    found = (backbone.picture_size, backbone.grid, backbone.channels)
    expected = (config.picture_size, tuple(config.grid), config.channels)
    for what, is_, should in zip(
        ("picture_size", "grid", "channels"), found, expected, strict=True
    ):
        if is_ != should:
            raise InputError(
                f"backbone {config.backbone}, {what}: found {is_}, configured {should}"
            )


def resample_as_dinov2(table: Tensor, rows: int, columns: int) -> Tensor:
    """A position table (1, C, n, n) at another grid, as DINOv2 without registers does it.

    Bicubic without antialiasing, by a scale factor (cells + 0.1) / n and not by a size. The factor also
    sets the sampled coordinates, so the tenth is seen in the result.

    Returns:
        (1, C, rows, columns).
    """
    side = table.shape[-1]
    if (rows, columns) == (side, side):
        return table
    scale = ((rows + OFFSET) / side, (columns + OFFSET) / side)
    return F.interpolate(table, scale_factor=scale, mode="bicubic", align_corners=False)


def _resample_as_timm(table: Tensor, rows: int, columns: int) -> Tensor:
    return F.interpolate(
        table, (rows, columns), mode="bicubic", antialias=True, align_corners=False
    )


def _resampled(
    table: Tensor, grid: tuple[int, int], prefix: int, resample: Any, where: str
) -> Tensor:
    """A stored table (1, prefix + n * n, C) at ``grid``: (1, prefix + rows * columns, C)."""
    cells = table.shape[1] - prefix if table.ndim == 3 else 0
    side = math.isqrt(max(cells, 0))
    if cells <= 0 or side * side != cells:
        raise InputError(
            f"{where}: {TABLE} has shape {list(table.shape)}, expected 1 x ({prefix} + n x n) x channels"
        )
    leading, square = table[:, :prefix].float(), table[:, prefix:].float()
    square = square.transpose(1, 2).unflatten(2, (side, side))  # (1, C, n, n)
    return torch.cat([leading, resample(square, *grid).flatten(2).transpose(1, 2)], dim=1)


def _timm_model(name: str, picture_size: tuple[int, int], sizes: dict[str, Any]) -> nn.Module:
    if not is_model(name):
        raise InputError(f"backbone: found {name!r}, expected a vision transformer by timm's name")
    try:
        model = create_model(name, pretrained=False, num_classes=0, img_size=picture_size, **sizes)
    except (TypeError, AssertionError, ValueError) as error:
        raise InputError(
            f"backbone {name}: not to be had at {picture_size} px ({error})"
        ) from error
    if not hasattr(model, "num_prefix_tokens") or not hasattr(model, "patch_embed"):
        raise InputError(
            f"backbone {name}: a {type(model).__name__}, expected a vision transformer"
        )
    return model
