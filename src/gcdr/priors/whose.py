"""Whose each row of a table from elsewhere is, and who of the manifest is left without one."""

import difflib
from bisect import bisect
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from gcdr.base.errors import InputError
from gcdr.base.problems import EXAMPLES, Places, Problem, Problems
from gcdr.data.manifest import BOX
from gcdr.datasets.text import Table

LEAST = 0.5  # intersection over union of a head box and that of its person
MARGIN = 0.1  # by which one person must fit better than any other
NEAR = 2000  # names before and after an unknown one that are compared with it
NAMED = 5  # people without a map who are named
SINGLE = "a column sample_id or a head box, since the image has several people"


def match_rows(table: Table, people: pd.DataFrame, problems: Problems) -> np.ndarray:
    """The person of each row.

    The image is always named. The person is the ``sample_id``, else the ``track``, else the one of that
    image whose head box fits best, else the only one of that image. A head box that stands beside
    another name must be that person's.

    Args:
        table: columns ``image`` and those that name the person.
        people: of :func:`gcdr.data.manifest.read_people`.
        problems: gets the rows that are nobody's.

    Returns:
        (R,) int64, row of ``people``, or -1.
    """
    image = table.images()
    images = pd.Index(people["image"].unique())
    code = images.get_indexer(image)
    _unknown_images(image, code < 0, images, table.places, problems)
    boxes = _head_boxes(table, problems) if BOX[0] in table.columns else None
    if "sample_id" in table.columns:
        row = _by_id(table, people, problems)
    elif "track" in table.columns:
        row = _by_track(table, people, code >= 0, problems)
    elif boxes is not None:
        return _by_box(table, people, code, boxes, problems)
    else:
        return _single(table, people, code, problems)
    row = np.where(code >= 0, row, -1)
    if boxes is not None:
        overlap = _overlap(boxes, people[BOX].to_numpy(float)[row])
        odd = (row >= 0) & (overlap < LEAST)  # false where the box is no box, which is said already
        expected = f"the head box of that person (IoU of at least {LEAST})"
        kind = "head box of somebody else"
        problems.rows(kind, "head box", expected, odd, table.places, boxes)
    return row


def name_lacking(people: pd.DataFrame, lacking: np.ndarray) -> str:
    """The first people of a mask (N,), in words."""
    first = people[lacking].head(NAMED)
    names = [
        f"sample_id {who} ({image})" for who, image in first[["sample_id", "image"]].to_numpy()
    ]
    return ", ".join([*names, *(["..."] if lacking.sum() > NAMED else [])])


def check_covered(source: Path, people: pd.DataFrame, lacking: np.ndarray, complete: bool) -> None:
    """Refuse a source that says nothing of anybody or, unless it need not be complete, of somebody.

    Args:
        source: the file, for the message.
        people: of the manifest.
        lacking: (N,) bool, who has no map.
        complete: whether everybody must have one.

    Raises:
        InputError: too many are lacking.
    """
    if lacking.all():
        raise InputError(
            f"{source}: found a map for none of the {len(people):,} people of the manifest; expected "
            "one at least"
        )
    if complete and lacking.any():
        raise InputError(
            f"{source}: found no map for {int(lacking.sum()):,} of {len(people):,} people: "
            f"{name_lacking(people, lacking)}; expected one of everybody, or complete: false "
            "for a prior that rightly has none of some"
        )


def say_covered(source: Path, people: pd.DataFrame, lacking: np.ndarray) -> None:
    """Print how many people have a map, and who has none."""
    count = len(people) - int(lacking.sum())
    print(f"{source}: maps of {count:,} of {len(people):,} people")
    if lacking.any():
        print(f"{int(lacking.sum()):,} people without a map: {name_lacking(people, lacking)}")


def _unknown_images(
    image: np.ndarray, bad: np.ndarray, known: pd.Index, places: Places, problems: Problems
) -> None:
    if not bad.any():
        return
    names = sorted(known)
    examples = []
    for row in np.flatnonzero(bad)[:EXAMPLES].tolist():
        near = _nearest(image[row], names)
        hint = f" (is {near!r} meant?)" if near else ""
        examples.append((f"{places.name(row)}, image", f"{image[row]!r}{hint}"))
    expected = "an image of the manifest"
    problems.found.append(
        Problem("unknown image", expected, tuple(examples), int(bad.sum()), fatal=True)
    )


def _nearest(name: str, names: Sequence[str]) -> str | None:
    """The image of the same file name, else a similar one of those that sort near it."""
    end = name.replace("\\", "/").rsplit("/", 1)[-1]
    same = [other for other in names if other.rsplit("/", 1)[-1] == end]
    if same:
        return same[0]
    place = bisect(names, name)
    near = difflib.get_close_matches(name, names[max(0, place - NEAR) : place + NEAR], 1)
    return near[0] if near else None


