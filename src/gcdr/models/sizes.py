"""Sizes of the models as frozen dataclasses that travel as JSON (no torch is needed to read them).

``paper()`` gives the sizes of Miao et al. (ECCV 2024), ``world()`` those of the demo world.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Self, TypeVar

from gcdr.base.errors import InputError
from gcdr.base.files import CHECKPOINTS
from gcdr.base.jsonconfig import JsonConfig

WEIGHTS_FILE, CARD_FILE = "model.safetensors", "model.json"
CONVLSTM = "convlstm_scene."  # before the names of the tensors of a model that follows tracks
SIGNAL = (
    0.02  # so small that tanh, four times in two layers, bends values of up to 5 by a hundredth
)
STAGES = 5
STEM_STRIDE = 4  # the first convolution and the max pool halve the picture once each


def weights_file(source: str | Path) -> Path:
    """The file of weights that a configuration names: a checkpoint itself, or that of a folder."""
    source = Path(source)
    return source if source.suffix in CHECKPOINTS else source / WEIGHTS_FILE


def backbone_file(source: str | Path) -> Path:
    """The file of a frozen backbone: itself, or the weights of a folder."""
    source = Path(source)
    return source / WEIGHTS_FILE if source.is_dir() or not source.suffix else source


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise InputError(message)


@dataclass(frozen=True)
class TowersConfig(JsonConfig):
    """Sizes of the scene and head towers and of the attention between them.

    Attributes:
        input_size: side of scene, head mask and head crop in pixels.
        stem_kernel: kernel of the first convolution (odd).
        stem_width: its output channels.
        widths: inner width of the bottlenecks of the five stages; they put out ``expansion`` times
            as many channels.
        blocks: bottlenecks of the stages; 0 leaves a stage out.
        strides: stride of the first bottleneck of each stage.
        expansion: output channels over inner width of a bottleneck.
        mask_pools: 3x3/2 max pools of the head mask before the attention.
        gradcam_size: side of the Grad-CAM map the attention also sees (VAT-GC), or None (VAT).
        gradcam_pools: 3x3/2 max pools of the Grad-CAM map before the attention.
        head_mask: "padded", the mask shows the padded and jittered head box that the crop shows (paper's
            code), or "box", the head box itself.
        depth: whether scene tower and attention also see the depth of the image (Miao et al. 2023).
    """

    input_size: int = 224
    stem_kernel: int = 7
    stem_width: int = 64
    widths: tuple[int, ...] = (64, 128, 256, 512, 256)
    blocks: tuple[int, ...] = (3, 4, 6, 3, 2)
    strides: tuple[int, ...] = (1, 2, 2, 2, 1)
    expansion: int = 4
    mask_pools: int = 3
    gradcam_size: int | None = None
    gradcam_pools: int = 2
    head_mask: Literal["padded", "box"] = "padded"
    depth: bool = False

    def __post_init__(self) -> None:
        for name in ("widths", "blocks", "strides"):
            found = getattr(self, name)
            _require(
                len(found) == STAGES, f"{name}: found {list(found)}, expected {STAGES} numbers"
            )
        _require(any(self.blocks), "blocks: found only zeros, expected at least one bottleneck")
        _require(self.stem_kernel % 2 == 1, "stem_kernel: expected an odd number")
        _require(
            min(self.input_size, self.stem_width, self.expansion) > 0, "sizes must be positive"
        )

    @property
    def tower_channels(self) -> int:
        """Output channels of one tower."""
        last = [w for w, blocks in zip(self.widths, self.blocks, strict=True) if blocks][-1]
        return last * self.expansion

    @property
    def out_channels(self) -> int:
        """Channels of the concatenated scene and head features."""
        return 2 * self.tower_channels

    @property
    def feature_size(self) -> int:
        """Side of the feature maps in cells."""
        size = -(-self.input_size // 2)
        size = -(-size // 2)
        for stride, blocks in zip(self.strides, self.blocks, strict=True):
            size = -(-size // stride) if blocks else size
        return size

    @property
    def attention_inputs(self) -> int:
        """Numbers the attention layer sees: pooled mask, depth and Grad-CAM, pooled head features."""
        mask = pooled_size(self.input_size, self.mask_pools) ** 2 * (1 + self.depth)
        gradcam = (
            pooled_size(self.gradcam_size, self.gradcam_pools) ** 2 if self.gradcam_size else 0
        )
        return mask + gradcam + self.tower_channels

    @classmethod
    def paper(cls, gradcam: bool = False) -> Self:
        """224 px, ResNet-50 with two more bottlenecks (VAT, Chong et al. 2020)."""
        return cls(gradcam_size=64 if gradcam else None)

    @classmethod
    def world(cls, gradcam: bool = False) -> Self:
        """56 px and narrow: made for one CPU thread."""
        return cls(
            input_size=56,
            stem_kernel=5,
            stem_width=16,
            widths=(8, 16, 16, 16, 32),
            blocks=(1, 1, 1, 0, 1),
            strides=(1, 2, 1, 1, 1),
            gradcam_size=32 if gradcam else None,
            head_mask="box",
        )

    @classmethod
    def frozen(cls) -> Self:
        """The scene tower of the world's frozen backbone: 112 px, since no head is shown larger."""
        world = cls.world()
        return replace(world, input_size=112, strides=(1, 2, 2, 1, 1))


