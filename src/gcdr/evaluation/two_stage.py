"""The two-stage baseline: a heatmap says where, and CLIP's image tower names what is left of a picture.

What "mask", "blur" and "crop" do to a picture is assumed: the paper's text was not at hand.
"""

from pathlib import Path
from typing import Literal

import numpy as np
import torch
from PIL import Image, ImageFilter

from gcdr.base.files import write_sealed
from gcdr.base.plain import JsonTable
from gcdr.data.label_space import read_label_space
from gcdr.data.manifest import people_digest, read_people
from gcdr.data.pictures import open_image
from gcdr.data.stores import read_labels
from gcdr.evaluation.semantic_stages import meant_of, name_scores, semantic_summary
from gcdr.evaluation.stages import test_people
from gcdr.priors.image_towers import image_tower

Conditioning = Literal["mask", "blur", "crop"]

HALF = 0.5
"""Of a map's peak: cells as high belong to what is cropped."""
LEAST = 0.1
"""Of the picture's sides: what is cropped is at least so wide and high."""
BLURRED = 0.05
"""Of the picture's longer side: the standard deviation of the blur."""
BLOCK = 32


def what_is_left(image: Image.Image, heatmap: np.ndarray, how: Conditioning) -> Image.Image:
    """What is left of a picture where somebody looks.

    Args:
        image: in RGB.
        heatmap: (H, W) in [0, 1], 1 where the person looks.
        how: "mask", the picture times the map; "blur", blurred as far as the map is low; "crop", the box of
            the cells of at least ``HALF``, no smaller than ``LEAST`` of the picture.
    """
    if how == "crop":
        return image.crop(_box(heatmap, image.size))
    map_ = Image.fromarray((255 * heatmap.clip(0, 1)).astype(np.uint8))
    share = map_.resize(image.size, Image.Resampling.BILINEAR)
    back = Image.new("RGB", image.size)
    if how == "blur":
        back = image.filter(ImageFilter.GaussianBlur(BLURRED * max(image.size)))
    return Image.composite(image, back, share)


def _box(heatmap: np.ndarray, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The box of a map's high cells in pixels, left, top, right, bottom."""
    rows, columns = np.nonzero(heatmap >= HALF * heatmap.max())
    edges = []
    for cells, count, pixels in (
        (columns, heatmap.shape[1], size[0]),
        (rows, heatmap.shape[0], size[1]),
    ):
        low, high = cells.min() / count, (cells.max() + 1) / count
        middle, half = (low + high) / 2, max(high - low, LEAST) / 2
        edges.append(
            (max(0, round((middle - half) * pixels)), min(pixels, round((middle + half) * pixels)))
        )
    (left, right), (top, bottom) = edges
    return left, top, max(left + 1, right), max(top + 1, bottom)


def evaluate_two_stage(
    maps: Path,
    images: Path,
    samples: Path,
    manifest: Path,
    annotated: Path,
    annotations: Path,
    space: Path,
    tower: Path,
    how: Conditioning,
    about: JsonTable,
    device: torch.device,
    out: Path,
) -> None:
    """Score the names that CLIP's image tower gives what test people look at.

    Args:
        maps: label store of the test people's heatmaps, as a gaze model's evaluation leaves it.
        images: folder of the pictures.
        samples, manifest, annotated, annotations, space: as for
            :func:`gcdr.evaluation.semantic_stages.evaluate_semantics`.
        tower: folder of the whole CLIP whose text tower embedded the vocabulary.
        how: what is done to the picture.
        about: what is scored.
        device: where to compute.
        out: the JSON.

    Raises:
        InputError: a file is damaged or of other people, or the folder holds no image tower.
    """
    tested = test_people(manifest, annotations, samples).looking_inside()
    vocabulary, embedded = read_label_space(space), image_tower(tower, device)
    held = read_labels(maps, people_digest(read_people(manifest)), tested.ids).heatmap
    found = []
    people = tested.people.to_dict("records")
    for start in range(0, len(people), BLOCK):
        shown = [
            what_is_left(
                open_image(images / row["image"], (row["width"], row["height"])), map_, how
            )
            for row, map_ in zip(people[start : start + BLOCK], held[start:], strict=False)
        ]
        found.append(embedded(shown))
    similarity = vocabulary.similarity(np.concatenate(found))
    ranked = np.argsort(-similarity, axis=1, kind="stable")
    scores = name_scores(ranked, meant_of(annotated, tested), vocabulary.names)
    write_sealed(out, about | {"tower": vocabulary.tower} | semantic_summary(scores, tested))
