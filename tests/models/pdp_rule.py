"""Reference values of Miao et al.: the rule of ``golden_rule`` with the rows that its tensors need."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from golden_rule import Goldens, head_masks
from torch import Tensor

from gcdr.models.interface import GazeInputs

EMBEDDINGS = ("outside_embedding", "patch_pos_embedding", "temporal_pos_embed")


class PDPGoldens(Goldens):
    """Reference values in the folders ``pdp`` and ``keys``."""

    def __init__(self, find: Callable[[str], Path]) -> None:
        self.find = find
        salt = find("pdp/targets.npz").with_name("salt.txt")
        self.salt = salt.read_text().strip() if salt.exists() else ""

    def arrays(self, name: str) -> dict[str, Any]:
        with np.load(self.find(f"pdp/{name}.npz"), allow_pickle=False) as file:
            content: dict[str, Any] = {key: file[key] for key in file.files}
        return content | {"meta": json.loads(content.pop("meta_json").tobytes())}

    def weight(self, name: str, shape: list[int]) -> Tensor:
        value = self.generator(name).standard_normal(shape)
        if name in EMBEDDINGS:
            value *= 0.5
        elif name == "temporal_norm_1.weight":
            value = 1 + 0.1 * value
        elif name == "temporal_norm_1.bias":
            value *= 0.1
        else:
            return super().weight(name, shape) * (0.35 if name == "qkv_proj.weight" else 1)
        return torch.from_numpy(value.astype(np.float32))

    def depth(self, name: str, count: int) -> Tensor:
        """(count, 1, 224, 224) depth in [0, 1) of 14x14 blocks."""
        cells = self.uniform(name, (count, 1, 14, 14))
        return cells.repeat_interleave(16, dim=2).repeat_interleave(16, dim=3)

    def inputs(self, boxes: list[list[int]], prefix: str = "input") -> GazeInputs:
        """People in one picture each, with depth."""
        return GazeInputs(
            images=self.blocks(f"{prefix}.scene", len(boxes)),
            image_of=torch.arange(len(boxes)),
            head_box=torch.tensor(boxes) / 224,
            head_crop=self.blocks(f"{prefix}.face", len(boxes)),
            head_mask=head_masks(boxes),
            depth=self.depth(f"{prefix}.depth", len(boxes)),
        )
