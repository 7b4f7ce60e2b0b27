"""Reference values of the semantic gaze model: the rule of ``golden_rule`` and rows for its tensors.

And the release's target maps, which nothing is trained towards here (``gcdr.data.heatmaps.gaussians`` is).
"""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from golden_rule import Goldens
from torch import Tensor
from torch.nn import functional as F

from gcdr.models.interface import GazeInputs
from gcdr.models.semgaze_config import SemgazeConfig

TOKENS = ("pos_emb", "global_tokens")
SIGMA = 3.0  # cells
REACH = 3  # standard deviations after which the release cuts a target map to a square
FILES = {"full": "semgaze", "small": "semgaze_small"}


class SemgazeGoldens(Goldens):
    """Reference values in the folders ``semgaze`` and ``keys``."""

    def __init__(self, find: Callable[[str], Path]) -> None:
        self.find, self.made = find, {}
        salt = find("semgaze") / "salt.txt"
        self.salt = salt.read_text().strip() if salt.exists() else ""

    def arrays(self, name: str) -> dict[str, Any]:
        with np.load(self.find(f"semgaze/{name}.npz"), allow_pickle=False) as file:
            content: dict[str, Any] = {key: file[key] for key in file.files}
        return content | {"meta": json.loads(content.pop("meta_json").tobytes())}

    def weight(self, name: str, shape: list[int]) -> Tensor:
        parts = name.split(".")
        if name == "logit_scale":
            return torch.tensor(math.log(1 / 0.07))
        if parts[-1] in TOKENS or parts[-2:-1] == ["not_a_person_embed"]:
            value = 0.5 * self.generator(name).standard_normal(shape)
            return torch.from_numpy(value.astype(np.float32))
        return super().weight(name, shape)

    def weights(self, model: str) -> dict[str, Tensor]:
        """A whole checkpoint, made once."""
        if model not in self.made:
            self.made[model] = super().weights(model)
        return dict(self.made[model])

    def unit(self, name: str, shape: tuple[int, ...]) -> Tensor:
        return F.normalize(self.normal(name, shape), dim=-1)

    def picture(self, name: str, height: int, width: int) -> np.ndarray:
        """(height, width, 3) uint8 of blocks of 16 pixels."""
        cells = np.floor(256 * self.generator(name).random((height // 16, width // 16, 3)))
        return cells.astype(np.uint8).repeat(16, 0).repeat(16, 1)

    def inputs(self, name: str) -> GazeInputs:
        """The two scenes of three people of a file."""
        meta = self.arrays(name)["meta"]

        def blocks(what: str, count: int, side: int, pixels: int) -> Tensor:
            cells = self.normal(f"input.{what}.{name}", (count, 3, side, side))
            return cells.repeat_interleave(pixels, dim=2).repeat_interleave(pixels, dim=3)

        boxes = torch.tensor(meta["inputs"]["head_bboxes"])
        heads = blocks("heads", 6, 7, 32)
        heads[(boxes.flatten(0, 1) == 0).all(1)] = 0
        image_of = torch.arange(2).repeat_interleave(3)
        images = blocks("image", 2, 16, 16)
        return GazeInputs(
            images=images, image_of=image_of, head_box=boxes.flatten(0, 1), head_crop=heads
        )


def config_of(meta: dict[str, Any], people: str = "together") -> SemgazeConfig:
    """The sizes that a reference file tells."""
    told = meta["config"]
    return SemgazeConfig(
        width=told["token_dim"],
        blocks=told["encoder_depth"],
        encoder_heads=told["encoder_num_heads"],
        decoder_layers=told["decoder_depth"],
        decoder_heads=told["decoder_num_heads"],
        people=people,
    )


def semgaze_targets(points: Tensor, size: int = 64, sigma: float = SIGMA) -> Tensor:
    """Target maps as the release makes them of one point: a Gaussian cut to a square, its maximum 1.

    Cell k is where a point k / size is. The square reaches from int(c - 3 sigma) to int(c + 3 sigma + 1), the
    latter excluded, c the point in cells.

    Args:
        points: (N, 2) x and y in 0..1; NaN, or a negative coordinate, gives an empty map.
        size: height and width of the maps in cells.
        sigma: standard deviation in cells.

    Returns:
        (N, size, size) float32 in [0, 1].
    """
    cells = torch.arange(size, device=points.device)

    def profile(coordinate: Tensor) -> Tensor:
        centre = coordinate.double() * size
        low, high = (torch.trunc(centre + side) for side in (-REACH * sigma, REACH * sigma + 1))
        shown = (cells >= low[:, None]) & (cells < high[:, None])  # NaN compares as false
        shown &= (coordinate >= 0)[:, None]
        return torch.where(shown, torch.exp(-(((cells - centre[:, None]) / sigma) ** 2) / 2), 0.0)

    return _peaked(profile(points[:, 1])[:, :, None] * profile(points[:, 0])[:, None, :])


def annotators_map(points: Tensor, size: int = 64, sigma: float = SIGMA) -> Tensor:
    """The map of several annotators: the mean of their Gaussians with full support, its maximum 1.

    Args:
        points: (A, 2) x and y in 0..1; rows of NaN or with a negative number do not count.
        size, sigma: as in :func:`semgaze_targets`.

    Returns:
        (size, size) float32; zeros without annotators.
    """
    known = points[(points >= 0).all(1)].double() * size
    away = torch.arange(size, device=points.device) - known[:, :, None]  # (A, 2, size)
    profile = torch.exp(-((away / sigma) ** 2) / 2)
    return _peaked((profile[:, 1, :, None] * profile[:, 0, None, :]).sum(0)[None])[0]


def _peaked(maps: Tensor) -> Tensor:
    peak = maps.amax((1, 2), keepdim=True)
    return torch.where(peak > 0, maps / peak, 0.0).float()
