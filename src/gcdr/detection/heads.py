"""Heads in pictures that come without a table of head boxes.

Three detectors stand behind one interface, a function of a batch of pictures: a Mask R-CNN whose class 1
is a head, such as the demo world's, and for photographs CenterFace (:mod:`gcdr.detection.centerface`), or
torchvision's Keypoint R-CNN, from whose keypoints of the face (COCO's nose, eyes and ears) a head box is
computed (:mod:`gcdr.detection.faces`). Only the one that is asked for is imported: torchvision alone takes
seconds, which CenterFace does without.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image
from tqdm import tqdm

from gcdr.base.csvtext import write_csv
from gcdr.base.errors import InputError
from gcdr.base.files import CHECKPOINTS, read_json
from gcdr.data.manifest import BOX
from gcdr.data.pictures import open_image
from gcdr.datasets.layout import describe_left_out, left_out, picture_names
from gcdr.detection.panorama import Finder, in_squares
from gcdr.detection.shipped import CENTERFACE


def load_finder(weights: Path, score: float, device: torch.device) -> Finder:
    """A detector of heads; one of photographs looks at panoramas in squares.

    Args:
        weights: "centerface", or torchvision's Keypoint R-CNN (``.pth``,
            ``KeypointRCNN_ResNet50_FPN_Weights.COCO_V1``), or the folder of a Mask R-CNN of heads as
            ``gcdr.world.weights.detectors`` writes it.
        score: detections of a lower score (0..1) are dropped; a head found by its face has the
            score of the person.
        device: where to compute.

    Raises:
        InputError: a file is absent or unreadable, or is of a model that does not find heads.
    """
    if str(weights) == CENTERFACE:
        from gcdr.detection.centerface import CenterFace

        return in_squares(CenterFace(score))
    if weights.suffix in CHECKPOINTS:
        from gcdr.detection.faces import find_by_faces, load_keypoints

        return in_squares(partial(find_by_faces, load_keypoints(weights, score).to(device)))
    from gcdr.detection.detector import detect, load_detector

    detector, card = load_detector(weights / "model.safetensors").to(device), weights / "card.json"
    found = read_json(card)
    if not isinstance(found, dict) or found.get("finds") != "heads":
        raise InputError(f'{card}: not of a detector of heads; expected the entry "finds": "heads"')
    detector.roi_heads.score_thresh = score
    return partial(detect, detector)


@dataclass(frozen=True)
class Found:
    """What was found in a folder of pictures.

    Attributes:
        heads: one row a head, sorted: ``image`` (relative to the folder), the columns of ``BOX`` in
            pixels of the upright picture and within it, and ``score`` (0..1).
        without: pictures in which no head was found.
        unreadable: pictures that cannot be read, with the reason.
        left_out: pictures of a kind or a name that is not looked at, with the reason.
    """

    heads: pd.DataFrame
    without: list[str]
    unreadable: dict[str, str]
    left_out: dict[str, str]

    def lines(self, weights: str) -> Iterator[str]:
        """Which pictures are left out and why, and a summary that names the detector."""
        yield from (f"skipped: {reason}" for reason in self.unreadable.values())
        if self.left_out:
            yield describe_left_out(self.left_out)
        yield from (f"no head found: {name}" for name in self.without)
        images = self.heads["image"].nunique()
        yield (
            f"{len(self.heads):,} heads found by {weights} in {images:,} pictures, none in "
            f"{len(self.without):,}; {len(self.unreadable):,} could not be read"
        )


def find_heads(folder: Path, finder: Finder, batch: int) -> Found:
    """Find the heads in all pictures of a folder, and of the folders in it.

    Args:
        folder: the pictures, see :func:`gcdr.datasets.layout.picture_names`.
        finder: of :func:`load_finder`.
        batch: pictures that are looked at together, in the order of their names; it decides the last
            bits of a box.

    Raises:
        InputError: there is no folder, or no picture in it.
    """
    names, left = picture_names(folder), left_out(folder)
    if not names:
        raise InputError(
            f"{folder}: no picture in this folder or those in it that can be read; "
            f"{describe_left_out(left) or 'expected at least one'}"
        )
    rows: list[tuple[str | float, ...]] = []
    without: list[str] = []
    unreadable: dict[str, str] = {}
    with tqdm(total=len(names), desc="finding heads", unit="picture", mininterval=5) as progress:
        for start in range(0, len(names), batch):
            chunk = names[start : start + batch]
            images = _read(folder, chunk, unreadable)
            found = finder(list(images.values())) if images else []
            for (name, image), (boxes, scores) in zip(images.items(), found, strict=True):
                heads = _within(boxes, scores, image.size)
                rows += [(name, *head) for head in heads]
                without += [] if heads else [name]
            progress.update(len(chunk))
    heads = pd.DataFrame(rows, columns=["image", *BOX, "score"])
    return Found(heads.sort_values(["image", *BOX], ignore_index=True), without, unreadable, left)


def _read(folder: Path, names: Sequence[str], unreadable: dict[str, str]) -> dict[str, Image.Image]:
    """The pictures that can be read, by name; why the others cannot is added to ``unreadable``."""
    images = {}
    for name in names:
        try:
            images[name] = open_image(folder / name)
        except InputError as error:
            unreadable[name] = str(error)
    return images


def _within(boxes: np.ndarray, scores: np.ndarray, size: tuple[int, int]) -> list[list[float]]:
    """Boxes within their picture and scores, as they are written; none of less than a pixel."""
    inside = np.clip(boxes, 0, [*size, *size]).round(2)
    large = (inside[:, 2:] - inside[:, :2] >= 1).all(1)
    return np.column_stack([inside, scores.round(4)])[large].tolist()


def write_heads(
    images: Path, out: Path, weights: Path, *, score: float, device: torch.device, batch: int = 16
) -> Found:
    """Find the heads in a folder's pictures and write them as the table that an own folder needs.

    Args:
        images: their folder, see :func:`find_heads`.
        out: the CSV: ``image,head_x0,head_y0,head_x1,head_y1,score``.
        weights: see :func:`load_finder`.
        score: see :func:`load_finder`.
        device: see :func:`load_finder`.
        batch: see :func:`find_heads`.

    Raises:
        InputError: as those two do, or no head was found in any picture.
    """
    found = find_heads(images, load_finder(weights, score, device), batch)
    if found.heads.empty:
        raise InputError(
            f"{images}: {weights} found no head with a score of {score} or more "
            f"({len(found.without)} pictures without, {len(found.unreadable)} unreadable); expected at "
            "least one. Take a lower score or other weights, or give a table of head boxes"
        )
    write_csv(found.heads, out)
    return found
