"""Figures of where and what: names of data sets, what a model says of everybody, what a second stage sees."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps

from gcdr.base.errors import InputError
from gcdr.data.heatmaps import minmax
from gcdr.data.label_space import read_label_space
from gcdr.data.manifest import ACCEPTED, BOX, JOINER, OBJECT, people_digest, read_people
from gcdr.data.pictures import open_image
from gcdr.data.stores import read_labels
from gcdr.data.tokens import open_cache
from gcdr.evaluation.semantic_stages import meant_of
from gcdr.evaluation.shown_people import evenly
from gcdr.evaluation.stages import Tested, test_people
from gcdr.evaluation.two_stage import what_is_left
from gcdr.predictor.predictor import Predictor, load_gaze_model, people_blocks
from gcdr.report.cast import PIXELS
from gcdr.report.figures import save
from gcdr.report.overlays import PixelBox, panel
from gcdr.report.panels import Plate, Row, Tile, draw_plate

PEOPLE, PICTURES, STAGED = 6, 3, 4
"""People of a data set, pictures whose people are shown, and people whose second stage is shown."""
MOST = 4  # people of a picture
GROUND = "#fffefb"  # of figures
LEFT = {"mask": "Masked", "blur": "Blurred", "crop": "Cropped"}


def named_plate(datasets: Sequence[tuple[str, Path, Tested, Path]], people: int = PEOPLE) -> Plate:
    """Test people of data sets, a row each: head, annotators, box of what they look at, its names.

    Args:
        datasets: of each its name, the folder of its pictures, its test people, and its table of labels.
        people: how many of each; fewer where there are fewer.
    """
    rows = []
    for name, images, tested, annotated in datasets:
        inside = tested.looking_inside()
        meant, chosen = meant_of(annotated, inside), evenly(np.arange(len(inside.ids)), people)
        cells = [
            Tile(_scene(images, inside, at, _box(meant, at)), _names(meant, at)) for at in chosen
        ]
        rows.append(Row([*cells, *[Tile()] * (people - len(cells))], name))
    caption = (
        "Test people of the data sets, at equal steps of the order of ids. Yellow: the head; white dots: "
        "annotators; green: the box of what is looked at, where the data have it; below, its names."
    )
    return Plate([""] * people, rows, caption, scale=False)


def people_plate(
    model: Path, samples: Path, images: Path, tested: Tested, annotated: Path, space: Path
) -> Plate:
    """What a model says of everybody tested in a few pictures: attention, heatmap and name.

    Args:
        model: folder of a model with label embeddings.
        samples: the picture cache.
        images: folder of the pictures.
        tested: the test people.
        annotated: their labels.
        space: the vocabulary.

    Raises:
        InputError: the model has no label embeddings.
    """
    inside = tested.looking_inside()
    rows = _together(inside)
    ids, vocabulary = inside.ids[rows], read_label_space(space)
    predictor, cache = Predictor(load_gaze_model(model), torch.device("cpu")), open_cache(samples)
    said = predictor.of_people(cache, ids, None)
    if said.label_embedding is None:
        raise InputError(f"{model}: says where and not what; expected label embeddings")
    place, share = vocabulary.nearest(said.label_embedding.numpy())
    looks = _attention(predictor, cache, ids)
    maps, meant = minmax(said.heatmap)[0].numpy(), meant_of(annotated, inside)
    drawn = []
    for number, at in enumerate(rows):
        scene = Tile(_scene(images, inside, at, None, points=True), _names(meant, at))
        called = f"{vocabulary.names[place[number]]}, {share[number]:.2f}"
        over = [looks[number] / looks[number].max()] if looks is not None else []
        tiles = [Tile(_scene(images, inside, at, None, heat, points=False)) for heat in over]
        heat = Tile(_scene(images, inside, at, None, maps[number], points=True), called)
        first = (
            not number
            or inside.people["image"].iloc[at] != inside.people["image"].iloc[rows[number - 1]]
        )
        drawn.append(
            Row([scene, *tiles, heat], f"picture {_number(inside, rows, number)}" if first else "")
        )
    heads = [
        "Scene and given name",
        *(["Attention"] if looks is not None else []),
        "Heatmap and name",
    ]
    caption = (
        "Test people, everybody in a picture; pictures with the most of them, at equal steps of their order. "
        "Yellow: the head; white dots: annotators; ring: the map’s highest cell. Attention: of the last "
        "look, the mean over heads, its peak 1. Names: the given one; the most similar one of the "
        f"vocabulary with its share, in the space of: {vocabulary.tower}."
    )
    return Plate(heads, drawn, caption)


def stages_plate(maps: Path, manifest: Path, images: Path, tested: Tested, seen_by: str) -> Plate:
    """What the second stage of the two-stage baseline sees.

    Args:
        maps: label store of the test people's heatmaps.
        manifest: the manifest.
        images: folder of the pictures.
        tested: the test people.
        seen_by: what the image tower is.
    """
    inside = tested.looking_inside()
    chosen = evenly(np.arange(len(inside.ids)), STAGED)
    held = read_labels(maps, people_digest(read_people(manifest)), inside.ids[chosen]).heatmap
    rows = []
    for at, heat in zip(chosen, held, strict=True):
        row = inside.people.iloc[at]
        image = open_image(images / row["image"], (row["width"], row["height"]))
        left = [_fitted(what_is_left(image, heat, how), image.size) for how in LEFT]
        scenes = [
            _scene(images, inside, at, None, shown, points=shown is None) for shown in (None, heat)
        ]
        rows.append(Row([Tile(one) for one in (*scenes, *left)]))
    caption = (
        f"What {seen_by} is shown of test people at equal steps of the order of ids: the "
        "picture times the map, blurred where the map is low, or the box of its cells of at least half of "
        "the peak."
    )
    return Plate(["Scene", "Heatmap", *LEFT.values()], rows, caption, gaps=(2,))


def write_named_figure(datasets: Sequence[dict[str, str]], out: Sequence[Path]) -> None:
    """Draw :func:`named_plate`, a file for each name, whose ending says the format.

    Args:
        datasets: of each ``name``, ``images``, ``manifest``, ``annotations``, ``samples`` and ``annotated``.
        out: the files.
    """
    shown = []
    for one in datasets:
        files = (Path(one[name]) for name in ("manifest", "annotations", "samples"))
        shown.append(
            (one["name"], Path(one["images"]), test_people(*files), Path(one["annotated"]))
        )
    _write(named_plate(shown), out)


def write_people_figures(
    model: Path,
    maps: Path,
    samples: Path,
    shown: Path,
    images: Path,
    manifest: Path,
    annotated: Path,
    annotations: Path,
    space: Path,
    seen_by: str,
    people: Sequence[Path],
    stages: Sequence[Path],
) -> None:
    """Draw :func:`people_plate` to the files ``people``, and :func:`stages_plate` to the files ``stages``.

    Args:
        shown: the picture cache of the model.
        samples: that by which test people are told.
        seen_by: what the image tower of the second stage is; the rest as there.
    """
    tested = test_people(manifest, annotations, samples)
    _write(people_plate(model, shown, images, tested, annotated, space), people)
    _write(stages_plate(maps, manifest, images, tested, seen_by), stages)


def _write(plate: Plate, out: Sequence[Path]) -> None:
    for path in out:
        save(draw_plate(plate, Path(path).suffix.removeprefix(".")), path)


def _scene(
    images: Path,
    tested: Tested,
    at: int,
    target: PixelBox | None,
    heatmap: np.ndarray | None = None,
    points: bool = True,
) -> Any:
    """A person's picture, with what is known and said of them."""
    row, known = tested.people.iloc[at], tested.points[at]
    image = np.asarray(open_image(images / row["image"], (row["width"], row["height"])))
    dots = known[np.isfinite(known).all(1)] if points else None
    head = tuple(float(row[name]) for name in BOX)
    boxes = {"head_box": head, "body_box": target}
    return panel(image, heatmap, **boxes, points=dots, size=PIXELS, top=1.0)


