"""The two-way decoder of the semantic gaze model: from image tokens and people to maps and label embeddings.

Attribute names are the parameter names of released checkpoints.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gcdr.models.from_timm import LayerNorm2d
from gcdr.models.semgaze_config import SemgazeConfig

MAP_NORM_EPS = 1e-6
MAP_LAYERS, LABEL_LAYERS = 3, 6


class HalfAttention(nn.Module):
    """Attention whose queries, keys and values have half of the tokens' width."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads, inner = heads, width // 2
        self.q_proj = nn.Linear(width, inner)
        self.k_proj = nn.Linear(width, inner)
        self.v_proj = nn.Linear(width, inner)
        self.out_proj = nn.Linear(inner, width)

    def forward(self, queries: Tensor, context: Tensor) -> Tensor:
        """Queries (B, Q, C) about a context (B, T, C): (B, Q, C)."""
        q = self._split(self.q_proj(queries))
        k, v = self._split(self.k_proj(context)), self._split(self.v_proj(context))
        found = F.scaled_dot_product_attention(q, k, v)  # (B, heads, Q, C / 2 / heads)
        return self.out_proj(found.transpose(1, 2).flatten(2))

    def shares(self, queries: Tensor, context: Tensor) -> Tensor:
        """How queries share their look among the context, the mean over heads: (B, Q, T), each row 1."""
        q, k = self._split(self.q_proj(queries)), self._split(self.k_proj(context))
        return (q @ k.mT / q.shape[-1] ** 0.5).softmax(-1).mean(1)

    def _split(self, tokens: Tensor) -> Tensor:
        return tokens.unflatten(2, (self.heads, -1)).transpose(1, 2)


class HiddenLayer(nn.Module):
    """Two linear layers and a ReLU between them."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.lin1 = nn.Linear(width, inner)
        self.lin2 = nn.Linear(inner, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """(..., C) to (..., C)."""
        return self.lin2(F.relu(self.lin1(tokens)))


class TwoWayLayer(nn.Module):
    """People look at the picture, think, and the picture looks at what they have become."""

    def __init__(self, width: int, heads: int, inner: int) -> None:
        super().__init__()
        self.cross_attn_gaze_to_image = HalfAttention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = HiddenLayer(width, inner)
        self.norm3 = nn.LayerNorm(width)
        self.norm4 = nn.LayerNorm(width)
        self.cross_attn_image_to_gaze = HalfAttention(width, heads)

    def forward(self, people: Tensor, image: Tensor) -> tuple[Tensor, Tensor]:
        """People (B, Q, C) and image tokens (B, T, C) to the same."""
        people = self.norm2(people + self.cross_attn_gaze_to_image(people, image))
        people = self.norm3(people + self.mlp(people))
        image = self.norm4(image + self.cross_attn_image_to_gaze(image, people))
        return people, image


class TwoWay(nn.Module):
    """The layers, and a last look of the people at the picture."""

    def __init__(self, config: SemgazeConfig) -> None:
        super().__init__()
        sizes = (config.width, config.decoder_heads)
        self.layers = nn.ModuleList(
            TwoWayLayer(*sizes, config.decoder_inner) for _ in range(config.decoder_layers)
        )
        self.final_attn_gaze_to_image = HalfAttention(*sizes)
        self.norm_final_attn = nn.LayerNorm(config.width)

    def forward(self, people: Tensor, image: Tensor) -> tuple[Tensor, Tensor]:
        """As a layer's."""
        people, image = self.before_last_look(people, image)
        return self.norm_final_attn(people + self.final_attn_gaze_to_image(people, image)), image

    def before_last_look(self, people: Tensor, image: Tensor) -> tuple[Tensor, Tensor]:
        """What the layers make of both."""
        for layer in self.layers:
            people, image = layer(people, image)
        return people, image


class Layers(nn.Module):
    """Linear layers with ReLU between them."""

    def __init__(self, width: int, out: int, count: int) -> None:
        super().__init__()
        ends = [width] * (count - 1) + [out]
        self.layers = nn.ModuleList(nn.Linear(width, end) for end in ends)

    def forward(self, tokens: Tensor) -> Tensor:
        """(..., C) to (..., out)."""
        for layer in self.layers[:-1]:
            tokens = F.relu(layer(tokens))
        return self.layers[-1](tokens)


class GazeDecoder(nn.Module):
    """People, with a token that is none, decode where they look and what is there."""

    def __init__(self, config: SemgazeConfig) -> None:
        super().__init__()
        width, self.grid = config.width, config.grid
        self.not_a_person_embed = nn.Embedding(1, width)
        self.transformer = TwoWay(config)
        self.upscaler = nn.Sequential(
            nn.Upsample(scale_factor=2, mode="bilinear"),
            nn.Conv2d(width, width // 4, 3, padding=1),
            LayerNorm2d(width // 4, eps=MAP_NORM_EPS),
            nn.GELU(),
            nn.Upsample(scale_factor=2, mode="bilinear"),
            nn.Conv2d(width // 4, width // 8, 3, padding=1),
            nn.GELU(),
        )
        self.heatmap_mlp = Layers(width, width // 8, MAP_LAYERS)
        self.label_mlp = Layers(width, config.label_width, LABEL_LAYERS)
        self.inout_mlp = Layers(width, 1, MAP_LAYERS) if config.inout else None

    def forward(self, people: Tensor, image: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """What people of pictures look at; those of one row of the batch influence one another.

        Args:
            people: (B, Q, C) gaze tokens.
            image: (B, T, C) tokens of the pictures that they are in.

        Returns:
            heatmaps (B, Q, 4 * grid, 4 * grid), unbounded, label embeddings (B, Q, D) of unit length, and
            in/out logits (B, Q, 1) of a model with that head.
        """
        people, image = self.transformer(self._with_nobody(people), image)
        people = people[:, :-1]
        cells = image.transpose(1, 2).unflatten(2, (self.grid, self.grid))
        maps = torch.einsum("bqc,bchw->bqhw", self.heatmap_mlp(people), self.upscaler(cells))
        inside = None if self.inout_mlp is None else self.inout_mlp(people)
        return maps, F.normalize(self.label_mlp(people), dim=-1), inside

    def attention(self, people: Tensor, image: Tensor) -> Tensor:
        """How people share their last look among the cells (B, Q, grid, grid), see ``forward``."""
        people, image = self.transformer.before_last_look(self._with_nobody(people), image)
        shares = self.transformer.final_attn_gaze_to_image.shares(people[:, :-1], image)
        return shares.unflatten(2, (self.grid, self.grid))

    def _with_nobody(self, people: Tensor) -> Tensor:
        nobody = self.not_a_person_embed.weight.to(people.dtype).expand(len(people), 1, -1)
        return torch.cat([people, nobody], 1)
