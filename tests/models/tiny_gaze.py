"""A gaze model as a newcomer writes one: this file, and a line in the table of ``gcdr.models.kinds``."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor, nn

from gcdr.base.errors import InputError
from gcdr.base.jsonconfig import JsonConfig
from gcdr.base.tensors import read_tensors
from gcdr.models.description import Description
from gcdr.models.interface import GazeInputs, GazeModel, GazeOutput, Kind, Needs
from gcdr.models.objectives import squared_error
from gcdr.models.precision import in_precision
from gcdr.models.sizes import weights_file
from gcdr.models.weights import load_weights

DESCRIPTION = Description(
    title="Tiny",
    sizes={"world": (28, 32), "wide": (28, 32)},
    marked_by=("glance.weight", "place."),
    marks={"world": {"glance.weight": (4, 3, 7, 7)}, "wide": {"glance.weight": (8, 3, 7, 7)}},
)


@dataclass(frozen=True)
class TinyConfig(JsonConfig):
    """Sizes.

    Attributes:
        channels: of the only convolution.
        inout: whether the model has an in-frame head.
    """

    channels: int = 4
    inout: bool = False


class Tiny(GazeModel):
    """A convolution over the picture, and where the head is."""

    kind: ClassVar[str] = "tiny"
    input_size = 28
    map_size = 32

    def __init__(self, config: TinyConfig) -> None:
        super().__init__()
        self.config = config
        self.glance = nn.Conv2d(3, config.channels, 7, stride=7)
        self.place = nn.Linear(16 * config.channels + 4, self.map_size**2)
        self.inout_head = nn.Linear(16 * config.channels + 4, 1) if config.inout else None

    @property
    def needs(self) -> Needs:
        return Needs(per="image")

    @property
    def objective(self) -> Callable[[Tensor, Tensor], Tensor]:
        return squared_error

    @property
    def tells_in_frame(self) -> bool:
        return self.config.inout

    @in_precision
    def forward(self, inputs: GazeInputs) -> GazeOutput:
        seen = self.glance(inputs.images).relu().flatten(1)[inputs.image_of]
        known = torch.cat([seen, inputs.head_box.nan_to_num().to(seen.dtype)], dim=1)
        heatmap = self.place(known).unflatten(1, (self.map_size, self.map_size)).float()
        told = None if self.inout_head is None else self.inout_head(known).squeeze(1).float()
        return GazeOutput(heatmap=heatmap, in_frame=told)


def _sized(channels: int) -> Callable[[bool], TinyConfig]:
    def sizes(prior: bool) -> TinyConfig:
        if prior:
            raise InputError("Tiny: sees no prior map")
        return TinyConfig(channels)

    return sizes


KIND = Kind(
    config=TinyConfig,
    build=Tiny,
    sizes={"world": _sized(4), "wide": _sized(8)},
    with_in_frame=lambda config: replace(config, inout=True),
    start=lambda model, source: load_weights(
        model, read_tensors(weights_file(source)), str(source)
    ),
)
