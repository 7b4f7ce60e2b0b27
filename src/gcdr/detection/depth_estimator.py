"""Depth of pictures by a monocular estimator, through the package transformers: Depth Anything V2, say."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch.nn import functional as F
from tqdm import tqdm

from gcdr.base.errors import InputError
from gcdr.base.files import atomic, disk_trouble, file_digest, text_digest
from gcdr.base.provenance import modules_behind
from gcdr.base.transformers_models import load_transformers
from gcdr.data.depth_maps import check_depth_names, depth_file, open_depth, save_depth
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

    A run that was stopped left what it had beside ``out``; the next one with these weights asks about the
    other pictures alone.

    Args:
        people: the manifest's people.
        images: folder that ``image`` is relative to.
        weights: folder of the estimator.
        device: where to compute.
        out: folder of the depth maps, see :mod:`gcdr.data.depth_maps`; whole or not at all.

    Raises:
        InputError: as :meth:`DepthEstimator.load`, or the disk does not take it.
    """
    estimator = DepthEstimator.load(weights, device)
    first = people.drop_duplicates("image").sort_values("image")
    check_depth_names(first["image"])
    sizes = first[["width", "height"]].itertuples(index=False, name=None)
    made_by = (*(weights / name for name in DEPTH_FILES), *map(Path, modules_behind(__file__)))
    key = text_digest(*map(file_digest, made_by), metadata.version("transformers"))
    with _gathered(out, key) as kept:
        for path in {*kept.rglob("*.png")} - {depth_file(kept, name) for name in first["image"]}:
            path.unlink()  # of a picture that is in the data set no more
        pictures = zip(first["image"], sizes, strict=True)
        for name, size in tqdm(pictures, "depth", len(first), unit="image", mininterval=5):
            path = depth_file(kept, name)
            with suppress(InputError):  # it is not there yet, or not whole
                open_depth(path, size, images / name)
                continue
            try:
                depth = estimator.depth(open_image(images / name))
                save_depth(path, depth, images / name)
            except InputError as error:
                tqdm.write(f"left out: {error}")


@contextmanager
def _gathered(out: Path, made_by: str) -> Iterator[Path]:
    """A folder beside ``out`` that is filled over several runs, and becomes ``out`` when the block succeeds.

    Those of other weights are removed.

    Raises:
        InputError: the disk does not take it.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    kept = out.parent / f".{out.name}.begun-{made_by[:16]}"
    for other in out.parent.glob(f".{out.name}.begun-*"):
        if other != kept:
            shutil.rmtree(other, ignore_errors=True)
    kept.mkdir(exist_ok=True)
    try:
        yield kept
    except OSError as error:
        if reason := disk_trouble(error):
            raise InputError(f"{out}: cannot be written ({reason})") from error
        raise
    with atomic(out) as whole:
        kept.rename(whole)
