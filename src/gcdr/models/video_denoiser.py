"""The denoiser of tracks: what it sees of a frame passes a ConvLSTM on its way to the U-Net (ECCV 2024, 4.4).

Attribute names are the parameter names of released GCDR checkpoints.
"""

from dataclasses import replace
from typing import ClassVar

from torch import Tensor, nn

from gcdr.models.convlstm import ConvLSTM
from gcdr.models.denoiser import Denoiser
from gcdr.models.interface import GazeInputs, Needs, TrackMemory
from gcdr.models.precision import in_precision
from gcdr.models.sizes import VideoDenoiserConfig


class VideoDenoiser(Denoiser):
    """Predicts clean heatmaps of frames of tracks; ``predict`` is the denoiser's.

    Args:
        config: sizes; ``VideoDenoiserConfig.paper()`` makes 88,672,194 parameters.
        features: as for the denoiser.
    """

    kind: ClassVar[str] = "video-denoiser"

    def __init__(self, config: VideoDenoiserConfig, features: nn.Module | None = None) -> None:
        super().__init__(config, features)
        self.convlstm_scene = ConvLSTM(
            config.widths[-1], config.layers, config.dropout, config.signal
        )

    @property
    def needs(self) -> Needs:
        return replace(super().needs, tracks=True)

    @property
    def in_time(self) -> tuple[str, ...]:
        """Its memory, and what comes after it."""
        return ("convlstm_scene", "upsample", "diffusion_model")

    def context(self, inputs: GazeInputs) -> list[Tensor]:
        """Context maps of frames that nothing follows, see ``context_in_time``."""
        return self.context_in_time(inputs)[0]

    @in_precision
    def context_in_time(self, inputs: GazeInputs) -> tuple[list[Tensor], TrackMemory]:
        """Context maps of the levels, as of the denoiser, and what is remembered of the tracks.

        Args:
            inputs: N people of frames, with head crops and head masks, ``track`` and ``memory``.
        """
        x, memory = self.convlstm_scene(self._compressed(inputs), inputs)
        return self._levels(x), memory
