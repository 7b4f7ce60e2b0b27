"""Sizes of Gaze-LLE as a frozen dataclass that travels as JSON (no torch is needed to read it)."""

from dataclasses import dataclass
from typing import Self

from gcdr.base.errors import InputError
from gcdr.base.jsonconfig import JsonConfig
from gcdr.models.vits import PATCHES, vit_sizes

WORLD = "world"
"""The backbone's name for the demo world's own (``assets/world/frozen``)."""


@dataclass(frozen=True)
class GazelleConfig(JsonConfig):
    """Sizes of a frozen backbone and of the decoder on it (Ryan et al., CVPR 2025).

    Attributes:
        backbone: a vision transformer by timm's name, or "world", the demo world's own.
        input_size: height of the pictures in pixels; their width too, where the grid is square.
        grid: rows and columns of the backbone's feature map in cells.
        channels: its channels.
        width: channels inside the decoder, a multiple of 4 (sine and cosine of x and of y).
        blocks: transformer blocks of the decoder.
        heads: their attention heads; must divide ``width``.
        upsample: map cells a side that the decoder makes of one cell of the grid.
        map_size: side of the heatmaps in cells, to which the decoder's map is resized.
        drop_path: share of people for whom a branch of a block is left out in training.
        inout: whether the model has an in-frame head.
        inout_channels: inner channels of that head.
    """

    backbone: str = "vit_base_patch14_dinov2"
    input_size: int = 448
    grid: tuple[int, ...] = (PATCHES, PATCHES)
    channels: int = 768
    width: int = 256
    blocks: int = 3
    heads: int = 8
    upsample: int = 2
    map_size: int = 64
    drop_path: float = 0.1
    inout: bool = False
    inout_channels: int = 128

    def __post_init__(self) -> None:
        sizes = ("input_size", "channels", "width", "blocks", "heads", "upsample", "map_size")
        _require(len(self.grid) == 2, f"grid: found {list(self.grid)}, expected rows and columns")
        for name, size in [
            ("grid", min(self.grid)),
            *((name, getattr(self, name)) for name in sizes),
        ]:
            _require(size > 0, f"{name}: found {size}, expected a positive number")
        _require(self.width % 4 == 0, f"width: found {self.width}, expected a multiple of 4")
        _require(
            self.width % self.heads == 0,
            f"heads: found {self.heads}, expected a divisor of the width {self.width}",
        )
        _require(
            self.input_size % self.grid[0] == 0,
            f"grid: found {self.grid[0]} rows, expected a divisor of input_size {self.input_size}",
        )
        _require(
            0 <= self.drop_path < 1, f"drop_path: found {self.drop_path}, expected 0 <= share < 1"
        )

    @property
    def picture_size(self) -> tuple[int, int]:
        """Height and width of the pictures in pixels."""
        rows, columns = self.grid
        return self.input_size, self.input_size // rows * columns

    @classmethod
    def paper(cls, inout: bool = False) -> Self:
        """DINOv2 ViT-B/14 at 448 px: 2,826,752 parameters that learn, 2,860,033 with ``inout``."""
        return cls(inout=inout)

    @classmethod
    def large(cls, inout: bool = False) -> Self:
        """DINOv2 ViT-L/14 at 448 px: 2,892,288 parameters that learn, 2,925,569 with ``inout``."""
        return cls(backbone="vit_large_patch14_dinov2", channels=1024, inout=inout)

    @classmethod
    def on(cls, vit: str, inout: bool = False) -> Self:
        """The same decoder on another vision transformer, by timm's name, at as many patches.

        Raises:
            InputError: its sizes are not known.
        """
        sizes = vit_sizes(vit)
        if sizes is None:
            raise InputError(
                f"backbone: found {vit!r}, expected a vision transformer by timm's name"
            )
        return cls(backbone=vit, input_size=sizes.pixels, channels=sizes.channels, inout=inout)

    @classmethod
    def world(cls, inout: bool = False) -> Self:
        """The same decoder, narrow, on the demo world's backbone: made for one CPU thread."""
        return cls(
            backbone=WORLD,
            input_size=112,
            grid=(7, 7),
            channels=128,
            width=64,
            blocks=2,
            heads=4,
            upsample=4,
            map_size=32,
            drop_path=0.0,
            inout=inout,
            inout_channels=32,
        )


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise InputError(message)
