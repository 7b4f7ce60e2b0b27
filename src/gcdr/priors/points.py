"""Points and boxes that some other source made, from a CSV into a prior store.

The source may be another vision-language model, another gaze model or a person. What it says of
somebody becomes one map: Gaussians around its points, or the cells that its boxes cover, added up by
score. Only how the values of a map compare counts, since every reader stretches maps to [0, 1].
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from gcdr.base.problems import Problems
from gcdr.data.heatmaps import gaussians
from gcdr.data.manifest import people_digest, read_people
from gcdr.data.stores import write_prior_blocks
from gcdr.data.varied import varied_blocks
from gcdr.datasets.text import Table
from gcdr.priors.points_settings import ShapeSettings
from gcdr.priors.points_table import POINT, read_matched
from gcdr.priors.whose import check_covered, say_covered

EXPECTED = {"pixels": "a number of pixels", "normalised": "a number in 0..1"}
BORDER = 1.0  # pixels outside the image that are taken for rounding
CELLS = 2**22  # cells of maps that are computed together
LAYERS = [1]
EVEN = 1e-6  # of the greatest value; a map that differs by no more is the same everywhere
FLAT = "its map is the same everywhere"


@dataclass(frozen=True)
class Rows:
    """What a table says, sorted by person.

    Attributes:
        person: (R,) int64, row of the manifest.
        place: (R, 2) points or (R, 4) boxes in 0..1 of width and height, float64.
        score: (R,) float64, weights; the greatest of each person is 1.
        label: (R,) text, what is looked at.
    """

    person: np.ndarray
    place: np.ndarray
    score: np.ndarray
    label: np.ndarray


def points_prior(manifest: Path, table: Path, out: Path, how: ShapeSettings) -> None:
    """Write a prior store from a table of points or boxes; who has no row in it has no map.

    Args:
        manifest: the people.
        table: CSV with a header: ``image``; whose the row is (``sample_id``, ``track`` or the columns of
            ``BOX``, see :func:`gcdr.priors.whose.match_rows`); ``x,y`` or
            ``box_x0,box_y0,box_x1,box_y1``; and where known ``score`` (a weight >= 0) and ``label``
            (what is looked at). A person may have several rows.
        out: prior store of one layer.
        how: how the table is read and drawn.

    Raises:
        InputError: a row is wrong (all of them are listed), nobody has a map, or all have the same.
    """
    people = read_people(manifest)
    rows, kind = read_point_rows(table, people, how)
    named = np.isin(np.arange(len(people)), rows.person)
    check_covered(table, people, ~named, how.complete)
    lacking: list[np.ndarray] = []
    write_prior_blocks(
        out,
        varied_blocks(_blocks(people, rows, kind, table, how, lacking), people, table),
        layers=LAYERS,
        people=people_digest(people),
        made_by=made_by(kind, {"size": how.size, **_shape_settings(kind, how)}),
    )
    say_covered(table, people, np.concatenate(lacking))


def read_point_rows(path: Path, people: pd.DataFrame, how: ShapeSettings) -> tuple[Rows, str]:
    """Read and check a table.

    Returns:
        its rows, without those of score 0; and ``"points"`` or ``"boxes"``.

    Raises:
        InputError: lists all that is wrong.
    """
    problems = Problems()
    matched = read_matched(path, people, problems)
    table, names, person = matched.table, matched.names, matched.person
    size = people[["width", "height"]].to_numpy(float)[person]
    place = _places(table, names, np.where(person[:, None] >= 0, size, np.nan), how.units, problems)
    score = matched.score
    label = table.text("label") if "label" in table.columns else np.full(len(table), "", object)
    problems.stop(str(path))
    for problem in problems.warnings:
        print("\n".join(problem.lines()))
    positive = np.flatnonzero(score > 0)
    positive = positive[np.argsort(person[positive], kind="stable")]
    score = pd.Series(score[positive])
    score = (score / score.groupby(person[positive]).transform("max")).to_numpy(copy=True)
    print(
        f"{path}: {len(person):,} rows, {len(person) - len(positive):,} of them with a score of 0"
    )
    rows = Rows(person[positive], place[positive], score, label[positive])
    return rows, "points" if names == POINT else "boxes"


def draw(
    place: np.ndarray, score: np.ndarray, person: np.ndarray, count: int, how: ShapeSettings
) -> np.ndarray:
    """Maps of people from their points or boxes.

    Args:
        place: (R, 2) points or (R, 4) boxes in 0..1 of width and height.
        score: (R,) weights.
        person: (R,) int64 in 0..count - 1, whose each is.
        count: number of people.
        how: ``size`` and, for points, ``sigma``, for boxes ``blur``.

    Returns:
        (count, size, size) float32 >= 0; zeros for people without a row.
    """
    maps = torch.zeros(count, how.size, how.size)
    step = max(1, CELLS // how.size**2)
    for start in range(0, len(place), step):
        part = slice(start, start + step)
        shape = torch.from_numpy(place[part])
        shapes = (
            gaussians(shape, how.size, how.sigma)
            if place.shape[1] == 2
            else coverage(shape, how.size, how.blur)
        )
        weight = torch.from_numpy(score[part]).float()
        maps.index_add_(0, torch.from_numpy(person[part]), shapes * weight[:, None, None])
    return maps.numpy()


def coverage(boxes: Tensor, size: int, blur: float) -> Tensor:
    """How much of each cell boxes cover.

    Args:
        boxes: (R, 4) x0, y0, x1, y1 in 0..1 of width and height.
        size: side of the maps in cells.
        blur: standard deviation in cells of the Gaussian that the maps are blurred by; nothing lies
            beyond the border, and a map does not get darker towards it.

    Returns:
        (R, size, size) float32 in 0..1.
    """
    edges = torch.arange(size, dtype=torch.float64)
    x, y = (
        (
            torch.minimum(boxes[:, None, end] * size, edges + 1)
            - torch.maximum(boxes[:, None, start] * size, edges)
        ).clamp(0, 1)
        for start, end in ((0, 2), (1, 3))
    )
    if blur:
        kernel = torch.exp(-(((edges[:, None] - edges) / blur) ** 2) / 2)
        kernel = kernel / kernel.sum(1, keepdim=True)
        x, y = x @ kernel.T, y @ kernel.T
    return (y[:, :, None] * x[:, None, :]).float()


def made_by(kind: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """What a prior from elsewhere says of itself.

    No file is named, so that the stores of several data sets go into a pool, and no box was drawn into
    a picture (``overlay``).
    """
    return {"imported": kind, **settings, "layers": LAYERS, "overlay": "none", "depth": 1}


def columns_of(label: np.ndarray, problem: np.ndarray, source: Path) -> dict[str, np.ndarray]:
    """The row-wise columns of a prior store, for people whom no model was asked about.

    Args:
        label: (N,) text, what they look at, or empty.
        problem: (N,) text, why they have no map, or empty.
        source: the file.
    """
    return {
        "question": np.full(len(label), "", object),
        "answer": label,
        "noun": label,
        "token_index": np.full(len(label), -1, np.int64),
        "batch": np.zeros(len(label), np.int64),
        "problem": problem,
        "source": np.where(problem == "", source.name, "").astype(object),
    }


def _places(
    table: Table, names: list[str], size: np.ndarray, units: str, problems: Problems
) -> np.ndarray:
    """Points or boxes (R, C) in 0..1 of their images' ``size`` (R, 2), NaN where a row is wrong."""
    column, expected = ", ".join(names), EXPECTED[units]
    numbers = np.stack([table.numbers(name, problems, expected) for name in names], 1)
    if units == "pixels" and _are_shares(numbers):
        path, found = Path(table.places.files[0]), f"every {column} in 0..1"
        problems.file(path, found, "pixels, or the setting units: normalised", "wrong units")
        return np.full(numbers.shape, np.nan)
    size = np.tile(size, (1, len(names) // 2))
    pixels = numbers * size if units == "normalised" else numbers
    off = (np.maximum(-pixels, pixels - size) > BORDER).any(1)
    other = "normalised" if units == "pixels" else "pixels"
    problems.rows(
        "outside the image",
        f"{column} and image size",
        f"{EXPECTED[units]} inside the image or at most {BORDER:g} pixel outside (they are taken as "
        f"{units}; the setting units may say {other})",
        off,
        table.places,
        np.hstack([numbers, size[:, :2]]),
    )
    inside = np.minimum(pixels.clip(0), size)
    moved = int((~off & (np.isfinite(pixels) & (inside != pixels)).any(1)).sum())
    if len(names) == 4:
        empty = ~off & (inside[:, 2:] <= inside[:, :2]).any(1)
        expected = "x0 < x1 and y0 < y1, inside the image"
        problems.rows("box without area", column, expected, empty, table.places, numbers)
    if moved:
        print(
            f"{table.places.files[0]}: {moved:,} row{'s' * (moved != 1)} moved onto the border of their image"
        )
    return inside / size


def _are_shares(numbers: np.ndarray) -> bool:
    """Whether what should be pixels can only be shares: all in 0..1, and not all of them whole."""
    known = numbers[np.isfinite(numbers)]
    return bool(((known >= 0) & (known <= 1)).all() and (known % 1 > 0).any())


def _shape_settings(kind: str, how: ShapeSettings) -> dict[str, float]:
    return {"sigma": how.sigma} if kind == "points" else {"blur": how.blur}


def _blocks(
    people: pd.DataFrame,
    rows: Rows,
    kind: str,
    source: Path,
    how: ShapeSettings,
    lacking: list[np.ndarray],
) -> Iterator[dict[str, np.ndarray]]:
    """Blocks of a prior store; ``lacking`` gets who of each has no map."""
    ids = people["sample_id"].to_numpy()
    label = _labels(rows, len(people))
    problem = np.full(len(people), f"no row of a score above 0 in {source.name}", object)
    problem[rows.person] = ""
    step = max(1, CELLS // how.size**2)
    for start in range(0, len(people), step):
        part = slice(start, min(start + step, len(people)))
        own = slice(*np.searchsorted(rows.person, (part.start, part.stop)))
        maps = draw(rows.place[own], rows.score[own], rows.person[own] - start, len(ids[part]), how)
        greatest = maps.max((1, 2))
        flat = greatest - maps.min((1, 2)) <= EVEN * greatest
        why = np.where(flat & (problem[part] == ""), FLAT, problem[part]).astype(object)
        lacking.append(why != "")
        heatmap = np.where(flat[:, None, None], 0, maps)[:, None]
        yield {
            "sample_id": ids[part],
            "heatmap": heatmap,
            "valid": ~flat,
            **columns_of(label[part], why, source),
        }
    check_covered(source, people, np.concatenate(lacking), how.complete)


def _labels(rows: Rows, count: int) -> np.ndarray:
    """(count,) text: of each person the label of the greatest score, or empty."""
    labelled = pd.DataFrame({"person": rows.person, "score": rows.score, "label": rows.label})
    labelled = labelled[labelled["label"] != ""].sort_values(
        ["person", "score"], ascending=[True, False]
    )
    labelled = labelled.drop_duplicates("person")
    label = np.full(count, "", object)
    label[labelled["person"]] = labelled["label"]
    return label
