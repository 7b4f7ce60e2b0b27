"""CLIP's image tower: pictures to embeddings in the space of its text tower."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F

from gcdr.base.errors import InputError
from gcdr.base.files import read_json
from gcdr.base.transformers_models import load_transformers

ImageTower = Callable[[Sequence[Image.Image]], np.ndarray]
"""Pictures in RGB to (N, D) float32 of unit length."""

MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


def image_tower(folder: Path, device: torch.device) -> ImageTower:
    """The image tower of CLIP's folder in transformers' layout.

    Pictures are resized to its square, whatever their proportions: nothing of them is cut.

    Raises:
        InputError: the folder holds no CLIP with an image tower, or not whole.
    """
    config = folder / "config.json"
    if not config.is_file() or "vision_config" not in read_json(config):
        raise InputError(
            f"{folder}: no CLIP with an image tower, expected the whole model in transformers' layout"
        )
    name, files = "CLIPVisionModelWithProjection", ("config.json", "model.safetensors")
    model, _ = load_transformers(folder, "image tower of CLIP", name, None, files, part=True)
    model = model.to(device)
    size = model.config.image_size
    mean, std = (torch.tensor(values)[:, None, None] for values in (MEAN, STD))

    @torch.inference_mode()
    def embedded(images: Sequence[Image.Image]) -> np.ndarray:
        small = [image.resize((size, size), Image.Resampling.BICUBIC) for image in images]
        pixels = torch.from_numpy(np.stack([np.asarray(one) for one in small]))
        seen = (pixels.permute(0, 3, 1, 2).float() / 255 - mean) / std
        found = model(pixel_values=seen.to(device)).image_embeds.float()
        return F.normalize(found, dim=-1).cpu().numpy()

    return embedded
