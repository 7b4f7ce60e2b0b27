"""Where somebody looks and what is there (Tafasca et al., NeurIPS 2024).

Attribute names are the parameter names of released checkpoints.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gcdr.base.errors import InputError
from gcdr.models.from_timm import BasicBlock, Block, ResNet
from gcdr.models.gazelle import resize_maps
from gcdr.models.interface import Colours, GazeInputs, GazeModel, GazeOutput, Needs
from gcdr.models.objectives import squared_error
from gcdr.models.precision import in_precision
from gcdr.models.semgaze_config import SemgazeConfig
from gcdr.models.semgaze_decoder import GazeDecoder
from gcdr.models.sizes import TowersConfig
from gcdr.models.towers import TOWERS, GazeFeatures

ENCODER_NORM_EPS = 1e-6
TEMPERATURE = 10000.0
LOGIT_SCALE = math.log(1 / 0.07)
LOGIT_SCALE_MOST = 4.6052
TOKEN_STD = 0.02
PREFIX, SCALE = "model.", "logit_scale"
RESNET_CHANNELS = 512


class Tower(nn.Module):
    """One of the towers of the demo world's VAT, by the parameter names that it has there."""

    def __init__(self, which: str, config: TowersConfig) -> None:
        super().__init__()
        self.which, self.channels = which, config.tower_channels
        self.tower = GazeFeatures(config)
        self.tower.attn = nn.Identity()
        for name, _ in list(self.tower.named_children()):
            if name.endswith(tuple(f"_{other}" for other in TOWERS if other != which)):
                delattr(self.tower, name)

    def forward(self, images: Tensor) -> Tensor:
        """Pictures (N, 3, S, S) to features (N, C, h, w); nobody in them is pointed out."""
        if self.which == "face":
            return self.tower.head_features(images)
        return self.tower.scene_features(images, torch.zeros_like(images[:, :1]))


class ImageTokenizer(nn.Module):
    """Pictures to tokens: patches, or cells of a tower, and a fixed table of positions that is stored."""

    def __init__(self, config: SemgazeConfig) -> None:
        super().__init__()
        channels, patch = 3, config.input_size // config.grid
        if config.scene == "towers":
            self.tower = Tower("scene", TowersConfig.world())
            channels, patch = self.tower.channels, 1
        self.proj = nn.Conv2d(channels, config.width, patch, patch)
        self.register_buffer("pos_emb", position_table(config.width, config.grid))

    def forward(self, images: Tensor) -> Tensor:
        """(M, 3, S, S) to (M, C, rows, columns)."""
        if hasattr(self, "tower"):
            images = self.tower(images)
        cells = self.proj(images)
        table = self.pos_emb
        if table.shape[2:] != cells.shape[2:]:
            table = F.interpolate(table, cells.shape[2:], mode="bicubic", align_corners=False)
        return cells + table


class ImageEncoder(nn.Module):
    """Transformer blocks without a last norm; a token that belongs to no place goes along with the cells."""

    def __init__(self, config: SemgazeConfig) -> None:
        super().__init__()
        norm = partial(nn.LayerNorm, eps=ENCODER_NORM_EPS)
        self.global_tokens = nn.Parameter(torch.empty(1, 1, config.width))
        nn.init.trunc_normal_(self.global_tokens, std=TOKEN_STD)
        self.encoder = nn.Sequential(
            *(
                Block(config.width, config.encoder_heads, qkv_bias=True, norm_layer=norm)
                for _ in range(config.blocks)
            )
        )

    def forward(self, tokens: Tensor) -> Tensor:
        """(M, T, C) to (M, T, C)."""
        extra = self.global_tokens.to(tokens.dtype).expand(len(tokens), -1, -1)
        return self.encoder(torch.cat([tokens, extra], 1))[:, : tokens.shape[1]]


