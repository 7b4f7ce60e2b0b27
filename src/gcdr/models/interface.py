"""What every gaze model takes and gives, so that one can stand where another stood."""

from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor, nn


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What a gaze model wants to be given, beside pictures and head boxes.

    Attributes:
        crop: ``head_crop``.
        mask: ``head_mask``.
        prior: ``prior``.
        tokens: ``tokens`` may take the place of ``images``.
        one_pass: what the costly part runs over: each "image" once, or each "person".
    """

    crop: bool = False
    mask: bool = False
    prior: bool = False
    tokens: bool = False
    one_pass: Literal["image", "person"] = "person"


@dataclass(frozen=True, kw_only=True)
class GazeInputs:
    """People in pictures.

    Attributes:
        images: (M, 3, S, S) float, normalised colours, each image once; None with ``tokens``.
        image_of: (N,) int64 in 0..M-1, which image a person is in.
        head_box: (N, 4) float, x0, y0, x1, y1 in 0..1 of the image as shown; NaN where there is none.
        head_crop: (N, 3, C, C) float, normalised colours.
        head_mask: (N, 1, S, S) float, 1 inside the head box.
        prior: (N, 1, G, G) float in [0, 1].
        tokens: (M, C, h, w) float, features of a frozen backbone in place of ``images``.
    """

    images: Tensor | None = None
    image_of: Tensor
    head_box: Tensor
    head_crop: Tensor | None = None
    head_mask: Tensor | None = None
    prior: Tensor | None = None
    tokens: Tensor | None = None


@dataclass(frozen=True, kw_only=True)
class GazeOutput:
    """What a gaze model returns.

    Attributes:
        heatmap: (N, H, W) float.
        in_frame: (N,) float logits, positive where the target is inside the image, or None.
    """

    heatmap: Tensor
    in_frame: Tensor | None = None


class GazeModel(nn.Module):
    """A gaze model.

    Attributes:
        config: its sizes.
        needs: what it wants to be given.
        input_size: side of the pictures in pixels.
        map_size: side of the heatmaps in cells.
    """

    config: Any
    needs: Needs
    input_size: int
    map_size: int

    def forward(self, inputs: GazeInputs) -> GazeOutput:
        raise NotImplementedError
