"""The manifest: one row a person in an image, and who may see which of its columns.

The label rule outranks everything: stages read people (image, boxes, split) with :func:`read_people`,
which cannot return a label; in the workflow the file that they get, ``manifest.parquet``, holds none either.
Labels are read by two stages only: the split, with :func:`read_annotated` from ``annotated.parquet``, which
hands on what it does not hide, and the evaluation, with :func:`read_annotations` of the test people. Where a
study adapts to a data set, those whom its split hides are its test people, and :mod:`gcdr.evaluation.hidden`
writes a table of their points beside the split.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from gcdr.base.errors import InputError
from gcdr.base.files import text_digest
from gcdr.base.problems import Places, Problems
from gcdr.data.parquet import read_table
from gcdr.data.parquet import write_table as write_table  # the way to write a manifest

BOX = ["head_x0", "head_y0", "head_x1", "head_y1"]
BODY = ["body_x0", "body_y0", "body_x1", "body_y1"]
PEOPLE = ["sample_id", "image", "width", "height", *BOX, "split"]
LABELS = ["gaze_x", "gaze_y", "in_frame", "label"]
CONTEXT = ["sequence", "track", "frame", "group"]
"""Where a picture is from, each column there only if the data set has it: see docs/data-formats.md."""
LABEL_SOURCE = "label_source"
OPTIONAL = [*CONTEXT, LABEL_SOURCE]
ACCEPTED, OBJECT = "accepted", ["object_x0", "object_y0", "object_x1", "object_y1"]
MEANT = [ACCEPTED, *OBJECT]
"""What else is known of the thing looked at, where a data set has it: all names that are right, and its box
in pixels. It belongs to the labels."""
JOINER = "|"
"""Between the names that are right; none of them has it."""
LABEL_SOURCES = ("given", "corrected", "predicted")
IGNORED = "ignore"
"""The split of people of whom nobody can tell where they look: not learned from, not labelled, not shown."""

SPLITS = ("train", "val", "test", IGNORED)


def build_manifest(rows: pd.DataFrame, source: str) -> pd.DataFrame:
    """Check rows and bring them into the manifest's order, types and numbering.

    Args:
        rows: the columns of ``PEOPLE`` without ``sample_id``, and those of ``LABELS`` and ``OPTIONAL``
            that are known.
        source: what to call the rows' origin in messages.

    Returns:
        the manifest, see :func:`order_people`.

    Raises:
        InputError: a column is missing, or rows are bad; all kinds of bad rows are listed together.
    """
    missing = [name for name in PEOPLE[1:] if name not in rows]
    if missing:
        raise InputError(f"{source}: column {missing[0]!r} is missing; expected {PEOPLE[1:]}")
    if rows.empty:
        raise InputError(f"{source}: no people in it; expected at least one row")
    problems = Problems()
    count = len(rows)
    places = Places((source,), np.zeros(count, int), np.arange(1, count + 1), "row")
    for kind, column, bad, expected in _faults(rows):
        found = rows[[*BOX, "width", "height"]].to_numpy() if column == "head box" else rows[column]
        problems.rows(kind, column, expected, bad, places, found)
    check_optional(rows, places, problems)
    problems.stop(source)
    return order_people(rows)[0]


def order_people(people: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """People that are known to be right in the manifest's order, types and numbering.

    Returns:
        the manifest, sorted by image and head box, ``sample_id`` being the row number, with those
        columns of ``OPTIONAL`` and ``MEANT`` in which anybody has a value; and (N,) int64, which row of
        ``people`` each of its rows is.
    """
    named = [*OPTIONAL, *MEANT]
    known = [name for name in named if name in people and people[name].notna().any()]
    table = people.reindex(columns=[*PEOPLE[1:], *LABELS, *known]).reset_index(drop=True)
    table = table.sort_values(["image", *BOX], kind="stable")
    order = table.index.to_numpy(np.int64)
    table = table.reset_index(drop=True)
    table.insert(0, "sample_id", np.arange(len(table), dtype=np.int64))
    kinds = dict.fromkeys([*BOX, "gaze_x", "gaze_y"], "float64")
    kinds |= {"width": "int64", "height": "int64", "in_frame": "boolean"}
    for name in known:
        if name == "frame":
            table[name] = pd.to_numeric(table[name]).astype("Int64")
        elif name in OBJECT:
            kinds[name] = "float64"
        else:
            table[name] = table[name].astype(object).where(table[name].notna(), None)
    return table.astype(kinds), order


def has_label(people: pd.DataFrame) -> np.ndarray:
    """(N,) bool: whose gaze point is known, or that they look out of the frame."""
    outside = people["in_frame"].eq(False).fillna(False) if "in_frame" in people else False
    known = people["gaze_x"].notna() if "gaze_x" in people else pd.Series(False, people.index)
    return (known | outside).to_numpy(bool)


def check_optional(rows: pd.DataFrame, places: Places, problems: Problems) -> np.ndarray:
    """What is wrong with the columns of ``OPTIONAL`` that are there.

    Args:
        rows: one row a person or an annotation, with ``image``, the columns of ``LABELS`` that are known,
            and any of ``OPTIONAL``; nothing is said by a null.
        places: where the rows stand.
        problems: gets the rows that are wrong.

    Returns:
        (N,) bool, the rows with nothing wrong.
    """
    right = np.ones(len(rows), bool)
    if "frame" in rows:
        number = pd.to_numeric(rows["frame"], errors="coerce").astype(float)
        whole = (number >= 0) & (number == np.floor(number)) & (number < 2**53)
        odd = rows["frame"].notna() & ~whole
        expected = "a whole number from 0 on, or nothing"
        right &= ~problems.rows("not a frame", "frame", expected, odd, places, rows["frame"])
    # An image lies in one sequence and a sequence in one group, or a split could tear either.
    for inner, outer in (("image", "sequence"), ("image", "frame"), ("image", "group"),
                         ("sequence", "group")):  # fmt: skip
        if inner in rows and outer in rows:
            first = rows.groupby(inner, sort=False)[outer].transform("first")
            both = rows[outer].notna() & first.notna()
            other = both.to_numpy() & rows[outer].ne(first).fillna(False).to_numpy(bool)
            kind, expected = f"{inner} with two values of {outer}", f"one {outer} for each {inner}"
            right &= ~problems.rows(kind, outer, expected, other, places, rows[outer])
    if LABEL_SOURCE in rows:
        source, labelled = rows[LABEL_SOURCE], has_label(rows)
        odd = source.notna() & ~source.isin(LABEL_SOURCES)
        expected = f"one of {', '.join(LABEL_SOURCES)}, or nothing"
        right &= ~problems.rows("unknown label source", LABEL_SOURCE, expected, odd, places, source)
        bare = source.notna() & ~odd & ~labelled
        expected = "nothing, where there is no label"
        right &= ~problems.rows(
            "source of a label that is not there", LABEL_SOURCE, expected, bare, places, source
        )
    return right


def _faults(rows: pd.DataFrame) -> list[tuple[str, str, pd.Series, str]]:
    """Kind, column, mask of bad rows and what is expected there."""
    box = rows[BOX].astype(float)
    size = rows[["width", "height"]].astype(float)
    finite = np.isfinite(box).all(axis=1)
    empty = (box["head_x1"] <= box["head_x0"]) | (box["head_y1"] <= box["head_y0"])
    outside = (
        (box["head_x1"] <= 0)
        | (box["head_y1"] <= 0)
        | (box["head_x0"] >= size["width"])
        | (box["head_y0"] >= size["height"])
    )
    wrong = ~rows["split"].isin(SPLITS)
    faults = [
        ("not a box", "head box", ~finite, "four finite numbers"),
        ("no area", "head box", finite & empty, "x0 < x1 and y0 < y1 in pixels"),
        ("outside", "head box", finite & ~empty & outside, "a box that overlaps its image"),
        ("unknown split", "split", wrong, f"one of {', '.join(SPLITS)}"),
    ]
    for name in ("gaze_x", "gaze_y"):
        if name in rows:
            value = rows[name].astype(float)
            off = value.notna() & ~value.between(0, 1)
            faults.append(("outside", name, off, "a number in 0..1, or nothing"))
    return faults


def read_people(manifest: str | Path) -> pd.DataFrame:
    """The columns of ``PEOPLE`` and those of ``CONTEXT`` that are there: all but the labels."""
    return read_table(manifest, PEOPLE, CONTEXT)


def people_alone(annotated: pd.DataFrame) -> pd.DataFrame:
    """The columns that :func:`read_people` reads."""
    return annotated[[*PEOPLE, *(name for name in CONTEXT if name in annotated)]]


def read_annotated(annotated: str | Path) -> pd.DataFrame:
    """People with their labels. For the label split, and for what the evaluation takes of those it hides."""
    return read_table(annotated, [*PEOPLE, *LABELS], OPTIONAL)


def read_meant(annotated: str | Path) -> pd.DataFrame:
    """``sample_id``, ``label`` and those columns of ``MEANT`` that there are. For the evaluation alone."""
    return read_table(annotated, ["sample_id", "label"], MEANT)


def read_annotations(
    path: str | Path, sample_id: np.ndarray, people: str | None = None
) -> np.ndarray:
    """The annotators' points of test people.

    Args:
        path: the annotations table: ``sample_id``, ``annotator``, ``gaze_x``, ``gaze_y``.
        sample_id: (N,) the people wanted.
        people: digest of the people that the table must be about.

    Returns:
        (N, A, 2) float64, padded with NaN where a person has fewer than A annotators; all NaN for
        people who look out of the frame.

    Raises:
        InputError: the table is damaged or of other people, or a person has no annotation.
    """
    return annotators_points(read_annotation_table(path, people), sample_id, path)


def annotators_points(table: pd.DataFrame, sample_id: np.ndarray, path: object) -> np.ndarray:
    """What :func:`read_annotations` returns, of a table that was read from ``path``."""
    table = table[table["sample_id"].isin(sample_id)].sort_values(["sample_id", "annotator"])
    place = pd.Series(np.arange(len(sample_id)), index=sample_id)
    lacking = set(sample_id) - set(table["sample_id"])
    if lacking:
        raise InputError(
            f"{path}: sample_id {min(lacking)} has no annotation; expected at least one"
        )
    order = table.groupby("sample_id").cumcount().to_numpy()
    points = np.full((len(sample_id), order.max() + 1, 2), np.nan)
    points[place[table["sample_id"]].to_numpy(), order] = table[["gaze_x", "gaze_y"]].to_numpy()
    return points


def read_annotation_table(path: str | Path, people: str | None = None) -> pd.DataFrame:
    """The annotations table as it is: ``sample_id``, ``annotator``, ``gaze_x``, ``gaze_y``; the row of a
    test person who looks out of the frame has no point."""
    columns = ["sample_id", "annotator", "gaze_x", "gaze_y"]
    return read_table(path, columns, people=people)


def people_digest(people: pd.DataFrame) -> str:
    """Digest of who the people are (ids, images, sizes, head boxes); labels never enter it."""
    columns = people[["sample_id", "image", "width", "height", *BOX]]
    return text_digest(*(columns[name].astype(str).str.cat(sep="\n") for name in columns))


def heads_digest(people: pd.DataFrame) -> str:
    """Digest of ids, images and head boxes: of a manifest, or of a table whose pictures nobody has opened."""
    columns = people[["sample_id", "image", *BOX]]
    return text_digest(*(columns[name].astype(str).str.cat(sep="\n") for name in columns))


def boxes(people: pd.DataFrame) -> np.ndarray:
    """(N, 4) float64 head boxes x0, y0, x1, y1 in 0..1 of width and height (may lie outside)."""
    scale = people[["width", "height", "width", "height"]].to_numpy(float)
    return people[BOX].to_numpy(float) / scale
