"""Depth of pictures by a monocular estimator, through the package transformers: Depth Anything V2, say.

Only the architecture that transformers itself holds is loaded, from a local folder of safetensors: code that
comes with weights is never run.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from PIL import Image
from safetensors import SafetensorError
from torch.nn import functional as F
from tqdm import tqdm

from gcdr.base.download import check_digest
from gcdr.base.errors import InputError
from gcdr.data.depth_maps import depth_file, save_depth
from gcdr.data.pictures import open_image
from gcdr.detection.depth_layout import DEPTH_FILES, FAMILY, check_family


class DepthEstimator:
    """A model of the family and its processor.

    Args:
        model: the transformers model; put into evaluation mode, gradients off.
        processor: its image processor.
    """

    def __init__(self, model: Any, processor: Any) -> None:
        self.model = model.eval().requires_grad_(False)
        self.processor = processor

    @classmethod
    def load(cls, folder: Path, device: torch.device) -> "DepthEstimator":
        """Read a folder in transformers' layout; nothing is downloaded and no code of it is run.

        Raises:
            InputError: transformers is not installed, the architecture is another one, its depth is metric
                (the farther, the larger), or the folder does not hold a whole model.
        """
        check_family(folder)
        try:
            from transformers import AutoImageProcessor, DepthAnythingForDepthEstimation
        except ImportError as error:
            raise InputError(
                f"{folder}: a {FAMILY} model, but the package transformers is not installed ({error}); "
                "expected it: pip install 'transformers>=5'"
            ) from error
        for file in sorted(folder.iterdir()):
            check_digest(file)
        local = {"local_files_only": True, "trust_remote_code": False}
        try:
            model, report = DepthAnythingForDepthEstimation.from_pretrained(
                folder, **local, use_safetensors=True, dtype=torch.float32, output_loading_info=True
            )
            processor = AutoImageProcessor.from_pretrained(folder, **local)
        except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
            raise InputError(
                f"{folder}: not a whole {FAMILY} model ({error}); expected {', '.join(DEPTH_FILES)}"
            ) from error
        # transformers gives a tensor that it does not find random values, and only warns.
        for kind in ("missing", "unexpected", "mismatched"):
            if names := sorted(str(name) for name in report.get(f"{kind}_keys", ())):
                raise InputError(
                    f"{folder}: not a whole {FAMILY} model; {len(names)} tensors are {kind}, expected none; "
                    f"the first is {names[0]}"
                )
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
        out: folder of the depth maps, see :mod:`gcdr.data.depth_maps`.

    Raises:
        InputError: as :meth:`DepthEstimator.load`.
    """
    estimator = DepthEstimator.load(weights, device)
    for name in tqdm(np.unique(people["image"].to_numpy()), "depth", unit="image", mininterval=5):
        try:
            depth = estimator.depth(open_image(images / name))
            save_depth(depth_file(out, name), depth, images / name)
        except InputError as error:
            tqdm.write(f"left out: {error}")
