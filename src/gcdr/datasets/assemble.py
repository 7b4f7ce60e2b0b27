"""From annotation rows, as a reader understands them, to a data set with a manifest."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from gcdr.base.problems import Places, Problems
from gcdr.base.texts import has_control
from gcdr.data.manifest import BODY, BOX, OPTIONAL, SPLITS, check_optional, order_people
from gcdr.datasets.images import image_sizes, near_names, unsafe_names

ANNOTATIONS = ["sample_id", "annotator", "gaze_x", "gaze_y"]
MOMENT = ["sequence", "track", "frame"]
MISSING, UNREADABLE = "missing image", "unreadable image"
BORDER = 0.05  # of the image; a gaze point that is off by no more may be moved onto the border


@dataclass(frozen=True)
class Dataset:
    """A data set that was read, with all that is wrong with it.

    Attributes:
        kind: which layout it has.
        root: folder that image names are relative to.
        manifest: the people without a fatal problem, see :mod:`gcdr.data.manifest`.
        annotations: ``sample_id``, ``annotator``, ``gaze_x``, ``gaze_y`` of test people; who is known
            to look out of the frame has one row without a point.
        bodies: ``sample_id``, the body box in pixels that the data set gives (NaN where none was found),
            ``score`` and ``detected``; no row for people of whom it says nothing.
        images: by name, what :func:`gcdr.datasets.images.image_sizes` tells.
        problems: what is wrong.
        people: how many people the annotations name.
        lost: how many of them have an image that is missing or not one; they are not in ``manifest``.
        note: what the reader decided about people by itself, a sentence; may be empty.
        notes: what there was to say of the films that the images are frames of, or of the files of names, a
            line each.
    """

    kind: str
    root: Path
    manifest: pd.DataFrame
    annotations: pd.DataFrame
    bodies: pd.DataFrame
    images: pd.DataFrame
    problems: Problems
    people: int
    lost: int
    note: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rules:
    """How strictly a reader's rows are taken, see the reference's own filters.

    Attributes:
        gaze: unit of the gaze point: ``"share"`` of the image's sides, or ``"pixels"``.
        repair: as the reference does, leave out training people whose head box is no box or lies outside
            the image, put exchanged corners of test people's boxes in order, and move gaze points that
            lie a little outside onto the border. Each is a warning; otherwise it is an error.
        grid: width and height that boxes and gaze points in pixels are of, where they are not those of the
            image's file.
        smoothed: makes of rows whose head box can be used the (N, 4) boxes that take its place.
    """

    gaze: Literal["share", "pixels"] = "share"
    repair: bool = False
    grid: tuple[int, int] | None = None
    smoothed: Callable[[pd.DataFrame], np.ndarray] | None = None


def assemble(
    kind: str,
    rows: pd.DataFrame,
    places: Places,
    root: Path,
    problems: Problems,
    rules: Rules = Rules(),
    sizes: pd.DataFrame | None = None,
) -> Dataset:
    """Check rows against their images and each other, and group them to people.

    Args:
        kind: see :class:`Dataset`.
        rows: one row an annotation: ``image``, the columns of ``BOX`` in pixels, ``split``, ``gaze_x``,
            ``gaze_y``, ``in_frame`` (nullable) and ``label`` (None if unknown); where they exist
            the columns of ``BODY`` and those of ``OPTIONAL``; and ``person``: rows with the same value
            are several annotators of one person.
        places: where the rows stand.
        root: folder that ``image`` is relative to.
        problems: what the reader has found; gets all that is found here.
        rules: what is an error and what is put right.
        sizes: by the name of each image what :func:`gcdr.datasets.images.image_sizes` would tell, where they
            are known without their files; None looks at the files.
    """
    rows = rows.reset_index(drop=True)
    unsafe = problems.rows(
        "path leaves the data set",
        "image",
        f"a path inside {root}, relative to it and without '..'",
        unsafe_names(rows["image"]),
        places,
        rows["image"],
    )
    unsafe = unsafe | problems.rows(
        "a name that no table can hold",
        "image",
        "a name on one line, without control characters",
        ~unsafe
        & np.array([isinstance(one, str) and has_control(one) for one in rows["image"]], bool),
        places,
        rows["image"],
    )
    names = sorted(rows.loc[~unsafe, "image"].unique())
    images = image_sizes(root, names) if sizes is None else sizes.loc[names]
    unreadable = _report_images(rows["image"], images, places, root, problems)
    for side in ("width", "height"):
        rows[side] = rows["image"].map(images[side]).fillna(0).astype(np.int64)
    if rules.grid:
        size = rows[["width", "height"]].to_numpy()
        rows[BOX] *= np.tile(np.where(size > 0, size, rules.grid) / rules.grid, 2)
    odd = problems.rows(
        "unknown split",
        "split",
        f"one of {', '.join(SPLITS)}",
        ~rows["split"].isin(SPLITS),
        places,
        rows["split"],
    )
    sound = ~(unsafe | unreadable)
    usable = _check_boxes(rows, sound, places, problems, rules)
    usable &= _check_gaze(rows, sound, places, problems, rules)
    usable &= check_optional(rows, places, problems)
    _check_bodies(rows, sound, places, problems)
    sound &= usable & ~odd
    people, lost = rows["person"].nunique(), rows["person"][unreadable].nunique()
    if not sound.any() and not problems.errors:
        problems.file(root, "no person", "at least one", "no people")
    rows, places = rows[sound].reset_index(drop=True), places.take(sound)
    box = "mean head box" if rules.smoothed else "head box"
    return Dataset(
        kind, root, *_people(rows, places, problems, box), images, problems, people, lost
    )


def frame_numbers(image: pd.Series) -> pd.Series:
    """The number at the end of each image's name, as in ``clip/00012.jpg``; null where there is none."""
    digits = image.astype(object).str.extract(r"(\d{1,15})(?:\.[^./]*)?$", expand=False)
    return pd.to_numeric(digits).astype("Int64")


