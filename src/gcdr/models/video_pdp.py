"""The video model of Miao et al. (WACV 2023): PDP whose tokens attend to those of other frames of a window.

Attribute names are the parameter names of released checkpoints.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gcdr.base.errors import InputError
from gcdr.models.checkpoints import filled
from gcdr.models.description import DENOISER, PDP_MARKS, RESNET, TOWERS, Description
from gcdr.models.interface import GazeInputs, GazeOutput, Kind, Needs
from gcdr.models.pdp import PDP, PDPConfig
from gcdr.models.precision import in_precision
from gcdr.models.starting import start_from

FRAMES = 5


@dataclass(frozen=True)
class VideoPDPConfig(PDPConfig):
    """Sizes of the video model: those of PDP, whose weights of losses are 5,000 and 40 on video."""

    patch_weight: float = 0.008


class VideoPDP(PDP):
    """PDP that looks at windows of five frames of a track, each frame at all five.

    Frames of a track are cut into windows as they come; one of fewer frames is filled up with its last one,
    so that a lone frame is seen five times (the released model takes exactly five).

    Args:
        config: sizes; ``VideoPDPConfig.paper()`` has 61,976,286 parameters.
    """

    kind: ClassVar[str] = "video-pdp"
    window: ClassVar[int] = FRAMES

    def __init__(self, config: VideoPDPConfig) -> None:
        super().__init__(config)
        width, tokens = config.compress[1], config.towers.feature_size**2 + 1
        self.temporal_pos_embed = nn.Parameter(torch.randn(FRAMES, 1, tokens))
        self.temporal_mapping = nn.Conv1d(width, 1, 1)
        self.temporal_attention = nn.MultiheadAttention(tokens, 1)
        self.temporal_proj_1 = nn.Conv1d(width, width, 1)
        self.temporal_norm_1 = nn.LayerNorm([width, tokens])
        self.fc_inout = nn.Linear(tokens, 1)

    @property
    def needs(self) -> Needs:
        return replace(super().needs, tracks=True)

    @property
    def in_time(self) -> tuple[str, ...]:
        """What its authors train on video."""
        return (
            *("compress_conv1.", "compress_conv2.", "deconv", "conv4.", "outside_embedding"),
            *("patch_pos_embedding", "qkv_proj.", "inout_patch_", "temporal_pos_embed"),
            *("temporal_mapping.", "temporal_attention.in_proj_"),
            *("temporal_proj_1.", "temporal_norm_1."),
        )

    @in_precision
    def forward(self, inputs: GazeInputs) -> GazeOutput:
        """As PDP, of frames of tracks; see there.

        Args:
            inputs: with ``track``; without it each is a track of one frame.
        """
        return self.from_tokens(self.over_time(self.tokens(inputs), inputs.track))

    def over_time(self, tokens: Tensor, track: Tensor | None) -> Tensor:
        """Tokens (N, P + 1, D) of frames, each with what the other frames of its window show.

        Args:
            tokens: from :meth:`PDP.tokens`.
            track: (N,) int64, frames of one stand in the order of time; None: everybody is alone.
        """
        alone = torch.arange(len(tokens), device=tokens.device)
        rows, place = windows(alone if track is None else track)
        features = tokens.mT[rows]  # (W, 5, D, P + 1)
        flat = features.flatten(0, 1)
        mapped = self.temporal_mapping(flat)[:, 0].unflatten(0, (-1, FRAMES))
        seen = mapped.transpose(0, 1) + self.temporal_pos_embed  # (5, W, P + 1)
        _, weights = self.temporal_attention(seen, seen, seen)
        values = self.temporal_proj_1(flat).unflatten(0, (-1, FRAMES))
        mixed = torch.einsum("wij,wjdp->widp", weights.to(values.dtype), values)
        after = self.temporal_norm_1(features + mixed)
        return after.flatten(0, 1)[place].mT

    def former_in_frame(self, tokens: Tensor) -> Tensor:
        """Logit (N,) of the former in/out head, which released files hold and the patches have replaced."""
        return self.fc_inout(F.relu(self.compress_conv1_inout(tokens.mT))[:, 0])[:, 0]


def windows(track: Tensor) -> tuple[Tensor, Tensor]:
    """Frames of tracks in windows of five.

    Args:
        track: (N,) int64; frames of one track stand in the order of time, tracks may be mixed.

    Returns:
        the frames of each window (W, 5) int64, the last one again where a window has fewer, and of each
        frame its place (N,) int64 in the windows, one after the other.
    """
    order = torch.argsort(track, stable=True)
    held = track[order]
    begins = torch.cat([held.new_ones(1, dtype=torch.bool), held[1:] != held[:-1]])
    at = torch.arange(len(held), device=held.device)
    step = at - torch.cummax(torch.where(begins, at, 0), 0).values
    window = torch.cumsum((step % FRAMES == 0).long(), 0) - 1
    first = at[step % FRAMES == 0]
    last = torch.cat([first[1:], first.new_tensor([len(held)])]) - 1
    offsets = torch.arange(FRAMES, device=held.device)
    rows = order[torch.minimum(first[:, None] + offsets, last[:, None])]
    place = torch.empty_like(at)
    place[order] = window * FRAMES + step % FRAMES
    return rows, place


def released_video_pdp(
    state: Mapping[str, Tensor], path: str | Path, backbone: str | Path | None = None
) -> tuple[VideoPDP, dict[str, Any]] | None:
    """The video model of a released file, with or without depth; None for other tensors.

    Raises:
        InputError: a backbone is given, which it has not; or the tensors do not fit.
    """
    if "temporal_pos_embed" not in state:
        return None
    if backbone is not None:
        raise InputError(
            f"{path}: found a {TITLE}, which stands on no frozen backbone; expected a model on {backbone}"
        )
    stem = state.get("conv1_scene.weight")
    depth = stem is None or stem.shape[1:2] != (4,)
    name = TITLE + " without depth" * (not depth)
    config = VideoPDPConfig.paper(depth=depth)
    model = filled(lambda: VideoPDP(config), state, f"{path}, read as {name}")
    return model, {"released": name}


def _sized(sizes: Callable[..., VideoPDPConfig], depth: bool) -> Callable[[bool], VideoPDPConfig]:
    def of(prior: bool) -> VideoPDPConfig:
        if prior:
            raise InputError(f"{TITLE}: sees no prior map")
        return sizes(depth=depth)

    return of


DESCRIPTION = Description(
    title="Video PDP",
    sizes={
        **{"world": (56, 32), "world-nodepth": (56, 32)},
        **{"paper": (224, 64), "paper-nodepth": (224, 64)},
    },
    marked_by=(
        *("conv1_scene.weight", "conv4.weight", "patch_pos_embedding", "inout_patch_pred.weight"),
        "temporal_pos_embed",
    ),
    marks=PDP_MARKS,
    starts=("PDP", "VAT", TOWERS, DENOISER, RESNET),
    tracks=True,
    options=("patch_weight", "patch_rule"),
    depth=("world", "paper"),
    claims={"paper": "video-pdp"},
)
TITLE = DESCRIPTION.title

KIND = Kind(
    config=VideoPDPConfig,
    build=VideoPDP,
    sizes={
        "world": _sized(VideoPDPConfig.world, True),
        "world-nodepth": _sized(VideoPDPConfig.world, False),
        "paper": _sized(VideoPDPConfig.paper, True),
        "paper-nodepth": _sized(VideoPDPConfig.paper, False),
    },
    with_in_frame=lambda config: replace(config, inout=True),
    start=start_from,
    released=released_video_pdp,
)
