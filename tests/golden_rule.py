"""Reference values: weights and inputs are rebuilt from names, outputs are read from files."""

import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor


class Goldens:
    """Reference values in the folders ``gcdr`` and ``keys``.

    Args:
        find: the fixture ``goldens``; it skips the test where a file is missing.
    """

    def __init__(self, find: Callable[[str], Path]) -> None:
        self.find = find
        salt = find("gcdr") / "salt.txt"
        self.salt = salt.read_text().strip() if salt.exists() else ""

    def arrays(self, name: str) -> dict[str, Any]:
        """Arrays of ``gcdr/{name}.npz``; ``meta_json`` comes parsed as ``meta``."""
        with np.load(self.find(f"gcdr/{name}.npz"), allow_pickle=False) as file:
            content: dict[str, Any] = {key: file[key] for key in file.files}
        if "meta_json" in content:
            content["meta"] = json.loads(content.pop("meta_json").tobytes())
        return content

    def json(self, name: str) -> Any:
        """Content of ``gcdr/{name}.json``."""
        return json.loads(self.find(f"gcdr/{name}.json").read_text())

    def keys(self, model: str) -> dict[str, list[int]]:
        """Names and shapes of a released checkpoint."""
        return json.loads(self.find(f"keys/{model}.json").read_text())

    def generator(self, name: str) -> np.random.Generator:
        return np.random.Generator(np.random.PCG64(zlib.crc32((self.salt + name).encode())))

    def normal(self, name: str, shape: tuple[int, ...]) -> Tensor:
        return torch.from_numpy(self.generator(name).standard_normal(shape).astype(np.float32))

    def uniform(self, name: str, shape: tuple[int, ...]) -> Tensor:
        return torch.from_numpy(self.generator(name).random(shape).astype(np.float32))

    def blocks(self, name: str, count: int) -> Tensor:
        """(count, 3, 224, 224) pictures of 7x7 blocks."""
        cells = self.normal(name, (count, 3, 7, 7))
        return cells.repeat_interleave(32, dim=2).repeat_interleave(32, dim=3)

    def weight(self, name: str, shape: list[int]) -> Tensor:
        """The value that the rule gives a tensor of a checkpoint."""
        last = name.rsplit(".", 1)[-1]
        if last == "num_batches_tracked":
            return torch.tensor(0)
        value = self.generator(name).standard_normal(shape)
        if last == "running_var":
            value = 1 + 0.1 * np.abs(value)
        elif len(shape) >= 2:
            fan = int(np.prod(shape[1:]))
            value *= 1.3 / np.sqrt(fan)
            if fan > 1:
                value -= value.mean(axis=tuple(range(1, len(shape))), keepdims=True)
            if name == "diffusion_model.out.2.weight":
                value *= 0.25
        elif last == "weight":
            value = 1 + 0.1 * value
        else:
            value = 0.1 * value
        return torch.from_numpy(value.astype(np.float32))

    def weights(self, model: str) -> dict[str, Tensor]:
        """A whole checkpoint, without the schedule buffers of the diffusion model."""
        shapes = self.keys(model)
        own = [key for key in shapes if not key.startswith("diffusion.")]
        return {key: self.weight(key, shapes[key]) for key in own}


def head_masks(boxes: list[list[int]], size: int = 224) -> Tensor:
    masks = torch.zeros(len(boxes), 1, size, size)
    for mask, (x0, y0, x1, y1) in zip(masks, boxes, strict=True):
        mask[:, y0:y1, x0:x1] = 1
    return masks


def strided(value: Tensor, channels: int, rows: int) -> Tensor:
    """The share of a feature map (N, C, H, W) that the reference files keep, as a copy."""
    if value.ndim < 4:
        return value.detach().clone()
    by_channel, by_row = max(1, value.shape[1] // channels), max(1, value.shape[2] // rows)
    return value.detach()[:, ::by_channel, ::by_row, ::by_row].clone()


def assert_near(found: Tensor, expected: np.ndarray | Tensor, tolerance: float = 1e-4) -> None:
    """Compare; the tolerance is in units of the largest expected value, but at least of 1.

    The error is printed: ``pytest -rP`` shows how near is near.
    """
    expected = torch.as_tensor(expected).reshape(found.shape)
    scale = max(1.0, expected.abs().max().item())
    off = (found.detach().double() - expected.double()).abs().max().item() / scale
    print(f"{tuple(found.shape)}: off by {off:.1e}, allowed {tolerance:.0e}")
    torch.testing.assert_close(found, expected, atol=tolerance * scale, rtol=0)
