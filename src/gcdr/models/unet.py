"""U-Net with self-attention that adds a context map in every residual block (ECCV 2024, 3.3).

The layout is that of guided diffusion (Dhariwal & Nichol 2021); attribute names are the parameter
names of released GCDR checkpoints. Levels count from 0, the finest.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gcdr.models.sizes import DenoiserConfig

MAX_PERIOD = 10_000.0
TIME_EXPANSION = 4


def time_sinusoids(time: Tensor, width: int) -> Tensor:
    """Sinusoidal embedding of times (N,) as (N, width) float32: cosines, then sines."""
    half = width // 2
    exponent = torch.arange(half, device=time.device, dtype=torch.float32) / half
    angles = time.float()[:, None] * torch.exp(-math.log(MAX_PERIOD) * exponent)
    return torch.cat([angles.cos(), angles.sin()], dim=1)


def _norm(config: DenoiserConfig, channels: int) -> nn.Module:
    if config.norm == "batch":
        return nn.BatchNorm2d(channels)
    return nn.GroupNorm(config.groups, channels)


def _zeroed(layer: nn.Module) -> nn.Module:
    """The layer with all parameters zero, so that its branch starts as nothing."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer


class ResidualBlock(nn.Module):
    """Two normalised 3x3 convolutions; time embedding and context are added between them."""

    def __init__(self, config: DenoiserConfig, channels: int, width: int) -> None:
        super().__init__()
        self.in_layers = nn.Sequential(
            _norm(config, channels), nn.SiLU(), nn.Conv2d(channels, width, 3, padding=1)
        )
        embedding = config.base_width * TIME_EXPANSION
        self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(embedding, width))
        # Identity stands where the reference has a dropout of rate 0: it keeps the numbering.
        self.out_layers = nn.Sequential(
            _norm(config, width),
            nn.SiLU(),
            nn.Identity(),
            _zeroed(nn.Conv2d(width, width, 3, padding=1)),
        )
        self.skip_connection = nn.Identity() if channels == width else nn.Conv2d(channels, width, 1)

    def forward(self, x: Tensor, embedding: Tensor, context: Tensor) -> Tensor:
        """x (k*N, C, H, W), embedding (k*N, E), context (N, width, H, W) shared by k rows each."""
        h = self.in_layers(x) + self.emb_layers(embedding)[:, :, None, None]
        h = (h.unflatten(0, (-1, len(context))) + context).flatten(0, 1)
        return self.skip_connection(x) + self.out_layers(h)


class SelfAttention(nn.Module):
    """Multi-head self-attention over all cells, added to its input."""

    def __init__(self, config: DenoiserConfig, channels: int) -> None:
        super().__init__()
        self.heads = config.heads
        self.norm = _norm(config, channels)
        self.qkv = nn.Conv1d(channels, 3 * channels, 1)
        self.proj_out = _zeroed(nn.Conv1d(channels, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to the same shape."""
        batch, channels = x.shape[:2]
        qkv = self.qkv(self.norm(x).flatten(2))
        # Channels are laid out head by head, each with its query, key and value in turn.
        query, key, value = qkv.reshape(batch * self.heads, -1, qkv.shape[-1]).chunk(3, dim=1)
        scale = (channels // self.heads) ** -0.5
        weights = torch.bmm(query.transpose(1, 2) * scale, key).softmax(dim=-1)
        attended = torch.bmm(value, weights.transpose(1, 2)).reshape(batch, channels, -1)
        return x + self.proj_out(attended).view_as(x)


class Downsample(nn.Module):
    """Halve the side by a 3x3 convolution of stride 2."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.op = nn.Conv2d(channels, channels, 3, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.op(x)


class Upsample(nn.Module):
    """Double the side: nearest neighbour, then a 3x3 convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))


class UNet(nn.Module):
    """The network proper: noisy map, time and context maps to a map of the same size.

    Args:
        config: sizes; ``DenoiserConfig.paper()`` makes 22,078,017 parameters.
    """

    def __init__(self, config: DenoiserConfig) -> None:
        super().__init__()
        self.config = config
        base, widths, depth = config.base_width, config.widths, config.residual_blocks
        embedding = base * TIME_EXPANSION
        self.time_embed = nn.Sequential(
            nn.Linear(base, embedding), nn.SiLU(), nn.Linear(embedding, embedding)
        )
        entry = nn.Conv2d(config.patch**2, base, 3, padding=1)
        self.input_blocks = nn.ModuleList([nn.ModuleList([entry])])
        self.input_levels = [0]  # level of each input block, before it changes the size
        channels, skips = base, [base]
        for level, width in enumerate(widths):
            for _ in range(depth):
                self.input_blocks.append(self._stage(channels, width, level))
                self.input_levels.append(level)
                channels = width
                skips.append(width)
            if level < len(widths) - 1:
                self.input_blocks.append(nn.ModuleList([Downsample(width)]))
                self.input_levels.append(level)
                skips.append(width)
        self.middle_block = nn.ModuleList(
            [
                ResidualBlock(config, channels, channels),
                SelfAttention(config, channels),
                ResidualBlock(config, channels, channels),
            ]
        )
        self.output_blocks = nn.ModuleList()
        self.output_levels = []
        for level in reversed(range(len(widths))):
            for number in range(depth + 1):
                stage = self._stage(channels + skips.pop(), widths[level], level)
                channels = widths[level]
                if level > 0 and number == depth:
                    stage.append(Upsample(channels))
                self.output_blocks.append(stage)
                self.output_levels.append(level)
        last = _zeroed(nn.Conv2d(channels, config.patch**2, 3, padding=1))
        self.out = nn.Sequential(_norm(config, channels), nn.SiLU(), last)

    def _stage(self, channels: int, width: int, level: int) -> nn.ModuleList:
        stage = nn.ModuleList([ResidualBlock(self.config, channels, width)])
        if level in self.config.attention_levels:
            stage.append(SelfAttention(self.config, width))
        return stage

    def forward(self, noisy: Tensor, time: Tensor, context: Sequence[Tensor]) -> Tensor:
        """Run the network.

        Args:
            noisy: (k*N, 1, S, S) float.
            time: (k*N,) float.
            context: one map a level, finest first: (N, width, C, C), C = S / patch / 2**level. Row
                ``d * N + n`` of ``noisy`` goes with row ``n`` of the context.

        Returns:
            (k*N, 1, S, S) float.
        """
        embedding = self.time_embed(time_sinusoids(time, self.config.base_width))
        x, skips = F.pixel_unshuffle(noisy, self.config.patch), []
        for stage, level in zip(self.input_blocks, self.input_levels, strict=True):
            x = _run(stage, x, embedding, context[level])
            skips.append(x)
        x = _run(self.middle_block, x, embedding, context[-1])
        for stage, level in zip(self.output_blocks, self.output_levels, strict=True):
            x = _run(stage, torch.cat([x, skips.pop()], dim=1), embedding, context[level])
        return F.pixel_shuffle(self.out(x), self.config.patch)


def _run(stage: nn.Module, x: Tensor, embedding: Tensor, context: Tensor) -> Tensor:
    for layer in stage.children():
        x = layer(x, embedding, context) if isinstance(layer, ResidualBlock) else layer(x)
    return x
