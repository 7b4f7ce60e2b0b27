"""Miao et al. (PDP, WACV 2023): where a person looks as a heatmap and as a distribution over patches.

VAT's towers, which also see depth; then tokens, one a cell of the towers' features and one for "outside",
that attend to each other. Attribute names are the parameter names of released checkpoints.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gcdr.base.errors import InputError
from gcdr.models.checkpoints import filled
from gcdr.models.description import DENOISER, PDP_MARKS, RESNET, TOWERS, Description
from gcdr.models.interface import GazeInputs, GazeOutput, Kind
from gcdr.models.pdp_loss import EMPTY, Rule, patch_distribution, patch_divergence, patch_targets
from gcdr.models.precision import in_precision
from gcdr.models.sizes import TowersConfig, VATConfig
from gcdr.models.starting import start_from
from gcdr.models.towers import init_convolutions
from gcdr.models.vat import VAT

BLIND_WEIGHT = 0.004  # of patches without depth, as their authors recommend


@dataclass(frozen=True)
class PDPConfig(VATConfig):
    """Sizes of the model of Miao et al.: those of VAT, and of the branch of patches.

    Attributes:
        inout: whether the model was taught who looks out of the frame. It has no layers for that: the last
            entry of its distribution tells.
        inout_channels: not used.
        patch_channels: inner channels of the branch of patches.
        patch_weight: weight of its loss beside that of heatmaps: on GazeFollow 20 / 10,000, without depth
            40 / 10,000.
        patch_rule: what its targets are, see :func:`gcdr.models.pdp_loss.patch_targets`.
    """

    patch_channels: int = 256
    patch_weight: float = 0.002
    patch_rule: Rule = "whole"

    @classmethod
    def paper(cls, gradcam: bool = False, depth: bool = True) -> Self:
        """The released model: 61,651,416 parameters, without depth 61,609,864."""
        towers = replace(TowersConfig.paper(gradcam), depth=depth)
        return cls(towers=towers, patch_weight=cls._weight(depth))

    @classmethod
    def world(cls, gradcam: bool = False, depth: bool = True) -> Self:
        """The same model for the demo world: 32x32 heatmaps, 7x7 patches."""
        small = super().world(gradcam)
        towers, weight = replace(small.towers, depth=depth), cls._weight(depth)
        return replace(small, towers=towers, patch_channels=32, patch_weight=weight)

    @classmethod
    def _weight(cls, depth: bool) -> float:
        return cls.patch_weight if depth else max(cls.patch_weight, BLIND_WEIGHT)


class PDP(VAT):
    """VAT with depth, tokens that attend to each other, and a branch of patches.

    Args:
        config: sizes.
    """

    kind: ClassVar[str] = "pdp"
    in_frame_apart: ClassVar[bool] = False
    rates: Mapping[str, float] = {"qkv_proj.": 0.5}
    config: PDPConfig

    def __init__(self, config: PDPConfig) -> None:
        super().__init__(config)
        width, cells = config.compress[1], config.towers.feature_size**2
        self.outside_embedding = nn.Parameter(torch.randn(1, width))
        self.patch_pos_embedding = nn.Parameter(torch.randn(cells + 1, width))
        self.qkv_proj = nn.Linear(width, 3 * width)
        self.inout_patch_encode = nn.Conv1d(width, config.patch_channels, 1)
        self.inout_patch_pred = nn.Conv1d(config.patch_channels, 1, 1)
        self.deconv_encode = nn.Conv2d(width, width, 1, bias=False)
        init_convolutions(self.deconv_encode)

    def _add_in_frame(self) -> None:
        """The layer that released files hold of a former in/out head; only the video model asks it."""
        self.compress_conv1_inout = nn.Conv1d(self.config.compress[1], 1, 1)

    def branch_loss(self, output: GazeOutput, target: Tensor) -> Tensor:
        """The weighted divergence of the patches from those of maps; an empty map is of who looks outside."""
        assert output.patches is not None
        outside, side = ~target.flatten(1).any(1), self.config.towers.feature_size
        patches = patch_targets(target, outside, self.config.patch_rule, side)
        apart = patch_divergence(output.patches, patches).sum() / max(len(target), 1)
        return self.config.patch_weight * apart

    def branch_distance(
        self, student: GazeOutput, teacher: GazeOutput, distance: Literal["kl", "mse"]
    ) -> Tensor | None:
        """The same of a student's patches from its teacher's (ECCV 2024, S9); None without their loss."""
        if not self.config.patch_weight:
            return None
        assert student.patches is not None and teacher.patches is not None
        target = patch_distribution(teacher.patches)
        if distance == "mse":
            return torch.mean((patch_distribution(student.patches) - target) ** 2)
        return patch_divergence(student.patches, target).mean()

    @in_precision
    def forward(self, inputs: GazeInputs) -> GazeOutput:
        """Heatmaps (N, H, W), logits of patches (N, P + 1) and of looking into the frame (N,).

        Args:
            inputs: as for VAT, with ``depth`` where the model sees it.

        Raises:
            InputError: as VAT, or depth lacks.
        """
        return self.from_tokens(self.tokens(inputs))

    def tokens(self, inputs: GazeInputs) -> Tensor:
        """Tokens (N, P + 1, D) of people after they attended to each other, "outside" last."""
        return self.attended(self.placed(self.compressed(self.features(inputs))))

    def placed(self, features: Tensor) -> Tensor:
        """Compressed features (N, D, h, w) to tokens (N, h w + 1, D), row by row, then "outside"."""
        cells = features.flatten(2).mT
        outside = self.outside_embedding.to(cells.dtype).expand_as(cells[:, :1])
        return torch.cat([cells, outside], dim=1) + self.patch_pos_embedding

    def attended(self, tokens: Tensor) -> Tensor:
        """Tokens (N, P + 1, D) after self-attention of one head, whose scores are not scaled."""
        query, key, value = self.qkv_proj(tokens)[:, None].chunk(
            3, dim=-1
        )  # ONNX wants a head each
        return tokens + F.scaled_dot_product_attention(query, key, value, scale=1.0)[:, 0]

    def from_tokens(self, tokens: Tensor) -> GazeOutput:
        """Tokens (N, P + 1, D) to both branches' outputs."""
        hidden = F.relu(self.inout_patch_encode(tokens.mT))
        patches = self.inout_patch_pred(hidden)[:, 0].float()
        side = self.config.towers.feature_size
        cells = tokens[:, :-1].mT.unflatten(2, (side, side))
        heatmap = self.decoded(F.relu(self.deconv_encode(cells)))
        told = in_frame_logit(patches) if self.config.inout else None
        return GazeOutput(heatmap=heatmap, in_frame=told, patches=patches)


