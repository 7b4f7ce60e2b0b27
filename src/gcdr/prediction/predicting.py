"""From pictures in files to a table of where their people look, block by block."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image
from tqdm import tqdm

from gcdr.base.errors import InputError
from gcdr.data.depth_maps import check_depth_names, depth_file, open_depth
from gcdr.data.heatmaps import entropy
from gcdr.data.label_space import LabelSpace
from gcdr.data.manifest import BOX
from gcdr.datasets.head_boxes import within
from gcdr.detection.panorama import Finder
from gcdr.prediction.sources import OwnPictures, TabledHeads, open_picture
from gcdr.predictor.predictor import Prediction, Predictor

PIXELS, COUNT = 1 << 26, 16  # of pictures held in memory at a time
COLUMNS = (
    "image", "width", "height", *BOX, "head_score", "gaze_x", "gaze_y", "in_frame_probability", "confidence",
)  # fmt: skip

Show = Callable[[str, Image.Image, pd.DataFrame, Prediction], None]
"""What is done with a picture: its name, itself, its rows, and what was predicted of it."""


@dataclass
class PredictionNotes:
    """What has to be said of the pictures, in their order.

    Attributes:
        lines: pictures that cannot be read, boxes outside their picture, ...
        without: pictures in which no head is known.
        blind: pictures with heads that are left out, as their depth cannot be read.
    """

    lines: list[str] = field(default_factory=list)
    without: list[str] = field(default_factory=list)
    blind: list[str] = field(default_factory=list)


def predict_people(
    pictures: OwnPictures,
    heads: TabledHeads | Finder,
    model: Predictor,
    told: PredictionNotes,
    show: Show | None = None,
    names: LabelSpace | None = None,
    depth: Path | None = None,
) -> pd.DataFrame:
    """Where the people of pictures look.

    Memory holds a few pictures at a time, and a row a person.

    Args:
        pictures: the pictures.
        heads: their head boxes, or what finds them.
        model: a gaze model that needs no prior maps.
        told: gets what has to be said.
        show: called with every picture that has a head.
        names: a vocabulary, by which what they look at is named.
        depth: folder of the pictures' depth (:mod:`gcdr.data.depth_maps`), for a model that sees it.

    Returns:
        one row a person, in the order of pictures and boxes: ``image``, its ``width`` and ``height`` in
        pixels, the columns of ``BOX`` in pixels, ``head_score`` (0..1, NaN where boxes were given),
        ``gaze_x`` and ``gaze_y`` (0..1 of width and height), ``in_frame_probability`` (NaN where the model
        does not tell) and ``confidence``: 1 - the map's entropy over that of a flat map, which orders the
        people of one model and is no probability; with ``names`` also ``label``, the most similar name, and
            ``label_confidence``, its share among all.

    Raises:
        InputError: the model needs prior maps, or depth that is not there; two pictures would share a map; or
            names are asked of one that says none, or whose embeddings are of another width. That it learned
            them in the vocabulary's space is for :func:`gcdr.models.learned_names.check_learned_names`.
    """
    check_pictures_alone(model, depth)
    if depth is not None:
        check_depth_names(pictures.names)
    rows: list[pd.DataFrame] = []
    for block in _blocks(pictures, told):
        found = _heads_of(block, heads, pictures, told)
        shown = [(name, image, *found[name]) for name, image in block if len(found[name][0])]
        deep = None if depth is None else _depths(depth, pictures.root, shown, told)
        shown = shown if deep is None else [one for one in shown if one[0] in deep]
        predictions = model.predict(
            [one[1] for one in shown],
            [one[2] for one in shown],
            depths=None if deep is None else [deep[one[0]] for one in shown],
        )
        for (name, image, boxes, scores), prediction in zip(shown, predictions, strict=True):
            rows.append(people_rows(name, image, boxes, scores, prediction))
            if names is not None:
                add_names(rows[-1], prediction, names, model)
            if show:
                show(name, image, rows[-1], prediction)
    empty = pd.DataFrame(columns=[*COLUMNS])
    return pd.concat(rows, ignore_index=True) if rows else empty


def _depths(
    depth: Path, root: Path, shown: Sequence[tuple], told: PredictionNotes
) -> dict[str, np.ndarray]:
    """The depth (height, width) of pictures by name, of those that have a readable one."""
    found = {}
    for name, image, *_ in shown:
        try:
            found[name] = np.asarray(open_depth(depth_file(depth, name), image.size, root / name))
        except InputError as error:
            told.lines.append(f"skipped: {error}")
            told.blind.append(name)
    return found


def add_names(
    rows: pd.DataFrame, prediction: Prediction, names: LabelSpace, model: Predictor
) -> None:
    """Give rows of people ``label``, the most similar name, and ``label_confidence``, its share among all.

    Args:
        rows: of :func:`people_rows`.
        prediction: of the same people.
        names: a vocabulary.
        model: what predicted.

    Raises:
        InputError: the model says none, or its embeddings are of another width.
    """
    if not len(rows):  # of a frame without people a model was not asked
        rows[["label", "label_confidence"]] = None
        return
    if prediction.label_embedding is None:
        raise InputError(
            f"a {model.model.kind}: says where people look and not what is there; expected a semgaze, or no "
            "vocabulary"
        )
    place, share = names.nearest(prediction.label_embedding)
    rows["label"] = [names.names[at] for at in place]
    rows["label_confidence"] = share


def check_pictures_alone(model: Predictor, depth: Path | None = None) -> None:
    """Check that a model can be asked with pictures and head boxes alone, and depth if there is any.

    Raises:
        InputError: it needs prior maps, or depth that is not there, or sees no depth that is.
    """
    if model.model.needs.prior:
        raise InputError(
            f"a {model.model.kind} that sees prior maps: it needs one of each person, which predicting on "
            "pictures has not; expected a model without, such as the student of GCDR"
        )
    if model.model.needs.depth and depth is None:
        raise InputError(
            f"a {model.model.kind} that sees depth: found none; expected a folder of the pictures' depth "
            "(--depth; of films predict_frames takes it, in Python), or a model without (-nodepth)"
        )
    if depth is not None and not model.model.needs.depth:
        raise InputError(f"--depth: found a {model.model.kind}, which sees no depth")


def _blocks(
    pictures: OwnPictures, told: PredictionNotes
) -> Iterator[list[tuple[str, Image.Image]]]:
    """Pictures that can be read, as many together as memory may hold."""
    block: list[tuple[str, Image.Image]] = []
    pixels = 0
    for name in tqdm(pictures.names, "predicting", unit="picture", mininterval=1, disable=None):
        try:
            image, note = open_picture(pictures.root / name)
        except InputError as error:
            told.lines.append(f"skipped: {error}")
            continue
        told.lines += [note] if note else []
        if block and (pixels + image.width * image.height > PIXELS or len(block) == COUNT):
            yield block
            block, pixels = [], 0
        block.append((name, image))
        pixels += image.width * image.height
    if block:
        yield block


def _heads_of(
    block: Sequence[tuple[str, Image.Image]],
    heads: TabledHeads | Finder,
    pictures: OwnPictures,
    told: PredictionNotes,
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Boxes (n, 4) and scores (n,) by picture's name, of those that touch their picture."""
    if isinstance(heads, TabledHeads):
        given = [heads.boxes.get(name, np.zeros((0, 4))) for name, _ in block]
        boxed = [(boxes, np.full(len(boxes), np.nan)) for boxes in given]
    else:
        boxed = heads([image for _, image in block])
    found = {}
    for (name, image), (boxes, scores) in zip(block, boxed, strict=True):
        inside = within(boxes, image)
        found[name] = boxes[inside], scores[inside]
        if not inside.all():
            told.lines.append(
                f"{pictures.root / name}: head box {np.round(boxes[~inside][0], 1).tolist()} lies outside "
                f"the picture of {image.width} x {image.height} pixels, left out"
            )
        if not inside.any():
            told.without.append(name)
    return found


def people_rows(
    name: str, image: Image.Image, boxes: np.ndarray, scores: np.ndarray, prediction: Prediction
) -> pd.DataFrame:
    """One row each of the n people of a picture, see :func:`predict_people`.

    Args:
        name: of the picture.
        image: the picture.
        boxes: (n, 4) float64 head boxes in its pixels.
        scores: (n,) float64 in 0..1, NaN where boxes were given.
        prediction: of the same people.
    """
    inside = prediction.in_frame
    rows = pd.DataFrame(boxes.round(2), columns=[*BOX])
    rows.insert(0, "image", name)
    rows.insert(1, "width", image.width)
    rows.insert(2, "height", image.height)
    rows["head_score"] = scores
    rows[["gaze_x", "gaze_y"]] = prediction.points.astype(float)
    rows["in_frame_probability"] = np.nan if inside is None else inside.astype(float)
    rows["confidence"] = 1 - entropy(torch.from_numpy(prediction.heatmap)).numpy()
    return rows
