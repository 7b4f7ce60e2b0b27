"""Reference values of the semantic gaze model: the rule of ``golden_rule`` and rows for its tensors."""

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