def in_frame_logit(patches: Tensor) -> Tensor:
    """Logit (N,) of what the distribution of patches (N, P + 1 logits) has inside the frame."""
    inside = patches[:, :-1].sigmoid().sum(1) + EMPTY
    return inside.log() - F.logsigmoid(patches[:, -1])


def released_pdp(
    state: Mapping[str, Tensor], path: str | Path, backbone: str | Path | None = None
) -> tuple[PDP, dict[str, Any]] | None:
    """The model of a released file, with or without depth; None for other tensors.

    Raises:
        InputError: a backbone is given, which it has not; or the tensors do not fit.
    """
    if "patch_pos_embedding" not in state or "temporal_pos_embed" in state:
        return None
    if backbone is not None:
        raise InputError(
            f"{path}: found a {TITLE}, which stands on no frozen backbone; expected a model on {backbone}"
        )
    stem, attention = (state.get(name) for name in ("conv1_scene.weight", "attn.weight"))
    depth = stem is None or stem.shape[1:2] != (4,)
    wide = PDPConfig.paper(True, depth).towers.attention_inputs
    gradcam = attention is not None and attention.shape[-1:] == (wide,)
    config = PDPConfig.paper(gradcam, depth)
    name = TITLE + "-GC" * gradcam + " without depth" * (not depth)
    model = filled(lambda: PDP(config), state, f"{path}, read as {name}")
    return model, {"released": name}


DESCRIPTION = Description(
    title="PDP",
    sizes={
        **{"world": (56, 32), "world-nodepth": (56, 32)},
        **{"paper": (224, 64), "paper-nodepth": (224, 64)},
    },
    marked_by=(
        "conv1_scene.weight",
        "conv4.weight",
        "patch_pos_embedding",
        "inout_patch_pred.weight",
    ),
    marks=PDP_MARKS,
    prior_marks=tuple({"attn.weight": (49, seen)} for seen in (290, 241, 2848, 2064)),
    starts=("VAT", "VAT-GC", TOWERS, DENOISER, RESNET),
    towers=True,
    options=("patch_weight", "patch_rule"),
    depth=("world", "paper"),
    claims={"paper": "pdp"},
)
TITLE = DESCRIPTION.title

KIND = Kind(
    config=PDPConfig,
    build=PDP,
    sizes={
        "world": PDPConfig.world,
        "world-nodepth": partial(PDPConfig.world, depth=False),
        "paper": PDPConfig.paper,
        "paper-nodepth": partial(PDPConfig.paper, depth=False),
    },
    with_in_frame=lambda config: replace(config, inout=True),
    start=start_from,
    released=released_pdp,
)
