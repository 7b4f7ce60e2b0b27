"""Files of weights that hold names and sizes of tensors and, almost, no numbers."""

import json
import math
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

Shapes = Mapping[str, tuple[int, ...]]


def shapes_of(model: nn.Module) -> dict[str, tuple[int, ...]]:
    """Shape of each tensor of a model, which may lie on the device "meta"."""
    return {name: tuple(value.shape) for name, value in model.state_dict().items()}


def write_shapes(path: Path, shapes: Shapes) -> Path:
    """A file with such tensors: by its ending safetensors, with a hole for the numbers, or a pickle."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix != ".safetensors":
        torch.save({name: torch.zeros(()).expand(shape) for name, shape in shapes.items()}, path)
        return path
    header, end = {}, 0
    for name, shape in shapes.items():
        start, end = end, end + 4 * math.prod(shape)
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text)
    with path.open("r+b") as file:
        file.truncate(8 + len(text) + end)
    return path


TOWERS = {"conv1_scene.weight": (16, 4, 5, 5), "conv1_face.weight": (16, 3, 5, 5)}
LIKE: dict[str, Shapes] = {
    "towers": TOWERS,
    "frozen": {
        "conv1_scene.weight": (16, 4, 5, 5),
        "layer3_scene.0.downsample.0.weight": (64, 64, 1, 1),
    },
    "vat": TOWERS | {"conv4.weight": (1, 1, 1, 1)},
    "denoiser": {f"feat_extractor.{name}": shape for name, shape in TOWERS.items()}
    | {"diffusion_model.out.2.weight": (1,)},
    "detector": {"rpn.head.conv.weight": (1,), "roi_heads.mask_head.0.weight": (1,)},
    "vqa": {
        "encoder.embed_tokens.weight": (512, 96),
        "encoder.embed_images.conv1.weight": (1,),
        "decoder.layers.0.fc1.weight": (1,),
    },
    "vlm": {"model.visual.patch_embed.weight": (1,)},
}
"""By what planning takes a file for, as much of it as it looks at; of the demo world's sizes."""


def write_like(path: Path, name: str) -> Path:
    """A file that planning takes for a model of ``LIKE``."""
    return write_shapes(path, LIKE[name])
