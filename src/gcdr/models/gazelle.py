"""Gaze-LLE: where people look, from one frozen feature map an image (Ryan et al., CVPR 2025).

Attribute names are the parameter names of released checkpoints.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gcdr.base.errors import InputError
from gcdr.data.views import Colours
from gcdr.models.backbone import Backbone, build_backbone, check_sizes
from gcdr.models.from_timm import Block
from gcdr.models.gazelle_config import GazelleConfig
from gcdr.models.interface import GazeInputs, GazeModel, GazeOutput, Needs
from gcdr.models.objectives import map_cross_entropy
from gcdr.models.precision import in_precision

BACKBONE = "backbone"
INOUT = ("inout_token.", "inout_head.")
TEMPERATURE = 10000.0
NORM_EPS = 1e-5
DROPOUT = 0.1
CACHED = 256  # tokens a person


class MapHead(nn.Sequential):
    """Tokens to logits of a map: a transposed convolution and a 1x1 convolution.

    No nonlinearity stands between the two, so they are applied as the one matrix that they make: each
    token gives ``upsample`` x ``upsample`` cells.
    """

    def __init__(self, width: int, upsample: int) -> None:
        super().__init__(
            nn.ConvTranspose2d(width, width, upsample, upsample), nn.Conv2d(width, 1, 1, bias=False)
        )
        self.upsample = upsample

    def forward(self, tokens: Tensor, grid: tuple[int, int]) -> Tensor:
        """(N, rows * columns, C) to (N, rows * upsample, columns * upsample)."""
        spread, last = self[0], self[1].weight.flatten()  # weights (C, C, u, u) and (C,)
        weight = torch.einsum("iouv,o->uvi", spread.weight, last).flatten(0, 1)  # (u * u, C)
        cells = F.linear(tokens, weight) + spread.bias @ last  # (N, rows * columns, u * u)
        cells = cells.transpose(1, 2).unflatten(2, grid)
        return F.pixel_shuffle(cells, self.upsample)[:, 0]


class Gazelle(GazeModel):
    """A frozen backbone, and a decoder that is told by a learned vector where the head is.

    An image is encoded once, however many people are in it.

    Args:
        config: sizes.
        backbone: a backbone of these sizes; by default the one that ``config`` names, with initial
            weights.
    """

    kind: ClassVar[str] = "gazelle"

    def __init__(self, config: GazelleConfig, backbone: Backbone | None = None) -> None:
        super().__init__()
        self.config = config
        self.backbone = build_backbone(config) if backbone is None else backbone
        check_sizes(self.backbone, config)
        width = config.width
        self.register_buffer("pos_embed", sinusoids(width, *config.grid))
        self.linear = nn.Conv2d(config.channels, width, 1)
        self.head_token = nn.Embedding(1, width)
        block = partial(
            Block, drop_path=config.drop_path, norm_layer=partial(nn.LayerNorm, eps=NORM_EPS)
        )
        self.transformer = nn.Sequential(
            *(block(width, config.heads) for _ in range(config.blocks))
        )
        self.heatmap_head = MapHead(width, config.upsample)
        if config.inout:
            self.inout_token = nn.Embedding(1, width)
            self.inout_head = nn.Sequential(
                nn.Linear(width, config.inout_channels),
                nn.ReLU(),
                nn.Dropout(DROPOUT),
                nn.Linear(config.inout_channels, 1),
            )

    @property
    def needs(self) -> Needs:
        return Needs(tokens=True, per="image")

    @property
    def input_size(self) -> int:
        return self.config.input_size

    @property
    def colours(self) -> Colours:
        return self.backbone.colours

    @property
    def map_size(self) -> int:
        return self.config.map_size

    @property
    def objective(self) -> Callable[[Tensor, Tensor], Tensor]:
        return map_cross_entropy

    @property
    def tells_in_frame(self) -> bool:
        return self.config.inout

    @property
    def token_shape(self) -> tuple[int, int, int]:
        return (self.config.channels, *self.backbone.grid)

    def encode(self, images: Tensor) -> Tensor:
        """Pictures (M, 3, S, S), normalised colours, to the backbone's features (M, C, rows, columns)."""
        self.backbone.precision = getattr(self, "precision", torch.float32)
        return self.backbone(images)

    @in_precision
    def forward(self, inputs: GazeInputs) -> GazeOutput:
        """Predict heatmaps in [0, 1] of the people, and in-frame logits with ``inout``.

        Args:
            inputs: ``images``, or in their place ``tokens`` that ``encode`` returned; ``image_of`` and
                ``head_box``. A person without a head box (NaN) is given no head vector.

        Raises:
            InputError: neither or both of images and tokens are given, or they have other sizes.
        """
        _, tokens = self.decoder_tokens(inputs)
        in_frame = None
        if self.config.inout:
            in_frame = self.inout_head(tokens[:, 0]).squeeze(1).float()
            tokens = tokens[:, 1:]
        heatmap = self.heatmap_head(tokens, tuple(self.config.grid)).float().sigmoid()
        return GazeOutput(heatmap=resize_maps(heatmap, self.config.map_size), in_frame=in_frame)

    @property
    def output_heads(self) -> Mapping[str, nn.Module]:
        heads = {"heatmap_head": self.heatmap_head}
        return heads | ({"inout_head": self.inout_head} if self.config.inout else {})

    def decoder_tokens(self, inputs: GazeInputs) -> tuple[Tensor, Tensor]:
        """Tokens of the people before and after the blocks, each as ``prompted`` says.

        Raises:
            InputError: as ``forward``.
        """
        first = self.prompted(self._features(inputs), inputs.image_of, inputs.head_box)
        return first, self._decoded(first)

    def prompted(self, features: Tensor, image_of: Tensor, head_box: Tensor) -> Tensor:
        """What the first block sees.

        Args:
            features: (M, C, rows, columns) of the backbone.
            image_of: (N,) int64.
            head_box: (N, 4) in 0..1, NaN where there is none.

        Returns:
            (N, rows * columns, width), or with ``inout`` (N, 1 + rows * columns, width), that token first.
        """
        images = self.linear(features) + self.pos_embed
        images = images.flatten(2).transpose(1, 2)  # (M, rows * columns, width)
        heads = head_maps(head_box, *self.config.grid).flatten(1).to(images.dtype)
        tokens = images[image_of] + heads[:, :, None] * self.head_token.weight
        if not self.config.inout:
            return tokens
        first = self.inout_token.weight.to(tokens.dtype).expand(tokens.shape[0], 1, -1)
        return torch.cat([first, tokens], dim=1)

    def _decoded(self, tokens: Tensor) -> Tensor:
        """The blocks; on a CPU person by person where their tokens are many, to stay in its cache."""
        # A graph that is exported must not fix how many people there are.
        if torch.compiler.is_exporting() or torch.is_grad_enabled():
            return self.transformer(tokens)
        many = tokens.shape[1] >= CACHED and len(tokens) > 1
        if not many or tokens.device.type != "cpu":
            return self.transformer(tokens)
        return torch.cat([self.transformer(person) for person in tokens.split(1)])

    def stored_state(self) -> dict[str, Tensor]:
        """``decoder_state``: the backbone lies in its own file."""
        return self.decoder_state()

    def decoder_state(self) -> dict[str, Tensor]:
        """The tensors of a decoder's checkpoint: all but the backbone's; 40, or 45 with ``inout``."""
        state = self.state_dict()
        return {name: value for name, value in state.items() if not name.startswith(BACKBONE)}

    def _features(self, inputs: GazeInputs) -> Tensor:
        if (inputs.images is None) == (inputs.tokens is None):
            found = "neither" if inputs.images is None else "both"
            raise InputError(f"images and tokens: found {found}, expected one of them")
        if inputs.tokens is None:
            return self.encode(inputs.images)
        expected = [self.config.channels, *self.config.grid]
        if list(inputs.tokens.shape[1:]) != expected:
            raise InputError(f"tokens: found {list(inputs.tokens.shape[1:])}, expected {expected}")
        return inputs.tokens.to(self.pos_embed.dtype)