def _report_images(
    image: pd.Series, images: pd.DataFrame, places: Places, root: Path, problems: Problems
) -> np.ndarray:
    """Each image that cannot be read once; (N,) bool, the rows that are about such an image."""
    fault = image.map(images["fault"].astype(object)).astype(object).fillna("")
    missing = fault == "no such file"
    once = ~image.duplicated()
    absent = image.astype(object)
    if missing.any():
        absent[missing] = near_names(root, image[missing])
    problems.rows(MISSING, "image", f"a file in {root}", missing & once, places, absent)
    unreadable = (fault != "") & ~missing
    found = image.astype(object) + " (" + fault + ")"
    problems.rows(UNREADABLE, "image", "an image", unreadable & once, places, found)
    turned = image.map(images["turned"]).eq(True) & once
    kind = "image marked as lying on its side, read upright"
    problems.rows(kind, "image", "boxes of the upright image", turned, places, image, fatal=False)
    return (fault != "").to_numpy()


def _check_boxes(
    rows: pd.DataFrame, looked: np.ndarray, places: Places, problems: Problems, rules: Rules
) -> np.ndarray:
    """Put boxes right where that is allowed; which rows have one that can be used."""
    box = rows[BOX].to_numpy(float, copy=True)
    test = (rows["split"] == "test").to_numpy()
    if rules.repair:
        swapped = test & (box[:, 2:] < box[:, :2]).any(1)
        kind = "exchanged corners of a test person's head box, put in order"
        problems.rows(kind, "head box", "x0 < x1, y0 < y1", swapped, places, box, fatal=False)
        box[test] = np.sort(box[test].reshape(-1, 2, 2), axis=1).reshape(-1, 4)
        rows[BOX] = box
    _check_scale(rows, places, problems)
    usable = _within_images(rows, "head box", looked, places, problems, rules)
    if rules.smoothed:
        # Of what can be used alone: a box of zeros would move those of its neighbours.
        rows.loc[usable, BOX] = rules.smoothed(rows[usable])
        means, where = rows[usable], places.take(usable)
        usable[usable] = _within_images(
            means, "mean head box", looked[usable], where, problems, rules
        )
    return usable


