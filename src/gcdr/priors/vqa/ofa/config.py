"""The sizes of OFA: the five released ones and one small enough to train on a laptop's CPU."""

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar

from gcdr.base.errors import InputError
from gcdr.base.plain import JsonTable

WHOLE = (
    "width", "ffn", "heads", "encoder_layers", "decoder_layers", "resnet_blocks", "resnet_width",
    "vocabulary", "token_bucket", "image_bucket", "max_positions", "image_size",
)  # fmt: skip
PATCH = 16
"""Side of an image token in pixels: the total stride of the convolutional stem."""


@dataclass(frozen=True)
class OFAConfig:
    """Architecture of an OFA (Wang et al., ICML 2022, Tab. 1; bucket sizes as released).

    Attributes:
        width: size of token vectors.
        ffn: hidden size of the feed-forward sublayers.
        heads: attention heads; ``width`` is a multiple of it.
        encoder_layers, decoder_layers: transformer depth.
        resnet_blocks: bottleneck blocks in the three stages of the image stem.
        resnet_width: channels after the stem's first convolution; it ends with 16 times as many.
        vocabulary: number of tokens.
        token_bucket: text distances beyond half of it share logarithmic buckets.
        image_bucket: rows and columns of the position table: the largest image grid.
        max_positions: longest text in tokens.
        image_size: side of the square input image in pixels, a multiple of 16.
        dropout: after embeddings and every sublayer; acts in training mode only.
        init_std: standard deviation of initial linear and embedding weights. 0.02 suits the released
            widths; on a narrow model it makes all first attention maps flat and learning slow.
        drop_path: stochastic depth; grows linearly from 0 to this rate over a stack's layers.
    """

    width: int
    ffn: int
    heads: int
    encoder_layers: int
    decoder_layers: int
    resnet_blocks: tuple[int, int, int]
    resnet_width: int = 64
    vocabulary: int = 59457
    token_bucket: int = 256
    image_bucket: int = 42
    max_positions: int = 1024
    image_size: int = 480
    dropout: float = 0.0
    drop_path: float = 0.0
    init_std: float = 0.02

    RELEASED: ClassVar[tuple[str, ...]] = ("tiny", "medium", "base", "large", "huge")

    def __post_init__(self) -> None:
        for name in WHOLE:
            value = getattr(self, name)
            if not all(type(one) is int and one > 0 for one in _each(value)):
                raise InputError(f"OFA {name}: found {value!r}, expected positive whole numbers")
        if len(self.resnet_blocks) != 3:
            raise InputError(f"OFA resnet_blocks: found {self.resnet_blocks!r}, expected 3 numbers")
        if self.width % self.heads:
            raise InputError(f"OFA width {self.width}: expected a multiple of heads {self.heads}")
        if self.image_size % PATCH or self.image_size > PATCH * self.image_bucket:
            raise InputError(
                f"OFA image_size {self.image_size}: expected a multiple of {PATCH}, "
                f"at most {PATCH * self.image_bucket}"
            )

    @property
    def grid(self) -> int:
        """Rows and columns of image tokens, and of the heatmaps."""
        return self.image_size // PATCH

    @property
    def image_channels(self) -> int:
        """Channels that the image stem hands to the transformer."""
        return 16 * self.resnet_width

    @classmethod
    def released(cls, size: str, **changes: Any) -> "OFAConfig":
        """A released size by its name.

        Raises:
            InputError: there is no such size.
        """
        if size not in cls.RELEASED:
            raise InputError(f"OFA size {size!r}: expected one of {', '.join(cls.RELEASED)}")
        return getattr(cls, size)(**changes)

    @classmethod
    def tiny(cls, **changes: Any) -> "OFAConfig":
        """33 M parameters."""
        return cls(**{**_released(256, 1024, 4, 4, 4, (3, 4, 6)), **changes})

    @classmethod
    def medium(cls, **changes: Any) -> "OFAConfig":
        """93 M parameters."""
        return cls(**{**_released(512, 2048, 8, 4, 4, (3, 4, 23)), **changes})

    @classmethod
    def base(cls, **changes: Any) -> "OFAConfig":
        """182 M parameters."""
        return cls(**{**_released(768, 3072, 12, 6, 6, (3, 4, 23)), **changes})

    @classmethod
    def large(cls, **changes: Any) -> "OFAConfig":
        """473 M parameters; the paper's model (Sec. 4.1)."""
        return cls(**{**_released(1024, 4096, 16, 12, 12, (3, 8, 36)), **changes})

    @classmethod
    def huge(cls, **changes: Any) -> "OFAConfig":
        """929 M parameters."""
        return cls(**{**_released(1280, 5120, 16, 24, 12, (3, 8, 36)), **changes})

    @classmethod
    def world(cls, **changes: Any) -> "OFAConfig":
        """0.7 M parameters: the demo world's model, the same architecture in small."""
        small = dict(
            _released(96, 192, 3, 3, 2, (1, 1, 1)),
            resnet_width=16,
            vocabulary=512,
            token_bucket=32,
            image_bucket=8,
            max_positions=64,
            image_size=128,
            init_std=0.1,
        )
        return cls(**{**small, **changes})

    def to_json(self) -> JsonTable:
        """A dictionary that JSON can hold and :meth:`from_json` reads."""
        return {**dataclasses.asdict(self), "resnet_blocks": list(self.resnet_blocks)}

    @classmethod
    def from_json(cls, content: Any, source: str = "OFA configuration") -> "OFAConfig":
        """The inverse of :meth:`to_json`.

        Raises:
            InputError: no mapping, a key is unknown or missing, or a size is no size; the message
                starts with ``source``.
        """
        if not isinstance(content, dict):
            raise InputError(f"{source}: found {content!r}, expected a mapping of settings")
        names = {field.name for field in dataclasses.fields(cls)}
        if unknown := sorted(set(content) - names):
            raise InputError(f"{source}: found key {unknown[0]!r}, expected {sorted(names)}")
        try:
            return cls(**{**content, "resnet_blocks": tuple(content["resnet_blocks"])})
        except (KeyError, TypeError) as error:
            raise InputError(f"{source}: incomplete ({error})") from error
        except InputError as error:
            raise InputError(f"{source}: {error}") from None


def _each(value: Any) -> tuple:
    return value if isinstance(value, tuple) else (value,)


def _released(
    width: int, ffn: int, heads: int, encoder: int, decoder: int, blocks: tuple[int, int, int]
) -> JsonTable:
    return {
        "width": width,
        "ffn": ffn,
        "heads": heads,
        "encoder_layers": encoder,
        "decoder_layers": decoder,
        "resnet_blocks": blocks,
    }
