"""Attention and the two kinds of layers (pre-norm with NormFormer's extra norms)."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass
class Tap:
    """Watches one cross-attention: what Grad-CAM needs of it (see :mod:`gcdr.priors.vqa.gradcam`).

    Attributes:
        leaf: (B, heads, T, head_dim) zeros added to the per-head contexts; its gradient is theirs.
        probabilities: (B, heads, T, S) attention after softmax, detached.
        values: (B, heads, S, head_dim), detached.
    """

    leaf: Tensor | None = None
    probabilities: Tensor | None = None
    values: Tensor | None = None

    def watch(self, context: Tensor, probabilities: Tensor, values: Tensor) -> Tensor:
        """Remember the operands and return ``context`` plus the leaf."""
        self.leaf = torch.zeros_like(context, requires_grad=True)
        self.probabilities, self.values = probabilities.detach(), values.detach()
        return context + self.leaf


class Attention(nn.Module):
    """Multi-head attention with an additive bias and a learned gain per head.

    In float32 softmax is written out: at these lengths it is as fast as the fused kernels on a GPU,
    its backward is faster than theirs on a CPU, and the probabilities are at hand. Half precision
    only reads, and a fused kernel does that in half the time.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.c_attn = nn.Parameter(torch.ones(heads))
        self.k_proj = nn.Linear(width, width)
        self.v_proj = nn.Linear(width, width)
        self.q_proj = nn.Linear(width, width)
        self.out_proj = nn.Linear(width, width)

    def keys_values(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Project (B, S, width) to keys and values (B, heads, S, head_dim)."""
        return split_heads(self.k_proj(x), self.heads), split_heads(self.v_proj(x), self.heads)

    def forward(
        self, x: Tensor, keys: Tensor, values: Tensor, bias: Tensor, tap: Tap | None = None
    ) -> Tensor:
        """Attend from ``x`` to projected keys and values.

        Several rows of ``x`` may share one row of keys: N = B R, rows of one image side by side.

        Args:
            x: (N, T, width) queries.
            keys, values: (B, heads, S, head_dim).
            bias: (heads, T, S) or (B, heads, T, S), added to the scaled products.
            tap: watches this attention (R = 1 only).

        Returns:
            (N, T, width).
        """
        batch, length = keys.shape[0], x.shape[1]
        rows = x.shape[0] // batch
        queries = self.q_proj(x)
        head_dim = queries.shape[-1] // self.heads
        queries = split_heads(queries.view(batch, rows * length, -1), self.heads)
        if rows > 1:
            bias = bias.repeat(*[1] * (bias.dim() - 2), rows, 1)
        bias = bias.expand(batch, *bias.shape[-3:])
        scale = (2 * head_dim) ** -0.5
        if tap is None and values.dtype != torch.float32:
            context = F.scaled_dot_product_attention(queries, keys, values, bias, scale=scale)
        else:
            scores = torch.baddbmm(
                bias.reshape(-1, *bias.shape[-2:]),
                queries.flatten(0, 1),
                keys.flatten(0, 1).transpose(1, 2),
                alpha=scale,
            )
            probabilities = scores.softmax(-1, dtype=torch.float32).to(values.dtype)
            context = torch.bmm(probabilities, values.flatten(0, 1)).view(
                batch, self.heads, rows * length, head_dim
            )
        if tap is not None:
            context = tap.watch(context, probabilities.view(*context.shape[:3], -1), values)
        context = context.transpose(1, 2) * self.c_attn[:, None]
        return self.out_proj(context.reshape(x.shape))


class FeedForward(nn.Module):
    """The feed-forward sublayer that both kinds of layers have: two linear maps around a GELU."""

    def __init__(self, width: int, ffn: int, dropout: float, drop_path: float) -> None:
        super().__init__()
        self.dropout, self.drop_path = dropout, drop_path
        self.fc1 = nn.Linear(width, ffn)
        self.fc2 = nn.Linear(ffn, width)
        self.ffn_layernorm = nn.LayerNorm(ffn)
        self.final_layer_norm = nn.LayerNorm(width)

    def feed_forward(self, x: Tensor) -> Tensor:
        """x plus the sublayer's output."""
        hidden = self.ffn_layernorm(F.gelu(self.fc1(self.final_layer_norm(x))))
        return self.residual(x, self.fc2(hidden))

    def residual(self, x: Tensor, y: Tensor) -> Tensor:
        """x + y, with dropout and stochastic depth (per sample) on y in training mode."""
        if self.training and self.dropout:
            y = F.dropout(y, self.dropout)
        if self.training and self.drop_path:
            keep = torch.rand(len(y), 1, 1, device=y.device) >= self.drop_path
            y = y * keep / (1 - self.drop_path)
        return x + y


class EncoderLayer(FeedForward):
    """Self-attention and feed-forward over image and text tokens."""

    def __init__(self, width: int, ffn: int, heads: int, dropout: float, drop_path: float) -> None:
        super().__init__(width, ffn, dropout, drop_path)
        self.self_attn = Attention(width, heads)
        self.self_attn_layer_norm = nn.LayerNorm(width)
        self.attn_ln = nn.LayerNorm(width)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """(B, S, width) to (B, S, width); ``bias`` (heads, S, S) or (B, heads, S, S)."""
        y = self.self_attn_layer_norm(x)
        y = self.self_attn(y, *self.self_attn.keys_values(y), bias)
        return self.feed_forward(self.residual(x, self.attn_ln(y)))


class DecoderLayer(FeedForward):
    """Causal self-attention, cross-attention to the encoder's tokens, and feed-forward."""

    def __init__(self, width: int, ffn: int, heads: int, dropout: float, drop_path: float) -> None:
        super().__init__(width, ffn, dropout, drop_path)
        self.self_attn = Attention(width, heads)
        self.encoder_attn = Attention(width, heads)
        self.self_attn_layer_norm = nn.LayerNorm(width)
        self.self_attn_ln = nn.LayerNorm(width)
        self.encoder_attn_layer_norm = nn.LayerNorm(width)
        self.cross_attn_ln = nn.LayerNorm(width)

    def forward(
        self,
        x: Tensor,
        past: tuple[Tensor, Tensor] | None,
        self_bias: Tensor,
        cross: tuple[Tensor, Tensor],
        cross_bias: Tensor,
        tap: Tap | None = None,
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """One layer for T new tokens.

        Args:
            x: (N, T, width).
            past: self-attention keys and values (N, heads, P, head_dim) of earlier tokens.
            self_bias: (heads, T, P + T), minus infinity where a key is in the future.
            cross: keys and values (B, heads, S, head_dim) of the encoder's tokens.
            cross_bias: (heads, T, S) or (B, heads, T, S).
            tap: watches the cross-attention.

        Returns:
            (N, T, width), and self-attention keys and values including the new tokens.
        """
        y = self.self_attn_layer_norm(x)
        present = self.self_attn.keys_values(y)
        if past is not None:
            present = tuple(torch.cat(pair, 2) for pair in zip(past, present, strict=True))
        y = self.self_attn(y, *present, self_bias)
        x = self.residual(x, self.self_attn_ln(y))
        y = self.encoder_attn(self.encoder_attn_layer_norm(x), *cross, cross_bias, tap)
        x = self.residual(x, self.cross_attn_ln(y))
        return self.feed_forward(x), present


def split_heads(x: Tensor, heads: int) -> Tensor:
    """(..., L, width) to (..., heads, L, width / heads)."""
    return x.unflatten(-1, (heads, -1)).transpose(-2, -3)