def _within_images(
    rows: pd.DataFrame,
    what: str,
    looked: np.ndarray,
    places: Places,
    problems: Problems,
    rules: Rules,
) -> np.ndarray:
    """Which rows have a box with an area, and where their image can be looked at one that overlaps it."""
    box, size = rows[BOX].to_numpy(float), rows[["width", "height"]].to_numpy(float)
    empty = (box[:, 2:] <= box[:, :2]).any(1)
    outside = looked & ~empty & ((box[:, 2:] <= 0) | (box[:, :2] >= size)).any(1)
    beyond = np.maximum(-box[:, :2], box[:, 2:] - size)  # pixels, on the farther side of each axis
    far = looked & ~empty & ~outside & (beyond > size).any(1)
    dropped = ~rows["split"].eq("test").to_numpy() & rules.repair
    for kind, column, bad, found, expected in (
        ("without area", "", empty, box, "x0 < x1 and y0 < y1 in pixels"),
        ("outside the image", " and image size", outside, np.hstack([box, size]),
         "a box that overlaps its image"),
        ("far beyond the image", " and image size", far, np.hstack([box, size]),
         "a box that reaches beyond its image by its size at most"),
    ):  # fmt: skip
        kind, column = f"{what} {kind}", f"{what}{column}"
        problems.rows(kind, column, expected, bad & ~dropped, places, found)
        kind = f"{kind}, training person left out"
        problems.rows(kind, column, expected, bad & dropped, places, found, fatal=False)
    return ~(empty | outside | far | np.isnan(box).any(1))


def _check_bodies(
    rows: pd.DataFrame, looked: np.ndarray, places: Places, problems: Problems
) -> None:
    """Take body boxes that cannot be right for bodies that were not found; four negative numbers say so."""
    if not set(BODY) <= set(rows):
        return
    box, size = rows[BODY].to_numpy(float), rows[["width", "height"]].to_numpy(float)
    there = np.isfinite(box).all(1) & ~(box < 0).all(1)
    left = there & (box[:, 0] < 0)
    empty = there & ~left & (box[:, 2:] <= box[:, :2]).any(1)
    outside = looked & there & ~(left | empty) & ((box[:, 2:] <= 0) | (box[:, :2] >= size)).any(1)
    for kind, column, bad, found, expected in (
        ("with a negative number", "", left, box, "a box in pixels, or four negative numbers"),
        ("without area", "", empty, box, "x0 < x1 and y0 < y1 in pixels"),
        ("outside the image", " and image size", outside, np.hstack([box, size]),
         "a box that overlaps its image"),
    ):  # fmt: skip
        kind, column = f"body box {kind}, taken as not found", f"body box{column}"
        problems.rows(kind, column, expected, bad, places, found, fatal=False)
        rows.loc[bad, BODY] = -1.0


def _check_scale(rows: pd.DataFrame, places: Places, problems: Problems) -> None:
    """As :func:`check_scale`, of the boxes of heads and bodies that there are."""
    for name, columns in (("head box", BOX), ("body box", BODY)):
        if set(columns) <= set(rows):
            check_scale(rows[columns].to_numpy(float), name, name, places, problems)


def check_scale(
    box: np.ndarray, what: str, column: str, places: Places, problems: Problems
) -> None:
    """Refuse boxes that are all within 0..1, as fractions of the image are; tell of those below a pixel.

    Args:
        box: (N, 4) boxes; those without area do not count.
        what: what they are.
        column: what their file calls them.
        places: where they stand.
        problems: gets what is wrong.
    """
    expected = "pixels of the image, x0, y0, x1, y1"
    sides = box[:, 2:] - box[:, :2]
    there = (sides > 0).all(1)
    small = there & (sides < 1).any(1)
    fractions = there & ((box >= 0) & (box <= 1)).all(1)
    if there.any() and (fractions == there).all():
        kind = f"{what}es look like fractions of the image"
        column = f"{column} (all are within 0..1, like fractions of the image)"
        problems.rows(kind, column, expected, fractions, places, box)
    else:
        kind, expected = f"{what} smaller than a pixel, kept", "at least a pixel each way"
        problems.rows(kind, column, expected, small, places, box, fatal=False)


