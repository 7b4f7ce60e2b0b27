"""OFA: image and question in, answer tokens out (Wang et al., ICML 2022).

Module names follow the released (fairseq) checkpoints. Some tables exist only because the released
models can also paint images by tokens; answering questions never reads them.
"""

from dataclasses import dataclass, field
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gcdr.priors.vqa.ofa.config import OFAConfig
from gcdr.priors.vqa.ofa.positions import image_buckets, image_table_rows, token_buckets
from gcdr.priors.vqa.ofa.resnet import ResNet
from gcdr.priors.vqa.ofa.transformer import DecoderLayer, EncoderLayer, Tap, split_heads

BOS, PAD, EOS, UNK = range(4)


@dataclass(frozen=True)
class Encoded:
    """What the encoder says of images and questions.

    Attributes:
        states: (B, S, width): image tokens row by row, then text tokens.
        position: (S, width): normalised position vectors, shared by the batch.
        padding: (B, S) bool, true at padded text; None where nothing is padded.
        grid: rows and columns of image tokens.
    """

    states: Tensor
    position: Tensor
    padding: Tensor | None
    grid: tuple[int, int]


@dataclass(frozen=True)
class Memory:
    """Encoder output as the decoder's cross-attentions use it, projected once.

    Attributes:
        cross: keys and values (B, heads, S, head_dim) of every decoder layer.
        position_keys: (heads, S, head_dim).
        padding: (B, 1, 1, S) zero or minus infinity; None where nothing is padded.
    """

    cross: list[tuple[Tensor, Tensor]]
    position_keys: Tensor
    padding: Tensor | None

    def float(self) -> "Memory":
        """The same in float32; tensors that are float32 already are not copied."""
        cross = [(keys.float(), values.float()) for keys, values in self.cross]
        padding = None if self.padding is None else self.padding.float()
        return Memory(cross, self.position_keys.float(), padding)


@dataclass
class DecoderState:
    """Self-attention keys and values of the tokens decoded so far, a pair a layer.

    A state may hold several rows an image (beams): N = B R, rows of one image side by side.
    """

    past: list[tuple[Tensor, Tensor]] = field(default_factory=list)

    @property
    def length(self) -> int:
        """Tokens decoded so far."""
        return self.past[0][0].shape[2] if self.past else 0

    def select(self, rows: Tensor) -> None:
        """Keep the rows with these indices (N',), in this order."""
        self.past = [(keys[rows], values[rows]) for keys, values in self.past]


class Stack(nn.Module):
    """What encoder and decoder have in common: embeddings, positions, relative bias tables."""

    def __init__(self, config: OFAConfig, layers: int) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.layernorm_embedding = nn.LayerNorm(width)
        self.embed_positions = nn.Embedding(config.max_positions + 2, width)
        self.embed_image_positions = nn.Embedding(config.image_bucket**2 + 1, width)
        self.pos_ln = nn.LayerNorm(width)
        self.image_pos_ln = nn.LayerNorm(width)
        self.layer_norm = nn.LayerNorm(width)
        self.token_rel_pos_table_list = nn.ModuleList(
            nn.Embedding(2 * config.token_bucket - 1, config.heads) for _ in range(layers)
        )
        self.image_rel_pos_table_list = nn.ModuleList(
            nn.Embedding(image_table_rows(config.image_bucket), config.heads) for _ in range(layers)
        )
        buckets = token_buckets(config.token_bucket, config.max_positions)
        self.register_buffer("token_buckets", buckets, persistent=False)

    def text_buckets(self, start: int, stop: int) -> Tensor:
        """Table rows (stop - start, stop) for queries start..stop-1 and keys 0..stop-1."""
        place = torch.arange(stop, device=self.token_buckets.device)
        offset = place[start:, None] - place[None, :]
        return self.token_buckets[offset + self.config.max_positions - 1]

    def position_bias(self, queries: Tensor, keys: Tensor) -> Tensor:
        """Scaled products (heads, T, S) of projected positions (T, width) and (heads, S, e)."""
        head_dim = keys.shape[-1]
        queries = split_heads(queries * (2 * head_dim) ** -0.5, self.config.heads)
        return queries @ keys.transpose(1, 2)

    def dropped(self, x: Tensor) -> Tensor:
        """Dropout on embeddings in training mode."""
        rate = self.config.dropout
        return F.dropout(x, rate) if self.training and rate else x