def sinusoids(width: int, rows: int, columns: int) -> Tensor:
    """The fixed table of positions.

    Returns:
        (width, rows, columns) float32: the first half of the channels encodes the column, the second
        the row; in each half channel 2k is the sine and 2k + 1 the cosine of
        index * 10000 ** (-2k / (width / 2)).
    """
    half = width // 2
    frequency = TEMPERATURE ** (-torch.arange(0, half, 2, dtype=torch.float64) / half)

    def waves(count: int) -> Tensor:
        angle = frequency[:, None] * torch.arange(count)  # (width / 4, count)
        return torch.stack([angle.sin(), angle.cos()], dim=1).flatten(0, 1)  # (width / 2, count)

    x = waves(columns)[:, None, :].expand(-1, rows, -1)
    y = waves(rows)[:, :, None].expand(-1, -1, columns)
    return torch.cat([x, y]).float()


def head_maps(head_box: Tensor, rows: int, columns: int) -> Tensor:
    """Which cells of a grid a head covers.

    Edges are rounded to whole cells, half to even, upper ones exclusive, and used as Python's slices
    are: past the end is cut, a negative one counts from the end. A small box may cover no cell at all.

    Args:
        head_box: (N, 4) x0, y0, x1, y1 in 0..1; NaN where there is none.

    Returns:
        (N, rows, columns) float32 of 0 and 1.
    """

    def covered(lower: Tensor, upper: Tensor, count: int) -> Tensor:
        index = torch.arange(count, device=head_box.device)
        low, high = (_slice_edge(edge, count)[:, None] for edge in (lower, upper))
        return (index >= low) & (index < high)  # (N, count); NaN compares as false

    x0, y0, x1, y1 = head_box.unbind(1)
    inside = covered(y0, y1, rows)[:, :, None] & covered(x0, x1, columns)[:, None, :]
    return (inside & ~head_box.isnan().any(1)[:, None, None]).float()


def _slice_edge(edge: Tensor, count: int) -> Tensor:
    cell = torch.round(edge * count)
    return torch.where(cell < 0, (cell + count).clamp_min(0), cell)


def resize_maps(maps: Tensor, size: int) -> Tensor:
    """Maps (N, H, W) at (N, size, size): bilinear, antialiased where it shrinks."""
    if tuple(maps.shape[-2:]) == (size, size):
        return maps
    return F.interpolate(
        maps[:, None], (size, size), mode="bilinear", antialias=True, align_corners=False
    )[:, 0]