def _fitted(left: Image.Image, size: tuple[int, int]) -> Image.Image:
    """What is left of a picture, as large as it is shown, on a ground of the picture's shape."""
    shape = ImageOps.contain(Image.new("RGB", size), (PIXELS, PIXELS)).size
    return ImageOps.pad(left, shape, color=GROUND)


def _box(meant: Any, at: int) -> PixelBox | None:
    """The box of what a person looks at, where the data have it."""
    if not set(OBJECT) <= set(meant):
        return None
    box = tuple(float(value) for value in meant[OBJECT].iloc[at])
    return box if np.isfinite(box).all() else None


def _names(meant: Any, at: int) -> str:
    """All names that are right."""
    row = meant.iloc[at]
    for column in (ACCEPTED, "label"):
        if column in meant and isinstance(row[column], str) and row[column]:
            return " / ".join(row[column].split(JOINER))
    return "–"


def _together(tested: Tested) -> np.ndarray:
    """Rows of the people of a few pictures: of those with the most people at equal steps of their order."""
    counts = tested.people["image"].value_counts(sort=False)
    most = min(int(counts.max()), MOST)
    pictures = sorted(counts.index[counts >= most])
    chosen = [pictures[at] for at in evenly(np.arange(len(pictures)), PICTURES)]
    each = [np.flatnonzero((tested.people["image"] == one).to_numpy())[:MOST] for one in chosen]
    return np.concatenate(each)


def _number(tested: Tested, rows: np.ndarray, number: int) -> int:
    """Which of the shown pictures a shown person is in, counted from 1."""
    shown = list(dict.fromkeys(tested.people["image"].iloc[rows[: number + 1]]))
    return len(shown)


@torch.inference_mode()
def _attention(predictor: Predictor, cache: Any, ids: np.ndarray) -> np.ndarray | None:
    """Attention (N, rows, columns) of people, None of a model that has none."""
    found: list[Any] = [None] * len(ids)
    blocks = people_blocks(predictor.model, cache, ids, predictor.device, progress=False)
    for part, inputs in blocks:
        looks = predictor.model.attention(inputs)
        if looks is None:
            return None
        for place, look in zip(np.atleast_1d(part), looks.cpu().numpy(), strict=True):
            found[place] = look
    return np.stack(found)
