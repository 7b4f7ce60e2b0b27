"""VAT and VAT-GC: heatmaps of where a person looks (Chong et al. 2020; ECCV 2024, 3.2).

Attribute names are the parameter names of released VAT checkpoints.
"""

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional as F

from gcdr.models.precision import in_precision
from gcdr.models.sizes import VATConfig
from gcdr.models.towers import GazeFeatures, init_convolutions


@dataclass(frozen=True)
class GazeOutput:
    """What a gaze model returns.

    Attributes:
        heatmap: (N, H, W) float, unbounded (trained towards [0, 1]).
        in_frame: (N,) float logits, positive where the target is inside the image, or None.
    """

    heatmap: Tensor
    in_frame: Tensor | None = None


class VAT(GazeFeatures):
    """Towers, 1x1 convolutions, transposed convolutions; VAT-GC if the towers take a Grad-CAM map.

    Args:
        config: sizes; ``VATConfig.paper()`` has 61,451,706 parameters (VAT-GC: 61,464,250).
    """

    def __init__(self, config: VATConfig) -> None:
        super().__init__(config.towers)
        self.config = config
        first, second = config.compress
        self.compress_conv1 = nn.Conv2d(self.out_channels, first, 1, bias=False)
        self.compress_bn1 = nn.BatchNorm2d(first)
        self.compress_conv2 = nn.Conv2d(first, second, 1, bias=False)
        self.compress_bn2 = nn.BatchNorm2d(second)
        if config.inout:
            width = config.inout_channels
            self.compress_conv1_inout = nn.Conv2d(self.out_channels, width, 1, bias=False)
            self.compress_bn1_inout = nn.BatchNorm2d(width)
            self.compress_conv2_inout = nn.Conv2d(width, 1, 1, bias=False)
            self.compress_bn2_inout = nn.BatchNorm2d(1)
            self.fc_inout = nn.Linear(config.towers.feature_size**2, 1)
        channels = second
        stages = zip(
            config.decoder_channels, config.decoder_kernels, config.decoder_strides, strict=True
        )
        for number, (width, kernel, stride) in enumerate(stages, start=1):
            self.add_module(f"deconv{number}", nn.ConvTranspose2d(channels, width, kernel, stride))
            self.add_module(f"deconv_bn{number}", nn.BatchNorm2d(width))
            channels = width
        self.conv4 = nn.Conv2d(1, 1, 1)
        self.apply(init_convolutions)
        # A random sign would make half of all fresh models start upside down, a random scale far
        # from a heatmap's; this scale turns a normalised map with one Gaussian into that Gaussian.
        nn.init.constant_(self.conv4.weight, 0.2)
        nn.init.zeros_(self.conv4.bias)

    @in_precision
    def forward(
        self, scene: Tensor, head_mask: Tensor, head_crop: Tensor, gradcam: Tensor | None = None
    ) -> GazeOutput:
        """Predict heatmaps; the arguments are those of ``GazeFeatures.features``.

        Raises:
            InputError: a Grad-CAM map is given to VAT, or lacks for VAT-GC.
        """
        features = self.features(scene, head_mask, head_crop, gradcam)
        in_frame = self._in_frame(features) if self.config.inout else None
        x = F.relu(self.compress_bn1(self.compress_conv1(features)), inplace=True)
        x = F.relu(self.compress_bn2(self.compress_conv2(x)), inplace=True)
        for number in range(1, len(self.config.decoder_channels) + 1):
            x = self.get_submodule(f"deconv{number}")(x)
            x = F.relu(self.get_submodule(f"deconv_bn{number}")(x), inplace=True)
        return GazeOutput(self.conv4(x).squeeze(1).float(), in_frame)

    def _in_frame(self, features: Tensor) -> Tensor:
        x = F.relu(self.compress_bn1_inout(self.compress_conv1_inout(features)), inplace=True)
        x = F.relu(self.compress_bn2_inout(self.compress_conv2_inout(x)), inplace=True)
        return self.fc_inout(x.flatten(1)).squeeze(1).float()
