"""VAT and VAT-GC: heatmaps of where a person looks (Chong et al. 2020; ECCV 2024, 3.2).

Attribute names are the parameter names of released VAT checkpoints.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from torch import Tensor, nn
from torch.nn import functional as F

from gcdr.base.errors import InputError
from gcdr.data.views import HeadMask
from gcdr.models.checkpoints import filled
from gcdr.models.description import DENOISER, RESNET, TOWERS, VAT_IN_FRAME, VAT_MARKS, Description
from gcdr.models.folding import rectified
from gcdr.models.interface import GazeInputs, GazeModel, GazeOutput, Kind, Needs
from gcdr.models.objectives import squared_error
from gcdr.models.precision import in_precision
from gcdr.models.sizes import CONVLSTM, VATConfig
from gcdr.models.starting import start_from
from gcdr.models.towers import Bottleneck, GazeFeatures, init_convolutions


class VAT(GazeFeatures, GazeModel):
    """Towers, 1x1 convolutions, transposed convolutions; VAT-GC if the towers take a Grad-CAM map.

    Its heatmaps are unbounded, and trained towards [0, 1] by the mean squared error (paper, Sec. 3.5).

    Args:
        config: sizes; ``VATConfig.paper()`` has 61,451,706 parameters (VAT-GC: 61,464,250).
        block: the towers' residual blocks, see ``GazeFeatures``.
        decoder_norm: the decoder's batch norms.
    """

    kind: ClassVar[str] = "vat"

    def __init__(
        self,
        config: VATConfig,
        block: Callable[[int, int, int, int], nn.Module] = Bottleneck,
        decoder_norm: type[nn.BatchNorm2d] = nn.BatchNorm2d,
    ) -> None:
        super().__init__(config.towers, block)
        self.config = config
        first, second = config.compress
        self.compress_conv1 = nn.Conv2d(self.out_channels, first, 1, bias=False)
        self.compress_bn1 = nn.BatchNorm2d(first)
        self.compress_conv2 = nn.Conv2d(first, second, 1, bias=False)
        self.compress_bn2 = nn.BatchNorm2d(second)
        self._add_in_frame()
        channels = second
        stages = zip(
            config.decoder_channels, config.decoder_kernels, config.decoder_strides, strict=True
        )
        for number, (width, kernel, stride) in enumerate(stages, start=1):
            self.add_module(f"deconv{number}", nn.ConvTranspose2d(channels, width, kernel, stride))
            self.add_module(f"deconv_bn{number}", decoder_norm(width))
            channels = width
        self.conv4 = nn.Conv2d(1, 1, 1)
        self.apply(init_convolutions)
        # A random sign would make half of all fresh models start upside down, a random scale far
        # from a heatmap's; this scale turns a normalised map with one Gaussian into that Gaussian.
        nn.init.constant_(self.conv4.weight, 0.2)
        nn.init.zeros_(self.conv4.bias)

    def _add_in_frame(self) -> None:
        """Add the layers of the in/out head, where there is one."""
        if not self.config.inout:
            return
        width = self.config.inout_channels
        self.compress_conv1_inout = nn.Conv2d(self.out_channels, width, 1, bias=False)
        self.compress_bn1_inout = nn.BatchNorm2d(width)
        self.compress_conv2_inout = nn.Conv2d(width, 1, 1, bias=False)
        self.compress_bn2_inout = nn.BatchNorm2d(1)
        self.fc_inout = nn.Linear(self.config.towers.feature_size**2, 1)

    @property
    def needs(self) -> Needs:
        towers = self.config.towers
        prior = towers.gradcam_size is not None
        return Needs(crop=True, mask=True, prior=prior, depth=towers.depth)

    @property
    def input_size(self) -> int:
        return self.config.towers.input_size

    @property
    def map_size(self) -> int:
        return self.config.map_size

    @property
    def head_mask(self) -> HeadMask:
        return self.config.towers.head_mask

    @property
    def objective(self) -> Callable[[Tensor, Tensor], Tensor]:
        return squared_error

    @property
    def tells_in_frame(self) -> bool:
        return self.config.inout

    @in_precision
    def forward(self, inputs: GazeInputs) -> GazeOutput:
        """Predict heatmaps, see ``GazeFeatures.features``.

        Raises:
            InputError: a Grad-CAM map is given to VAT, or lacks for VAT-GC.
        """
        features = self.features(inputs)
        return GazeOutput(
            heatmap=self.decoded(self.compressed(features)), in_frame=self.in_frame(features)
        )

    def compressed(self, features: Tensor) -> Tensor:
        """Features of people (N, out_channels, h, w) to what the decoder sees (N, compress[1], h, w)."""
        x = rectified(features, self.compress_conv1, self.compress_bn1)
        return rectified(x, self.compress_conv2, self.compress_bn2)

    def decoded(self, x: Tensor) -> Tensor:
        """What the decoder sees to heatmaps (N, H, W) float32."""
        for number in range(1, len(self.config.decoder_channels) + 1):
            x = self.get_submodule(f"deconv{number}")(x)
            x = F.relu(self.get_submodule(f"deconv_bn{number}")(x), inplace=True)
        return self.conv4(x).squeeze(1).float()

    def in_frame(self, features: Tensor) -> Tensor | None:
        """In/out logits (N,) float32 of people's features; None of a model without that head."""
        if not self.config.inout:
            return None
        x = rectified(features, self.compress_conv1_inout, self.compress_bn1_inout)
        x = rectified(x, self.compress_conv2_inout, self.compress_bn2_inout)
        return self.fc_inout(x.flatten(1)).squeeze(1).float()


def sees_prior(state: Mapping[str, Tensor]) -> bool:
    """Whether tensors of the paper's size are of a model that sees prior maps, by what its attention sees."""
    attention = state.get("attn.weight")
    wide = VATConfig.paper(True).towers.attention_inputs
    return attention is not None and attention.shape[-1:] == (wide,)


def released_vat(
    state: Mapping[str, Tensor], path: str | Path, backbone: str | Path | None = None
) -> tuple[VAT, dict[str, Any]] | None:
    """VAT or VAT-GC of a released file, told apart by what the attention sees; None for other tensors.

    Raises:
        InputError: it is VAT and a backbone is given, which VAT has not; or the tensors do not fit.
    """
    if "conv1_scene.weight" not in state or any(name.startswith(CONVLSTM) for name in state):
        return None
    if backbone is not None:
        raise InputError(
            f"{path}: found a VAT, which stands on no frozen backbone; expected a model on {backbone}"
        )
    gradcam = sees_prior(state)
    name = "VAT-GC" if gradcam else "VAT"
    model = filled(lambda: VAT(VATConfig.paper(gradcam)), state, f"{path}, read as {name}")
    return model, {"released": name}


DESCRIPTION = Description(
    title="VAT",
    sizes={"world": (56, 32), "paper": (224, 64)},
    marked_by=("conv1_scene.weight", "conv4.weight"),
    marks=VAT_MARKS,
    claims={"paper": "vat"},
    in_frame_head=VAT_IN_FRAME,
    prior_marks=({"attn.weight": (49, 241)}, {"attn.weight": (49, 2064)}),  # world's, the paper's
    starts=(TOWERS, DENOISER, RESNET),
    towers=True,
)

KIND = Kind(
    config=VATConfig,
    build=VAT,
    sizes={"world": VATConfig.world, "paper": VATConfig.paper},
    with_in_frame=lambda config: replace(config, inout=True),
    start=start_from,
    released=released_vat,
)
