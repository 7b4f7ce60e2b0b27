"""The conditional denoiser: gaze features, adapters to context maps, U-Net (ECCV 2024, 3.3).

Attribute names are the parameter names of released GCDR checkpoints; the schedule buffers that
those carry beside (``diffusion.*``) belong to ``gcdr.refine.diffusion`` here.
"""

from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gcdr.base.errors import InputError
from gcdr.data.views import HeadMask
from gcdr.models.interface import GazeInputs, Needs, SeesPeople, TrackMemory
from gcdr.models.objectives import squared_error
from gcdr.models.precision import in_precision
from gcdr.models.sizes import DenoiserConfig
from gcdr.models.towers import GazeFeatures
from gcdr.models.unet import UNet


class NoFeatures(nn.Module):
    """The feature extractor of a network that does not see the picture: a single zero."""

    out_channels = 1

    def forward(self, inputs: GazeInputs) -> Tensor:
        """Zeros (N, 1, 1, 1) for N people."""
        return inputs.images.new_zeros(len(inputs), 1, 1, 1)


class Denoiser(SeesPeople):
    """Predicts the clean heatmap from a noisy one, given scene and head.

    Args:
        config: sizes; ``DenoiserConfig.paper()`` makes 79,230,914 parameters.
        features: any module ``GazeInputs -> (N, C, h, w)`` with an attribute ``out_channels`` = C;
            where it is None, the towers of ``config.towers``, or nothing with ``config.features``
            "none".
    """

    kind: ClassVar[str] = "denoiser"

    def __init__(self, config: DenoiserConfig, features: nn.Module | None = None) -> None:
        super().__init__()
        self.config = config
        if features is None:
            blind = config.features == "none"
            features = NoFeatures() if blind else GazeFeatures(config.towers)
        self.feat_extractor = features
        self.diffusion_model = UNet(config)
        widths = config.widths
        self.compress_conv1 = nn.Conv2d(self.feat_extractor.out_channels, widths[-1], 1, bias=False)
        self.compress_bn1 = nn.BatchNorm2d(widths[-1])
        for level in reversed(range(len(widths) - 1)):
            deconv = nn.ConvTranspose2d(widths[level + 1], widths[level], 2, 2)
            self.add_module(f"upsample_{level}", deconv)
            self.add_module(f"upsample{level}_bn", nn.BatchNorm2d(widths[level]))
        if config.head == "mass":
            blur = gaussian_matrix(config.map_size, config.sigma)
            self.register_buffer("blur", blur, persistent=False)

    @property
    def needs(self) -> Needs:
        return Needs(crop=True, mask=True, depth=self.config.towers.depth)

    @property
    def input_size(self) -> int:
        return self.config.towers.input_size

    @property
    def map_size(self) -> int:
        return self.config.map_size

    @property
    def objective(self) -> Callable[[Tensor, Tensor], Tensor]:
        return squared_error

    @property
    def head_mask(self) -> HeadMask:
        return self.config.towers.head_mask

    @in_precision
    def context(self, inputs: GazeInputs) -> list[Tensor]:
        """Context maps of the levels, finest first; computed once for all noise draws and steps.

        Args:
            inputs: N people, with head crops and head masks, and depth where the towers see it.

        Returns:
            For each level a non-negative float tensor (N, width, C, C), C = H / patch / 2**level.
        """
        return self._levels(self._compressed(inputs))

    def context_in_time(self, inputs: GazeInputs) -> tuple[list[Tensor], TrackMemory | None]:
        """What ``context`` returns, and what a denoiser that follows tracks remembers of them."""
        return self.context(inputs), None

    def _compressed(self, inputs: GazeInputs) -> Tensor:
        """Features of people (N, widths[-1], h, w)."""
        x = self.compress_conv1(self.feat_extractor(inputs))
        return F.relu(self.compress_bn1(x), inplace=True)

    def _levels(self, x: Tensor) -> list[Tensor]:
        levels = len(self.config.widths)
        size = self.config.coarsest_size
        context = [F.interpolate(x, size=(size, size), mode="nearest")]
        for level in reversed(range(levels - 1)):
            x = self.get_submodule(f"upsample_{level}")(context[0])
            context.insert(0, F.relu(self.get_submodule(f"upsample{level}_bn")(x), inplace=True))
        return context

    def predict(self, noisy: Tensor, time: Tensor, context: list[Tensor]) -> Tensor:
        """Predict clean heatmaps (the paper's x0).

        Args:
            noisy: (k*N, H, W) float in the network's range [0, 1], k noise draws of N images, draw
                by draw: row ``d * N + n`` is draw d of image n.
            time: (k*N,) float in 1..T.
            context: what ``context`` returned for the N images.

        Returns:
            (k*N, H, W) float; unbounded for the plain head, in [0, 1] for the mass head.

        Raises:
            InputError: the number of maps is no multiple of the number of images, or their side is
                not the model's.
        """
        size = self.config.map_size
        if len(noisy) % len(context[0]) or noisy.shape[1:] != (size, size):
            raise InputError(
                f"noisy heatmaps: found shape {tuple(noisy.shape)}, expected a multiple of "
                f"{len(context[0])} maps of {size} x {size}"
            )
        logits = self._logits(noisy, time, context)
        if self.config.head == "plain":
            return logits
        mass = logits.flatten(1).softmax(dim=1).view_as(logits)
        return self.blur @ mass @ self.blur

    @in_precision
    def _logits(self, noisy: Tensor, time: Tensor, context: list[Tensor]) -> Tensor:
        return self.diffusion_model(noisy[:, None], time, context)[:, 0].float()

    def forward(self, noisy: Tensor, time: Tensor, inputs: GazeInputs) -> Tensor:
        """``predict`` with the context of these people: shapes as there and in ``context``."""
        return self.predict(noisy, time, self.context(inputs))


def gaussian_matrix(size: int, sigma: float) -> Tensor:
    """Symmetric (size, size) float32 matrix B: ``B @ map @ B`` blurs by a Gaussian of peak 1.

    A one-hot map becomes the label heatmap of that cell (ECCV 2024, 3.1), and a distribution over
    cells becomes the expected label.
    """
    cells = torch.arange(size, dtype=torch.float32)
    return torch.exp(-((cells[:, None] - cells[None]) ** 2) / (2 * sigma**2))