class Encoder(Stack):
    """Image stem and bidirectional transformer over image and text tokens."""

    def __init__(self, config: OFAConfig) -> None:
        super().__init__(config, config.encoder_layers)
        width = config.width
        self.embed_tokens = nn.Embedding(config.vocabulary, width)
        self.type_embedding = nn.Embedding(2, width)
        self.embed_images = ResNet(config.resnet_blocks, config.resnet_width)
        self.image_proj = nn.Linear(config.image_channels, width)
        self.patch_layernorm_embedding = nn.LayerNorm(width)
        self.pos_q_linear = nn.Linear(width, width)
        self.pos_k_linear = nn.Linear(width, width)
        self.layers = nn.ModuleList(
            EncoderLayer(width, config.ffn, config.heads, config.dropout, rate)
            for rate in _ramp(config.drop_path, config.encoder_layers)
        )

    def forward(self, images: Tensor, src_tokens: Tensor) -> Encoded:
        features = self.embed_images(images)
        features = features.repeat_interleave(len(src_tokens) // len(images), 0)
        grid = (features.shape[2], features.shape[3])
        padding = self.find_padding(src_tokens, grid)
        x = self.embed(features, src_tokens)
        if padding is not None:
            x = x.masked_fill(padding[:, :, None], 0)
        length = src_tokens.shape[1]
        position = self.positions(grid, length)
        bias = self.position_bias(
            self.pos_q_linear(position), split_heads(self.pos_k_linear(position), self.config.heads)
        )
        text_index = self.text_buckets(0, length)
        image_index = image_buckets(*grid, self.config.image_bucket, x.device)
        mask = None if padding is None else _additive(padding, x.dtype)
        tables = zip(self.image_rel_pos_table_list, self.token_rel_pos_table_list, strict=True)
        for layer, (image_table, token_table) in zip(self.layers, tables, strict=True):
            relative = _block_diagonal(image_table(image_index), token_table(text_index))
            layer_bias = bias + relative
            x = layer(x, layer_bias if mask is None else layer_bias + mask)
        return Encoded(self.layer_norm(x), position, padding, grid)

    def embed(self, features: Tensor, src_tokens: Tensor) -> Tensor:
        """Token vectors (B, S, width) of image features (B, C, rows, columns) and text (B, T)."""
        kinds = self.type_embedding.weight
        image = self.image_proj(features.flatten(2).transpose(1, 2)) + kinds[1]
        text = self.embed_tokens(src_tokens) + kinds[0]
        return torch.cat(
            [
                self.dropped(self.patch_layernorm_embedding(image)),
                self.dropped(self.layernorm_embedding(text)),
            ],
            1,
        )

    def positions(self, grid: tuple[int, int], length: int) -> Tensor:
        """Normalised position vectors (S, width): grid cells, then ``length`` text places."""
        device = self.token_buckets.device
        rows = torch.arange(grid[0], device=device)[:, None] * self.config.image_bucket
        cells = (rows + torch.arange(grid[1], device=device)[None, :] + 1).flatten()
        image = self.image_pos_ln(self.embed_image_positions(cells))
        return torch.cat([image, self.pos_ln(self.embed_positions.weight[:length])])

    @staticmethod
    def find_padding(src_tokens: Tensor, grid: tuple[int, int]) -> Tensor | None:
        """(B, S) bool, true at padded text tokens; None where there are none."""
        padded = src_tokens == PAD
        return F.pad(padded, (grid[0] * grid[1], 0)) if bool(padded.any()) else None


class Decoder(Stack):
    """Causal transformer that reads the encoder's tokens and scores the next answer token."""

    def __init__(self, config: OFAConfig, embed_tokens: nn.Embedding) -> None:
        super().__init__(config, config.decoder_layers)
        width = config.width
        self.embed_tokens = embed_tokens
        self.output_projection = nn.Linear(width, config.vocabulary, bias=False)
        self.output_projection.weight = embed_tokens.weight
        self.self_pos_q_linear = nn.Linear(width, width)
        self.self_pos_k_linear = nn.Linear(width, width)
        self.cross_pos_q_linear = nn.Linear(width, width)
        self.cross_pos_k_linear = nn.Linear(width, width)
        self.code_layernorm_embedding = nn.LayerNorm(width)
        self.layers = nn.ModuleList(
            DecoderLayer(width, config.ffn, config.heads, config.dropout, rate)
            for rate in _ramp(config.drop_path, config.decoder_layers)
        )

    def remember(self, encoded: Encoded) -> Memory:
        """Project the encoder's output for all cross-attentions."""
        keys = split_heads(self.cross_pos_k_linear(encoded.position), self.config.heads)
        padding = encoded.padding
        return Memory(
            [layer.encoder_attn.keys_values(encoded.states) for layer in self.layers],
            keys,
            None if padding is None else _additive(padding, encoded.states.dtype),
        )

    def forward(
        self,
        tokens: Tensor,
        memory: Memory,
        state: DecoderState | None = None,
        taps: dict[int, Tap] | None = None,
    ) -> Tensor:
        """Features (N, T, width) of T further tokens.

        Args:
            tokens: (N, T) int64, N a multiple of the memory's batch.
            memory: the encoder's output.
            state: earlier tokens, extended in place; None for a sequence from its start.
            taps: watches the cross-attentions of these layers (counted from 0).
        """
        start = state.length if state else 0
        stop = start + tokens.shape[1]
        x = self.dropped(self.layernorm_embedding(self.embed_tokens(tokens)))
        position = self.pos_ln(self.embed_positions.weight[:stop])
        recent = position[start:]
        heads = self.config.heads
        self_bias = self.position_bias(
            self.self_pos_q_linear(recent), split_heads(self.self_pos_k_linear(position), heads)
        )
        self_bias = self_bias + _causal(start, stop, x)
        cross_bias = self.position_bias(self.cross_pos_q_linear(recent), memory.position_keys)
        if memory.padding is not None:
            cross_bias = cross_bias + memory.padding
        index = self.text_buckets(start, stop)
        past = state.past if start else [None] * len(self.layers)
        present = []
        for number, layer in enumerate(self.layers):
            relative = self.token_rel_pos_table_list[number](index).permute(2, 0, 1)
            x, pair = layer(
                x,
                past[number],
                self_bias + relative,
                memory.cross[number],
                cross_bias,
                taps.get(number) if taps else None,
            )
            present.append(pair)
        if state is not None:
            state.past = present
        return self.layer_norm(x)


class OFA(nn.Module):
    """Encoder and decoder with one token table between them."""

    def __init__(self, config: OFAConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.decoder = Decoder(config, self.encoder.embed_tokens)
        self.apply(partial(_initialise, config.init_std))

    def encode(self, images: Tensor, src_tokens: Tensor) -> Encoded:
        """Encode images (B, 3, H, W) in [-1, 1] and questions (k B, T) padded on the right.

        The k questions of an image lie side by side; its stem is computed once.
        """
        return self.encoder(images, src_tokens)

    def decode(self, encoded: Encoded, prev_tokens: Tensor) -> Tensor:
        """Logits (B, T, V) after each of ``prev_tokens`` (B, T), which start with BOS."""
        features = self.decoder(prev_tokens, self.decoder.remember(encoded))
        return self.decoder.output_projection(features)

    def step(self, tokens: Tensor, memory: Memory, state: DecoderState) -> Tensor:
        """Logits (N, V) after ``tokens`` (N, T), which continue ``state``."""
        return self.decoder.output_projection(self.decoder(tokens, memory, state)[:, -1])

    def forward(self, images: Tensor, src_tokens: Tensor, prev_tokens: Tensor) -> Tensor:
        """Teacher forcing: logits (B, T, V) for images, questions and ``prev_tokens`` (B, T)."""
        return self.decode(self.encode(images, src_tokens), prev_tokens)


def _block_diagonal(image: Tensor, text: Tensor) -> Tensor:
    """(heads, S, S) from image pairs (I, I, heads) and text pairs (T, T, heads), zero between."""
    image, text = image.permute(2, 0, 1), text.permute(2, 0, 1)
    cells, length = image.shape[1], text.shape[1]
    return F.pad(image, (0, length, 0, length)) + F.pad(text, (cells, 0, cells, 0))


def _additive(padding: Tensor, dtype: torch.dtype) -> Tensor:
    mask = torch.zeros(padding.shape, dtype=dtype, device=padding.device)
    return mask.masked_fill(padding, -torch.inf)[:, None, None, :]


def _causal(start: int, stop: int, like: Tensor) -> Tensor:
    future = torch.full((stop - start, stop), -torch.inf, dtype=like.dtype, device=like.device)
    return future.triu(1 + start)


def _ramp(rate: float, layers: int) -> list[float]:
    return [rate * number / max(layers - 1, 1) for number in range(layers)]


def _initialise(std: float, module: nn.Module) -> None:
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, std=std)
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
