"""Pictures and head boxes as the released semantic gaze model is shown them (Tafasca et al., NeurIPS 2024).

Unlike :mod:`gcdr.data.crops`: the head box is grown and clipped, squared about its centre, and the square is
what is cropped and what the model is told, clipped again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

GROWN = 0.1
"""Of the width and height, on each side."""
SCORE, OVERLAP = 0.5, 0.5
"""Least score of a detected head that is context, and its largest overlap with the head asked about."""


def grown_boxes(box: np.ndarray, size: Sequence[int], share: float = GROWN) -> np.ndarray:
    """Boxes (N, 4) in pixels grown on each side and clipped to a picture of (width, height)."""
    extent = box[:, 2:] - box[:, :2]
    grown = np.concatenate([box[:, :2] - share * extent, box[:, 2:] + share * extent], 1)
    return grown.clip(0, np.array([*size, *size]))


def squared_boxes(box: np.ndarray) -> np.ndarray:
    """Boxes (N, 4) about the same centres, as high and wide as their longer side; they may stick out."""
    centre = (box[:, :2] + box[:, 2:]) / 2
    half = (box[:, 2:] - box[:, :2]).max(1, keepdims=True) / 2
    return np.concatenate([centre - half, centre + half], 1)


def boxes_of_squares(square: np.ndarray, size: Sequence[int]) -> np.ndarray:
    """Squares (N, 4) in pixels as the model is told them: in 0..1 of the picture, clipped, float32."""
    return (square / np.array([*size, *size])).clip(0, 1).astype(np.float32)


def context_heads(detected: np.ndarray, head: np.ndarray, overlap: float = OVERLAP) -> np.ndarray:
    """Detected heads (N, 5) with scores that are other people's: (K, 4) boxes in their order.

    Args:
        detected: x0, y0, x1, y1 in pixels, and the score.
        head: (4,) the grown box of the head asked about.
        overlap: intersection over union above which a detected head is that one.
    """
    box = detected[:, :4]
    low, high = np.maximum(box[:, :2], head[:2]), np.minimum(box[:, 2:], head[2:])
    shared = (high - low).clip(0).prod(1)
    union = (box[:, 2:] - box[:, :2]).prod(1) + (head[2:] - head[:2]).prod() - shared
    return box[(detected[:, 4] >= SCORE) & (shared <= overlap * union)]


@dataclass(frozen=True)
class SemanticItem:
    """A picture and its people as the model is shown them; those who are not there come first.

    Attributes:
        image: (size, size, 3) uint8.
        heads: (n, side, side, 3) uint8 crops of squares; black where they leave the picture.
        boxes: (n, 4) float32 in 0..1; zeros of those who are not there.
        present: (n,) bool, who is there; the colours of who is not are zero once normalised.
    """

    image: np.ndarray
    heads: np.ndarray
    boxes: np.ndarray
    present: np.ndarray

    def normalised(
        self, mean: Sequence[float], std: Sequence[float]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Picture (3, size, size) and heads (n, 3, side, side) float32, by statistics of the colours."""
        shift, scale = np.asarray(mean, np.float32), np.asarray(std, np.float32)
        image, heads = (
            np.moveaxis((part / np.float32(255) - shift) / scale, -1, -3)
            for part in (self.image, self.heads)
        )
        heads[~self.present] = 0
        return image.astype(np.float32), heads.astype(np.float32)


def semantic_item(
    image: Image.Image,
    heads: np.ndarray,
    places: int | None = None,
    *,
    size: int = 256,
    side: int = 224,
) -> SemanticItem:
    """A picture and people in it, of whom the last is the one asked about.

    Args:
        image: in RGB.
        heads: (n, 4) boxes in pixels, n > 0 unless there are no places; grown already where they are to be.
        places: for how many people; of more the first are left out of, but never the last. None: for all.
        size: side of the picture in pixels.
        side: side of the crops in pixels.
    """
    places = len(heads) if places is None else places
    kept = np.concatenate([heads[:-1][: max(0, places - 1)], heads[-1:]])
    squares = squared_boxes(kept)
    absent = places - len(kept)
    crops = np.zeros((places, side, side, 3), np.uint8)
    boxes = np.zeros((places, 4), np.float32)
    for place, square in enumerate(squares, absent):
        left, top, right, bottom = map(int, square)  # towards zero, as the release cuts
        crop = image.crop((left, top, max(left + 1, right), max(top + 1, bottom)))
        crops[place] = np.asarray(crop.resize((side, side), Image.Resampling.BILINEAR))
    boxes[absent:] = boxes_of_squares(squares, image.size)
    small = np.asarray(image.resize((size, size), Image.Resampling.BILINEAR))
    return SemanticItem(small, crops, boxes, np.arange(places) >= absent)
