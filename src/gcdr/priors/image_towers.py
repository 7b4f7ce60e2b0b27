"""Image towers: pictures to embeddings, CLIP's in the space of its text tower, or the demo world's."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from gcdr.base.transformers_models import load_transformers
from gcdr.data.views import Colours
from gcdr.models.backbone import SceneTower
from gcdr.models.gazelle_released import load_backbone
from gcdr.models.sizes import TowersConfig
from gcdr.priors.tower_files import check_image_tower, is_world_backbone

ImageTower = Callable[[Sequence[Image.Image]], np.ndarray]
"""Pictures in RGB to (N, D) float32 of unit length."""

MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


def image_tower(folder: Path, device: torch.device) -> ImageTower:
    """The image tower of CLIP's folder in transformers' layout, or the demo world's frozen backbone.

    Pictures are resized to its square, whatever their proportions: nothing of them is cut. The backbone's
    embedding is the mean of its cells and lies in no text tower's space: only a tuned head can name by it.

    Raises:
        InputError: the folder holds no CLIP with an image tower, or not whole.
    """
    if is_world_backbone(folder):
        return _world_tower(folder, device)
    check_image_tower(folder)
    name, files = "CLIPVisionModelWithProjection", ("config.json", "model.safetensors")
    model, _ = load_transformers(folder, "image tower of CLIP", name, None, files, part=True)
    model = model.to(device)
    return _embedding(
        lambda pixels: model(pixel_values=pixels).image_embeds,
        model.config.image_size,
        Image.Resampling.BICUBIC,
        (MEAN, STD),
        device,
    )


def _world_tower(folder: Path, device: torch.device) -> ImageTower:
    backbone = SceneTower(TowersConfig.frozen())
    load_backbone(backbone, folder)
    backbone = backbone.to(device)
    return _embedding(
        lambda pixels: backbone(pixels).mean((2, 3)),
        backbone.picture_size[0],
        Image.Resampling.BILINEAR,
        backbone.colours,
        device,
    )


def _embedding(
    network: Callable[[Tensor], Tensor],
    size: int,
    resampling: Image.Resampling,
    colours: Colours,
    device: torch.device,
) -> ImageTower:
    """A network of normalised pixels (N, 3, S, S) to (N, D) as an image tower."""
    mean, std = (torch.tensor(values)[:, None, None] for values in colours)

    @torch.inference_mode()
    def embedded(images: Sequence[Image.Image]) -> np.ndarray:
        small = [image.resize((size, size), resampling) for image in images]
        pixels = torch.from_numpy(np.stack([np.asarray(one) for one in small]))
        seen = (pixels.permute(0, 3, 1, 2).float() / 255 - mean) / std
        return F.normalize(network(seen.to(device)).float(), dim=-1).cpu().numpy()

    return embedded