def _head_boxes(table: Table, problems: Problems) -> np.ndarray:
    """(R, 4) float64 head boxes in pixels; NaN where a row has none."""
    boxes = np.stack([table.numbers(name, problems, "a number of pixels") for name in BOX], 1)
    empty = (boxes[:, 2:] <= boxes[:, :2]).any(1)
    expected = "x0 < x1 and y0 < y1 in pixels"
    problems.rows("head box without area", "head box", expected, empty, table.places, boxes)
    return np.where(empty[:, None], np.nan, boxes)


def _by_id(table: Table, people: pd.DataFrame, problems: Problems) -> np.ndarray:
    number = table.numbers("sample_id", problems, "a whole number")
    row = pd.Index(people["sample_id"].astype(float)).get_indexer(number)
    expected = f"one of the manifest, {people['sample_id'].min()} to {people['sample_id'].max()}"
    unknown = (row < 0) & np.isfinite(number)
    problems.rows("unknown sample_id", "sample_id", expected, unknown, table.places, number)
    image = table.images()
    other = (row >= 0) & (people["image"].to_numpy()[row] != image)
    other &= np.isin(image, people["image"].unique())  # others are named already
    expected = "the image that the sample_id has in the manifest"
    problems.rows("image of another person", "image", expected, other, table.places, image)
    return np.where(other, -1, row)


def _by_track(
    table: Table, people: pd.DataFrame, known: np.ndarray, problems: Problems
) -> np.ndarray:
    own = people[["image", "track"]].drop_duplicates(keep=False)
    asked = pd.MultiIndex.from_arrays([table.images(), table.text("track")])
    place = pd.MultiIndex.from_frame(own).get_indexer(asked)
    row = np.where(place >= 0, own.index.to_numpy()[place], -1)
    expected = "the track of one person of that image"
    unknown = known & (row < 0)
    problems.rows("unknown track", "track", expected, unknown, table.places, table.text("track"))
    return row


def _by_box(
    table: Table, people: pd.DataFrame, code: np.ndarray, boxes: np.ndarray, problems: Problems
) -> np.ndarray:
    """The person whose box is the same up to rounding, else the one that it overlaps most."""
    asked = (code >= 0) & np.isfinite(boxes).all(1)
    rows = pd.DataFrame({"image": table.images()[asked], "row": np.flatnonzero(asked)})
    heads = pd.DataFrame({"image": people["image"], "person": np.arange(len(people))})
    pairs = rows.merge(heads, on="image")
    row, person = pairs["row"].to_numpy(), pairs["person"].to_numpy()
    found, own = boxes[row], people[BOX].to_numpy(float)[person]
    exact = (np.abs(found - own) < 0.01).all(1)
    pairs["fit"] = np.where(exact, 2, _overlap(found, own))  # no overlap comes near the same box
    pairs = pairs.sort_values(["row", "fit"], ascending=[True, False])
    best = pairs.drop_duplicates("row").set_index("row")
    others = pairs[pairs.duplicated("row")].drop_duplicates("row").set_index("row")
    fit = best["fit"].reindex(range(len(code)), fill_value=0).to_numpy()
    second = others["fit"].reindex(range(len(code)), fill_value=0).to_numpy()
    nobody = asked & (fit < LEAST)
    expected = f"the head box of a person of that image (IoU of at least {LEAST})"
    problems.rows("nobody's head box", "head box", expected, nobody, table.places, boxes)
    unclear = asked & ~nobody & (second >= LEAST) & (fit - second < MARGIN)
    expected = (
        f"a head box that fits one person better than all others by an IoU of {MARGIN}, or a "
        "column sample_id"
    )
    problems.rows("ambiguous head box", "head box", expected, unclear, table.places, boxes)
    person = best["person"].reindex(range(len(code)), fill_value=-1).to_numpy()
    return np.where(nobody | unclear, -1, person)


def _single(table: Table, people: pd.DataFrame, code: np.ndarray, problems: Problems) -> np.ndarray:
    own, _ = pd.factorize(people["image"])  # in order of appearance, as the codes are
    count = np.bincount(own)[code]
    row = np.unique(own, return_index=True)[1][code]
    several = (code >= 0) & (count > 1)
    image = table.images()
    problems.rows("no person named", "image", SINGLE, several, table.places, image)
    return np.where((code < 0) | several, -1, row)


def _overlap(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Intersection over union of boxes (R, 4) with others, row by row; NaN where a box is."""
    inner = np.minimum(first[:, 2:], second[:, 2:]) - np.maximum(first[:, :2], second[:, :2])
    shared = inner.clip(0).prod(1)
    areas = [(box[:, 2:] - box[:, :2]).prod(1) for box in (first, second)]
    return shared / (areas[0] + areas[1] - shared)
