"""Reference values of Gaze-LLE: the rule of ``golden_rule`` with the rows that its tensors need."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from golden_rule import Goldens
from torch import Tensor

TOKENS = ("cls_token", "mask_token", "pos_embed")
EMBEDDINGS = ("head_token.weight", "inout_token.weight")
QUIET = ("heatmap_head.1.weight", "inout_head.3.weight")
BACKBONES = {
    "nano": ("nano14", "vit_base_patch14_dinov2", 96),
    "vits14": ("vits14", "vit_small_patch14_dinov2", 384),
    "vitb14": ("vitb14", "vit_base_patch14_dinov2", 768),
}
PICTURES = {"nano": (7, 10, 28), "vits14": (14, 14, 32), "vitb14": (14, 14, 32)}


class GazelleGoldens(Goldens):
    """Reference values in the folders ``gazelle`` and ``keys``."""

    def __init__(self, find: Callable[[str], Path]) -> None:
        self.find = find
        salt = find("gazelle") / "salt.txt"
        self.salt = salt.read_text().strip() if salt.exists() else ""

    def arrays(self, name: str) -> dict[str, Any]:
        with np.load(self.find(f"gazelle/{name}.npz"), allow_pickle=False) as file:
            content: dict[str, Any] = {key: file[key] for key in file.files}
        return content | {"meta": json.loads(content.pop("meta_json").tobytes())}

    def weight(self, name: str, shape: list[int]) -> Tensor:
        last = name.rsplit(".", 1)[-1]
        if last in TOKENS or name in EMBEDDINGS:
            value = 0.5 * self.generator(name).standard_normal(shape)
        elif last == "gamma":
            value = 1 + 0.1 * self.generator(name).standard_normal(shape)
        else:
            return super().weight(name, shape) * (0.25 if name in QUIET else 1)
        return torch.from_numpy(value.astype(np.float32))

    def backbone(self, name: str) -> dict[str, Tensor]:
        """A backbone's checkpoint as DINOv2's hub has it."""
        return self.weights(f"dinov2_{BACKBONES[name][0]}")

    def decoder(self, name: str, inout: bool, table: Tensor) -> dict[str, Tensor]:
        """A decoder's checkpoint; ``table`` is the fixed one, which the rule leaves as it is."""
        shapes = self.keys("gazelle_vitb14_inout" if inout else "gazelle_vitb14")
        shapes["linear.weight"] = [256, BACKBONES[name][2], 1, 1]
        state = {key: self.weight(key, shape) for key, shape in shapes.items()}
        return state | {"pos_embed": table}

    def pictures(self, name: str) -> Tensor:
        """The two pictures of a file, as the already normalised input."""
        rows, columns, side = PICTURES[name]
        cells = self.normal(f"input.image.{name}", (2, 3, rows, columns))
        return cells.repeat_interleave(side, dim=2).repeat_interleave(side, dim=3)


def people(meta: dict[str, Any]) -> tuple[Tensor, Tensor]:
    """``image_of`` (N,) and ``head_box`` (N, 4) of a file; NaN where a person has no box."""
    rows = [(image, box) for image, boxes in enumerate(meta["bboxes"]) for box in boxes]
    boxes = [box or [float("nan")] * 4 for _, box in rows]
    return torch.tensor([image for image, _ in rows]), torch.tensor(boxes)