class GazeEncoder(nn.Module):
    """Head crops and boxes to a token a person, and the direction in which they look."""

    def __init__(self, config: SemgazeConfig) -> None:
        super().__init__()
        width, channels = config.width, RESNET_CHANNELS
        if config.scene == "towers":
            tower = Tower("face", TowersConfig.world())
            channels, layers = tower.channels, [tower]
        else:
            network = ResNet(BasicBlock, (2, 2, 2, 2), num_classes=0)
            layers = list(network.children())[:-2]  # neither the pooling nor the classes
        self.backbone = nn.Sequential(*layers)
        self.gaze_proj = nn.Sequential(
            nn.Linear(channels, width), nn.ReLU(), nn.Linear(width, width)
        )
        self.pos_proj = nn.Linear(4, width)
        self.gaze_predictor = nn.Sequential(
            nn.Linear(channels, channels), nn.ReLU(), nn.Linear(channels, 2), nn.Tanh()
        )

    def forward(self, heads: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
        """Head crops (N, 3, S, S) and boxes (N, 4) in 0..1 to tokens (N, C) and directions (N, 2)."""
        features = self.backbone(heads).mean((2, 3))
        token = self.gaze_proj(features) + self.pos_proj(boxes)
        return token, F.normalize(self.gaze_predictor(features).float(), dim=-1)


class Semgaze(GazeModel):
    """A picture is encoded once; everybody in it is decoded alone, or all together.

    Attributes:
        logit_scale: logarithm of what label similarities are multiplied by in the objective.
    """

    kind: ClassVar[str] = "semgaze"

    def __init__(self, config: SemgazeConfig) -> None:
        super().__init__()
        self.config = config
        self.logit_scale = nn.Parameter(torch.tensor(LOGIT_SCALE))
        self.gaze_encoder = GazeEncoder(config)
        self.image_tokenizer = ImageTokenizer(config)
        self.encoder = ImageEncoder(config)
        self.gaze_decoder = GazeDecoder(config)

    @property
    def needs(self) -> Needs:
        return Needs(crop=True, per="image")

    @property
    def input_size(self) -> int:
        return self.config.input_size

    @property
    def crop_size(self) -> int:
        return self.config.crop_size

    @property
    def map_size(self) -> int:
        return self.config.map_size

    @property
    def squared_heads(self) -> bool:
        return self.config.scene == "patches"

    @property
    def colours(self) -> Colours:
        return self.config.mean, self.config.std

    @property
    def objective(self) -> Callable[[Tensor, Tensor], Tensor]:
        return squared_error

    @torch.no_grad()
    def before_step(self) -> None:
        """Hold the logit scale in 0 to ln 100."""
        self.logit_scale.clamp_(0, LOGIT_SCALE_MOST)

    def released_state(self) -> dict[str, Tensor]:
        """As Lightning has them: ``model.`` before all but the logit scale."""
        state = self.state_dict()
        return {name if name == SCALE else PREFIX + name: value for name, value in state.items()}

    @property
    def tells_in_frame(self) -> bool:
        return self.config.inout

    @in_precision
    def forward(self, inputs: GazeInputs) -> GazeOutput:
        """Unbounded heatmaps, directions, label embeddings and perhaps in/out logits of the people.

        Args:
            inputs: ``images``, ``image_of``, ``head_box`` and ``head_crop``. A box that is zero or NaN with a
                crop of zeros is somebody who is not there, and counts like any other.

        Raises:
            InputError: images or crops lack.
        """
        if inputs.images is None or inputs.head_crop is None:
            lacking = "images" if inputs.images is None else "head crops"
            raise InputError(f"{lacking}: found none, the model needs them")
        tokens, vector = self.gaze_encoder(inputs.head_crop, inputs.head_box.nan_to_num(0.0))
        decoded = self._decoded(tokens, self.scene_tokens(inputs.images), inputs.image_of)
        maps, labels, *inside = (one.float() for one in decoded if one is not None)
        return GazeOutput(
            heatmap=resize_maps(maps, self.config.map_size),
            in_frame=inside[0][:, 0] if inside else None,
            gaze_vector=vector,
            label_embedding=labels,
        )

    def attention(self, inputs: GazeInputs) -> Tensor | None:
        """See :meth:`gcdr.models.interface.GazeModel.attention`; None of people who are decoded together."""
        if self.config.people != "apart" or inputs.images is None or inputs.head_crop is None:
            return None
        tokens, _ = self.gaze_encoder(inputs.head_crop, inputs.head_box.nan_to_num(0.0))
        image = self.scene_tokens(inputs.images)[inputs.image_of]
        return self.gaze_decoder.attention(tokens[:, None], image)[:, 0]

    def scene_tokens(self, images: Tensor) -> Tensor:
        """Pictures (M, 3, S, S) to the tokens (M, T, C) that everybody in them is decoded from."""
        return self.encoder(self.image_tokenizer(images).flatten(2).transpose(1, 2))

    def _decoded(self, people: Tensor, image: Tensor, image_of: Tensor) -> list[Tensor | None]:
        """What the decoder says, a row a person, of their tokens (N, C) and of their pictures' (M, T, C)."""
        if self.config.people == "apart":
            found = self.gaze_decoder(people[:, None], image[image_of])
            return [one if one is None else one[:, 0] for one in found]
        groups = [torch.nonzero(image_of == index).flatten() for index in range(len(image))]
        groups = [group for group in groups if len(group)]
        each = [self.gaze_decoder(people[g][None], image[image_of[g[:1]]]) for g in groups]
        back = torch.cat(groups).argsort()
        parts = zip(*each, strict=True)
        return [None if one[0] is None else torch.cat([p[0] for p in one])[back] for one in parts]


def position_table(width: int, side: int) -> Tensor:
    """The table of positions as it is constructed; training starts from another one, which is stored.

    Returns:
        (1, width, side, side) float32: quarters of the channels are sine and cosine of the row, sine and
        cosine of the column, each of frequencies 10000 ** (-k / (width / 4)).
    """
    quarter = width // 4
    frequency = TEMPERATURE ** (-torch.arange(quarter, dtype=torch.float64) / quarter)
    angle = frequency[:, None] * torch.arange(side)  # (quarter, side)
    waves = torch.cat([angle.sin(), angle.cos()])  # (width / 2, side)
    rows = waves[:, :, None].expand(-1, -1, side)
    columns = waves[:, None, :].expand(-1, side, -1)
    return torch.cat([rows, columns])[None].float()


def pretrained_table(table: Tensor, side: int) -> Tensor:
    """A table of positions (1, C, n, n) of a pretrained encoder as training starts from it: bilinear."""
    if table.shape[-1] == side:
        return table
    return F.interpolate(table, (side, side), mode="bilinear", align_corners=False)
