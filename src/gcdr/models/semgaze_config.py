"""Sizes of the semantic gaze model as a frozen dataclass that travels as JSON; no torch is needed."""

from dataclasses import dataclass
from typing import Literal, Self

from gcdr.base.errors import InputError
from gcdr.base.jsonconfig import JsonConfig

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


@dataclass(frozen=True)
class SemgazeConfig(JsonConfig):
    """Sizes of the semantic gaze model (Tafasca et al., NeurIPS 2024).

    Attributes:
        scene: what makes tokens of a picture and features of a head: "patches" and a ResNet-18 (paper), or
            "towers", those of the demo world's VAT.
        input_size: side of the pictures in pixels.
        crop_size: side of the head crops in pixels.
        grid: side of the grid of image tokens.
        width: channels of a token.
        blocks: transformer blocks of the image encoder.
        encoder_heads: their attention heads; must divide ``width``.
        decoder_layers: of the two-way decoder.
        decoder_heads: its attention heads; must divide half of ``width``.
        decoder_inner: hidden units of its layers.
        label_width: numbers in a label embedding, those of the text tower.
        map_size: side of the heatmaps in cells, to which the decoder's four cells a token are resized.
        people: "apart", everybody is decoded alone, as the released numbers are; "together", the people of a
            picture are decoded in one pass and influence one another.
        inout: whether there is an in/out head, which the released model has not.
        mean, std: statistics by which colours are normalised.
    """

    scene: Literal["patches", "towers"] = "patches"
    input_size: int = 256
    crop_size: int = 224
    grid: int = 16
    width: int = 768
    blocks: int = 12
    encoder_heads: int = 12
    decoder_layers: int = 2
    decoder_heads: int = 8
    decoder_inner: int = 2048
    label_width: int = 512
    map_size: int = 64
    people: Literal["apart", "together"] = "apart"
    inout: bool = False
    mean: tuple[float, ...] = (0.44232, 0.40506, 0.36457)
    std: tuple[float, ...] = (0.28674, 0.27776, 0.27995)

    def __post_init__(self) -> None:
        for name in (
            *("input_size", "crop_size", "grid", "width", "encoder_heads", "decoder_layers"),
            *("decoder_heads", "decoder_inner", "label_width", "map_size"),
        ):
            _require(
                getattr(self, name) > 0,
                f"{name}: found {getattr(self, name)}, expected a positive number",
            )
        _require(self.width % 8 == 0, f"width: found {self.width}, expected a multiple of 8")
        for name, whole in (("encoder_heads", self.width), ("decoder_heads", self.width // 2)):
            _require(
                whole % getattr(self, name) == 0,
                f"{name}: found {getattr(self, name)}, expected a divisor of {whole}",
            )
        _require(
            self.input_size % self.grid == 0,
            f"grid: found {self.grid}, expected a divisor of input_size {self.input_size}",
        )
        for name in ("mean", "std"):
            _require(
                len(getattr(self, name)) == 3,
                f"{name}: found {list(getattr(self, name))}, expected one number a colour",
            )

    @classmethod
    def paper(cls) -> Self:
        """ViT-B/16 at 256 px and ResNet-18 at 224 px: 116,386,243 parameters that learn."""
        return cls()

    @classmethod
    def world(cls) -> Self:
        """The same, narrow, on the towers of the demo world's VAT: made for one CPU thread."""
        mean, std = IMAGENET
        return cls(
            scene="towers",
            input_size=56,
            crop_size=56,
            grid=7,
            width=64,
            blocks=2,
            encoder_heads=4,
            decoder_heads=4,
            decoder_inner=128,
            label_width=96,
            map_size=32,
            mean=mean,
            std=std,
        )


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise InputError(message)
