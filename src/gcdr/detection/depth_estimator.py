"""Depth of pictures by a monocular estimator, through the package transformers: Depth Anything V2, say."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch.nn import functional as F
from tqdm import tqdm

from gcdr.base.errors import InputError
from gcdr.base.files import atomic
from gcdr.base.transformers_models import load_transformers
from gcdr.data.depth_maps import depth_file, save_depth
from gcdr.data.pictures import open_image
from gcdr.detection.depth_layout import DEPTH_FILES, FAMILY, check_family


class DepthEstimator:
    """A model of the family and its processor.

    Args:
        model: the transformers model, in evaluation mode.
        processor: its image processor.
    """

    def __init__(self, model: Any, processor: Any) -> None:
        self.model, self.processor = model, processor

    @classmethod
    def load(cls, folder: Path, device: torch.device) -> "DepthEstimator":
        """Read a folder in transformers' layout; nothing is downloaded and no code of it is run.

        Raises:
            InputError: transformers is not installed, the architecture is another one, its depth is metric
                (the farther, the larger), or the folder does not hold a whole model.
        """
        check_family(folder)
        names = ("DepthAnythingForDepthEstimation", "AutoImageProcessor")
        model, processor = load_transformers(folder, f"{FAMILY} model", *names, DEPTH_FILES)
        return cls(model.to(device), processor)

    @torch.inference_mode()
    def depth(self, picture: Image.Image) -> np.ndarray:
        """Relative inverse depth of an RGB picture, (height, width) float32, nearer is larger."""
        read = self.processor(images=picture, return_tensors="pt").to(self.model.device)
        found = self.model(**read).predicted_depth[:, None].float()
        size = (picture.height, picture.width)
        return F.interpolate(found, size, mode="bicubic", align_corners=False)[0, 0].cpu().numpy()


def estimate_depth(
    people: pd.DataFrame, images: Path, weights: Path, device: torch.device, out: Path
) -> None:
    """Ask an estimator once about every picture of a data set; one that cannot be read is left out.

    Args:
        people: the manifest's people.
        images: folder that ``image`` is relative to.
        weights: folder of the estimator.
        device: where to compute.
        out: folder of the depth maps, see :mod:`gcdr.data.depth_maps`; whole or not at all.

    Raises:
        InputError: as :meth:`DepthEstimator.load`, or the disk does not take it.
    """
    estimator, pictures = (
        DepthEstimator.load(weights, device),
        np.unique(people["image"].to_numpy()),
    )
    with atomic(out) as new:
        new.mkdir()
        for name in tqdm(pictures, "depth", unit="image", mininterval=5):
            try:
                depth = estimator.depth(open_image(images / name))
                save_depth(depth_file(new, name), depth, images / name)
            except InputError as error:
                tqdm.write(f"left out: {error}")