def _check_gaze(
    rows: pd.DataFrame, looked: np.ndarray, places: Places, problems: Problems, rules: Rules
) -> np.ndarray:
    """Make gaze points shares of the image, NaN where there is none; which rows can be used."""
    annotated = rows[["gaze_x", "gaze_y"]].to_numpy(float)
    size = np.asarray(rules.grid or rows[["width", "height"]], float)
    gaze = annotated / np.where(size > 0, size, 1) if rules.gaze == "pixels" else annotated.copy()
    inside, outside = (
        rows["in_frame"].eq(value).fillna(False).to_numpy(bool) for value in (True, False)
    )
    gaze[outside] = np.nan
    there = np.isfinite(gaze)
    half = there.any(1) & ~there.all(1)
    lacking = inside & ~there.any(1)
    beyond = np.where(there, np.maximum(-gaze, gaze - 1), 0).max(1, initial=0)
    off = looked & ~half & (beyond > 0)
    moved = off & (beyond <= BORDER) & rules.repair
    expected = "both in 0..1" if rules.gaze == "share" else "both inside the image, in pixels"
    for kind, bad, fatal in (
        ("half a gaze point", half, True),
        ("in the frame, but without a gaze point", lacking, True),
        ("gaze outside the image", off & ~moved, True),
        ("gaze a little outside the image, moved onto its border", moved, False),
    ):
        problems.rows(kind, "gaze_x, gaze_y", expected, bad, places, annotated, fatal=fatal)
    rows[["gaze_x", "gaze_y"]] = np.clip(gaze, 0, 1)
    known = pd.Series(there.all(1), dtype="boolean")
    rows["in_frame"] = known.where(known | outside, rows["in_frame"])
    return ~(half | lacking | (off & ~moved))


def _people(
    rows: pd.DataFrame, places: Places, problems: Problems, box: str
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Manifest, test annotations and given bodies; ``box`` is what the head boxes are, to be said."""
    person, _ = pd.factorize(rows["person"])
    first = ~rows["person"].duplicated()
    people = rows[first].reset_index(drop=True)
    for column in ("split", *BOX, *(name for name in OPTIONAL if name in rows)):
        ours, first_ones = rows[column], people[column].take(person).reset_index(drop=True)
        other = (ours.ne(first_ones) & ~(ours.isna() & first_ones.isna())).fillna(True)
        kind = "rows of one person differ, first one taken"
        problems.rows(kind, column, "the same", other, places, rows[column], fatal=False)
    problems.rows(
        "two people with the same head box, both kept",
        box,
        "each person of an image once",
        people.duplicated(["image", *BOX]),
        places.take(first.to_numpy()),
        people[BOX].to_numpy(),
        fatal=False,
    )
    if set(MOMENT) <= set(people):
        twice = people.duplicated(MOMENT) & people[MOMENT].notna().all(axis=1)
        problems.rows(
            "a track twice in a frame", "track", "each track of a sequence once a frame",
            twice, places.take(first.to_numpy()), people["track"],
        )  # fmt: skip
    values = rows.groupby(person)[["gaze_x", "gaze_y", "in_frame"]]
    people[["gaze_x", "gaze_y"]] = values.mean()[["gaze_x", "gaze_y"]].to_numpy()
    people["in_frame"] = values.max()["in_frame"].to_numpy()
    manifest, order = order_people(people)
    number = np.empty(len(order), np.int64)
    number[order] = np.arange(len(order))
    points = rows.assign(sample_id=number[person])
    outside = (
        ~rows["person"].duplicated() & people["in_frame"].eq(False).fillna(False)[person].array
    )
    points = points[(rows["split"] == "test") & (rows["gaze_x"].notna() | outside)]
    points = points.sort_values("sample_id", kind="stable")
    points["annotator"] = points.groupby("sample_id").cumcount()
    bodies = people.reindex(columns=BODY).loc[order].astype(float).reset_index(drop=True)
    annotated, found = bodies[BODY[0]].notna(), bodies[BODY[0]] >= 0
    bodies = bodies.where(found).assign(score=np.where(found, 1.0, np.nan), detected=found)
    bodies.insert(0, "sample_id", manifest["sample_id"])
    bodies = bodies[annotated.to_numpy()].reset_index(drop=True)
    return manifest, points[ANNOTATIONS].reset_index(drop=True), bodies
