"""VAT's video model: heatmaps of where people of a film look (Chong et al. 2020; ECCV 2024, 4.4).

VAT, or VAT-GC, with a ConvLSTM between what the towers see of a frame and the decoder; its in/out head looks
at single frames. Attribute names are the parameter names of released checkpoints.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from torch import Tensor, nn

from gcdr.base.errors import InputError
from gcdr.data.crops import FILM_PADDING
from gcdr.models.checkpoints import filled
from gcdr.models.convlstm import ConvLSTM
from gcdr.models.description import DENOISER, RESNET, TOWERS, VAT_IN_FRAME, VAT_MARKS, Description
from gcdr.models.interface import GazeInputs, GazeOutput, Kind, Needs
from gcdr.models.precision import in_precision
from gcdr.models.shares import rows_of_batch
from gcdr.models.sizes import CONVLSTM, VideoVATConfig, beginning
from gcdr.models.starting import start_from
from gcdr.models.towers import Bottleneck
from gcdr.models.vat import VAT, sees_prior


class SkippingNorm(nn.BatchNorm2d):
    """A batch norm that is left out where a call has a single frame, as the authors' video model does."""

    def forward(self, x: Tensor) -> Tensor:
        return x if rows_of_batch(x) == 1 else super().forward(x)


class VideoBottleneck(Bottleneck):
    """A residual block with one more norm, which only blocks with a convolution in their shortcut use."""

    def __init__(
        self, channels: int, width: int, stride: int, expansion: int, norm: type[nn.BatchNorm2d]
    ) -> None:
        super().__init__(channels, width, stride, expansion, norm)
        self.bn_ds = norm(width * expansion)

    def shortcut(self, x: Tensor) -> Tensor:
        return x if self.downsample is None else self.bn_ds(self.downsample(x))


NORMS = {"always": nn.BatchNorm2d, "reference": SkippingNorm}


class VideoVAT(VAT):
    """VAT that follows tracks; VAT-GC in time if the towers take a Grad-CAM map.

    Args:
        config: sizes; ``VideoVATConfig.paper()`` has 99,277,242 parameters, with a Grad-CAM map 99,289,786.
    """

    kind: ClassVar[str] = "video-vat"
    config: VideoVATConfig

    def __init__(self, config: VideoVATConfig) -> None:
        norm = NORMS[config.norms]
        super().__init__(config, partial(VideoBottleneck, norm=norm), norm)
        self.convlstm_scene = ConvLSTM(
            config.compress[1], config.layers, config.dropout, config.signal
        )

    @property
    def needs(self) -> Needs:
        return replace(super().needs, tracks=True)

    @property
    def in_time(self) -> tuple[str, ...]:
        """Its memory, what comes after it, and attention that sees a prior map, which VAT cannot start."""
        attention = ("attn.",) if self.needs.prior else ()
        return (*attention, "convlstm_scene", "deconv", "conv4", "fc_inout")

    @property
    def released_config(self) -> VideoVATConfig:
        """Without the signal, which is in the weights then, and whatever norms the authors' code applies."""
        return replace(self.config, signal=1.0, norms="always")

    def released_state(self) -> dict[str, Tensor]:
        """Weights of the same model at signal 1: the gates' and the decoder's first convolution hold it."""
        state = self.state_dict()
        first, after = "convlstm_scene.weight_ih_l0", "deconv1.weight"
        return state | {
            first: state[first] * self.config.signal,
            after: state[after] / self.config.signal,
        }

    @in_precision
    def forward(self, inputs: GazeInputs) -> GazeOutput:
        """Predict heatmaps of frames of tracks, and what is remembered of these.

        Args:
            inputs: as for VAT, with ``track`` and ``memory``; without them each is a track of one frame.

        Raises:
            InputError: as VAT.
        """
        features = self.features(inputs)
        x, memory = self.convlstm_scene(self.compressed(features), inputs)
        return GazeOutput(heatmap=self.decoded(x), in_frame=self.in_frame(features), memory=memory)


def released_video_vat(
    state: Mapping[str, Tensor], path: str | Path, backbone: str | Path | None = None
) -> tuple[VideoVAT, dict[str, Any]] | None:
    """VAT's video model of a released file, or VAT-GC's of ours in its layout; None for other tensors.

    Raises:
        InputError: it is that and a backbone is given, which it has not; or the tensors do not fit.
    """
    if "conv1_scene.weight" not in state or not any(name.startswith(CONVLSTM) for name in state):
        return None
    if backbone is not None:
        raise InputError(
            f"{path}: found a {TITLE}, which stands on no frozen backbone; expected a model on {backbone}"
        )
    gradcam = sees_prior(state)
    name = DESCRIPTION.titled(gradcam)
    config = VideoVATConfig.paper(gradcam)
    model = filled(lambda: VideoVAT(config), state, f"{path}, read as {name}")
    model.head_padding = FILM_PADDING
    return model, {"released": name}


def _sized(sizes: Callable[[bool], VideoVATConfig]) -> Callable[[bool], VideoVATConfig]:
    return lambda prior: beginning(sizes(prior))


DESCRIPTION = Description(
    title="Video VAT",
    sizes={"world": (56, 32), "paper": (224, 64)},
    marked_by=("conv1_scene.weight", "conv4.weight", "convlstm_scene."),
    marks=VAT_MARKS,
    claims={"paper": "vat"},
    in_frame_head=VAT_IN_FRAME,
    prior_marks=({"attn.weight": (49, 241)}, {"attn.weight": (49, 2064)}),  # those of VAT-GC
    starts=("VAT", "VAT-GC", TOWERS, DENOISER, RESNET),
    tracks=True,
)
TITLE = DESCRIPTION.title

KIND = Kind(
    config=VideoVATConfig,
    build=VideoVAT,
    sizes={"world": _sized(VideoVATConfig.world), "paper": _sized(VideoVATConfig.paper)},
    with_in_frame=lambda config: replace(config, inout=True),
    start=start_from,
    released=released_video_vat,
)