def pooled_size(size: int, pools: int) -> int:
    """Side of a map of side ``size`` after ``pools`` max pools of 3x3, stride 2, padding 1."""
    for _ in range(pools):
        size = -(-size // 2)
    return size


@dataclass(frozen=True)
class VATConfig(JsonConfig):
    """Sizes of a gaze model of the VAT kind.

    Attributes:
        towers: the two towers and their attention.
        compress: channels after the two 1x1 convolutions between towers and decoder.
        decoder_channels, decoder_kernels, decoder_strides: one number a transposed convolution
            (no padding); the last one must have 1 channel.
        inout: whether the model also has an in-frame head.
        inout_channels: inner channels of that head.
    """

    towers: TowersConfig = field(default_factory=TowersConfig)
    compress: tuple[int, ...] = (1024, 512)
    decoder_channels: tuple[int, ...] = (256, 128, 1)
    decoder_kernels: tuple[int, ...] = (3, 3, 4)
    decoder_strides: tuple[int, ...] = (2, 2, 2)
    inout: bool = True
    inout_channels: int = 512

    def __post_init__(self) -> None:
        _require(len(self.compress) == 2, "compress: expected two numbers")
        lengths = {len(self.decoder_channels), len(self.decoder_kernels), len(self.decoder_strides)}
        _require(len(lengths) == 1, "decoder: channels, kernels and strides differ in length")
        _require(self.decoder_channels[-1:] == (1,), "decoder_channels: the last number must be 1")

    @property
    def map_size(self) -> int:
        """Side of the output heatmap in cells."""
        size = self.towers.feature_size
        for kernel, stride in zip(self.decoder_kernels, self.decoder_strides, strict=True):
            size = (size - 1) * stride + kernel
        return size

    @classmethod
    def paper(cls, gradcam: bool = False) -> Self:
        """VAT as the paper uses it (64x64 heatmaps), or VAT-GC with ``gradcam``."""
        return cls(towers=TowersConfig.paper(gradcam))

    @classmethod
    def world(cls, gradcam: bool = False) -> Self:
        """The same model for the demo world: 32x32 heatmaps, no in-frame head."""
        return cls(
            towers=TowersConfig.world(gradcam),
            compress=(64, 64),
            decoder_channels=(32, 1),
            decoder_kernels=(3, 4),
            decoder_strides=(2, 2),
            inout=False,
        )


@dataclass(frozen=True)
class VideoVATConfig(VATConfig):
    """Sizes of VAT's video model: those of VAT, and of its ConvLSTM, which keeps ``compress[1]`` channels.

    Attributes:
        layers: layers of the ConvLSTM.
        dropout: share of the values between its layers that training leaves out.
        signal: factor of what the ConvLSTM is given, by which its output is divided; 1 as released. A small
            one lets first weights hand on what they are given, which its tanh would bend otherwise.
        norms: "always", batch norms are applied to every frame, or "reference", those of the towers' blocks
            and of the decoder are left out in a call of exactly one frame, as the authors' code does, so that
            a frame's map depends on how many are asked together.
    """

    layers: int = 2
    dropout: float = 0.5
    signal: float = 1.0
    norms: Literal["always", "reference"] = "always"


@dataclass(frozen=True)
class DenoiserConfig(JsonConfig):
    """Sizes of the conditional U-Net that predicts a clean heatmap from a noisy one.

    Attributes:
        towers: the default feature extractor.
        map_size: side of the heatmaps in cells, a multiple of patch * 2 ** (levels - 1).
        patch: the network sees patches of ``patch`` x ``patch`` cells as one cell with as many
            channels; 1 in the paper, 2 makes it about four times cheaper.
        base_width: channels of the finest level.
        multipliers: channels of each level over ``base_width``, finest level first.
        residual_blocks: residual blocks a level on the way down (one more on the way up).
        attention_levels: levels with self-attention (0 is the finest); the middle always has it.
        heads: attention heads.
        norm: "group" (paper) or "batch" (cheaper on CPUs).
        groups: groups of the group norm.
        head: "plain", the network's output is the heatmap (paper), or "mass", it is a distribution
            over cells that is blurred by the label's Gaussian, so no prediction is blank.
        sigma: standard deviation of that Gaussian in cells ("mass" only).
        features: "towers" conditions the network on the picture, "none" leaves it blind to it.
    """

    towers: TowersConfig = field(default_factory=TowersConfig)
    map_size: int = 64
    patch: int = 1
    base_width: int = 64
    multipliers: tuple[int, ...] = (1, 2, 3, 4)
    residual_blocks: int = 2
    attention_levels: tuple[int, ...] = (2, 3)
    heads: int = 4
    norm: Literal["group", "batch"] = "group"
    groups: int = 32
    head: Literal["plain", "mass"] = "plain"
    sigma: float = 3.0
    features: Literal["towers", "none"] = "towers"

    def __post_init__(self) -> None:
        _require(len(self.multipliers) > 0, "multipliers: expected at least one number")
        _require(self.patch > 0, "patch: expected a positive number")
        factor = self.patch * 2 ** (len(self.multipliers) - 1)
        _require(self.map_size % factor == 0, f"map_size: expected a multiple of {factor}")
        for width in self.widths:
            if self.norm == "group":
                _require(width % self.groups == 0, f"width {width}: not a multiple of groups")
        for level in self.attention_levels:
            _require(level in range(len(self.widths)), f"attention_levels: no level {level}")
        _require(self.widths[-1] % self.heads == 0, "heads: must divide the coarsest width")
        _require(self.base_width % 2 == 0, "base_width: expected an even number")
        _require(self.sigma > 0, "sigma: expected a positive number")

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of each level, finest first."""
        return tuple(self.base_width * multiplier for multiplier in self.multipliers)

    @property
    def coarsest_size(self) -> int:
        """Side of the coarsest level in cells."""
        return self.map_size // (self.patch * 2 ** (len(self.multipliers) - 1))

    @classmethod
    def paper(cls) -> Self:
        """The paper's denoiser for 64x64 heatmaps."""
        return cls()

    @classmethod
    def world(cls) -> Self:
        """A small one for the demo world's 32x32 heatmaps, with the mass-preserving head."""
        return cls(
            towers=TowersConfig.world(),
            map_size=32,
            patch=2,
            base_width=16,
            multipliers=(1, 2),
            residual_blocks=1,
            attention_levels=(),
            heads=2,
            norm="batch",
            head="mass",
        )


@dataclass(frozen=True)
class VideoDenoiserConfig(DenoiserConfig):
    """Sizes of the denoiser of tracks: those of the denoiser, and of its ConvLSTM of ``widths[-1]`` channels.

    Attributes:
        layers: layers of the ConvLSTM.
        dropout: share of the values between its layers that training leaves out.
        signal: factor of what the ConvLSTM is given, by which its output is divided; 1 as released. A small
            one lets first weights hand on what they are given, which its tanh would bend otherwise.
    """

    layers: int = 2
    dropout: float = 0.5
    signal: float = 1.0


VideoT = TypeVar("VideoT", VideoVATConfig, VideoDenoiserConfig)


def beginning(config: VideoT) -> VideoT:
    """Sizes of a model that follows tracks and has no weights yet, or those of a model of pictures.

    What a network as small as the demo world's keeps of a picture has no values to spare for a dropout.
    """
    small = config.towers.input_size < TowersConfig.paper().input_size
    return replace(config, signal=SIGNAL, dropout=0.0 if small else config.dropout)
