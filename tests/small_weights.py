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
