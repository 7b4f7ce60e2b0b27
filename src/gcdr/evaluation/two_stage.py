"""The two-stage baseline: a heatmap says where, and an image tower names what is left of a picture.

What "mask", "blur" and "crop" do to a picture is assumed: the paper's text was not at hand.
"""

from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import torch
from PIL import Image, ImageFilter
from torch import Tensor
from torch.nn import functional as F

from gcdr.base.errors import InputError
from gcdr.base.files import write_sealed
from gcdr.base.plain import JsonTable
from gcdr.data.heatmaps import gaussians
from gcdr.data.label_space import TEMPERATURE, read_label_space
from gcdr.data.manifest import people_digest, read_people
from gcdr.data.pictures import open_image
from gcdr.data.shown import read_shown, shown_names
from gcdr.data.split import LABELLED
from gcdr.data.stores import read_labels
from gcdr.data.vocabulary import MISSING
from gcdr.evaluation.semantic_stages import meant_of, name_scores, semantic_summary
from gcdr.evaluation.stages import test_people
from gcdr.priors.image_towers import ImageTower, image_tower
from gcdr.priors.tower_files import TUNED

Conditioning = Literal["mask", "blur", "crop"]

HALF = 0.5
"""Of a map's peak: cells as high belong to what is cropped."""
LEAST = 0.1
"""Of the picture's sides: what is cropped is at least so wide and high."""
BLURRED = 0.05
"""Of the picture's longer side: the standard deviation of the blur."""
BLOCK = 32
TUNING_STEPS, TUNING_PULL = 100, 1e-3
"""Iterations of L-BFGS at most, and how strongly the map is drawn to what it begins as."""


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
    labels: Path,
    space: Path,
    tower: Path,
    how: str,
    sigma: float,
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
        labels: the label split, of whose labelled people a tuned map learns.
        tower: folder of the whole CLIP whose text tower embedded the vocabulary; for a tuned map any tower.
        how: what is done to the picture, after ``TUNED`` where the map is tuned.
        sigma: standard deviation in cells of the Gaussians that are the maps of labelled people.
        about: what is scored.
        device: where to compute.
        out: the JSON.

    Raises:
        InputError: a file is damaged or of other people, or the folder holds no image tower.
    """
    tested = test_people(manifest, annotations, samples).looking_inside()
    vocabulary, embedded = read_label_space(space), image_tower(tower, device)
    digest = people_digest(read_people(manifest))
    held = read_labels(maps, digest, tested.ids).heatmap
    means: Conditioning = how.removeprefix(TUNED)  # type: ignore[assignment]
    found = _embedded(tested.people, held, images, means, embedded)
    if how.startswith(TUNED):
        shown = read_shown(labels, digest)
        shown = shown[(shown["role"] == LABELLED) & shown["gaze_x"].notna()]
        true = shown_names(shown, vocabulary.names)
        shown, true = shown[true != MISSING], true[true != MISSING]
        people = read_people(manifest).set_index("sample_id", drop=False)
        points = torch.from_numpy(shown[["gaze_x", "gaze_y"]].to_numpy(np.float32, copy=True))
        ideal = gaussians(points, held.shape[-1], sigma).numpy()
        learned = _embedded(people.loc[shown["sample_id"]], ideal, images, means, embedded)
        found = found @ tuned_map(learned, true, vocabulary.embeddings)
    similarity = vocabulary.similarity(found)
    ranked = np.argsort(-similarity, axis=1, kind="stable")
    scores = name_scores(ranked, meant_of(annotated, tested), vocabulary.names)
    write_sealed(out, about | {"tower": vocabulary.tower} | semantic_summary(scores, tested))


def _embedded(
    people: pd.DataFrame,
    maps: np.ndarray,
    images: Path,
    how: Conditioning,
    tower: ImageTower,
) -> np.ndarray:
    """What an image tower makes (N, D) of what maps (N, H, W) leave of people's pictures, in blocks."""
    rows, found = people.to_dict("records"), []
    for start in range(0, len(rows), BLOCK):
        block = zip(rows[start : start + BLOCK], maps[start:], strict=False)
        found.append(
            tower(
                [
                    what_is_left(
                        open_image(images / row["image"], (row["width"], row["height"])), one, how
                    )
                    for row, one in block
                ]
            )
        )
    return np.concatenate(found)


def tuned_map(learned: np.ndarray, true: np.ndarray, names: np.ndarray) -> np.ndarray:
    """A linear map from an image tower's space to that of names, by cross-entropy over the vocabulary.

    It begins as the identity where both are one space, and else as zero; neither tower is changed.

    Args:
        learned: (N, D) embeddings of labelled people's pictures, N at least 1.
        true: (N,) int64 places of their names in the vocabulary.
        names: (V, E) its embeddings.

    Returns:
        (D, E) float32.

    Raises:
        InputError: nobody is labelled with a name.
    """
    if not len(true):
        raise InputError(
            "labelled people: found none with a name of the vocabulary, expected some to tune on"
        )
    seen, told, target = (torch.from_numpy(np.array(one)) for one in (learned, names, true))
    width, out = seen.shape[1], told.shape[1]
    start = torch.eye(width) if width == out else torch.zeros(width, out)
    weight = torch.nn.Parameter(start.clone())
    optimiser = torch.optim.LBFGS([weight], max_iter=TUNING_STEPS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimiser.zero_grad()
        error = F.cross_entropy(seen @ weight @ told.T / TEMPERATURE, target)
        total = error + TUNING_PULL * (weight - start).square().sum()
        total.backward()
        return total

    optimiser.step(loss)
    return weight.detach().numpy()
