"""A folder of one's own images and a CSV of head boxes, with or without labels."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from gcdr.base.errors import InputError
from gcdr.base.files import text_digest
from gcdr.base.problems import Places, Problems
from gcdr.data.manifest import BODY, BOX, CONTEXT, LABEL_SOURCE, has_label, order_people
from gcdr.datasets.assemble import Dataset, Rules, assemble
from gcdr.datasets.layout import describe_left_out, left_out, picture_names
from gcdr.datasets.text import Table, read_headed

REQUIRED = ["image", *BOX]
LABELLING = ["gaze_x", "gaze_y", "in_frame", "label", "split", "annotator", LABEL_SOURCE]
TOLD = [*LABELLING, "person", *CONTEXT, *BODY]
IN_FRAME = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def read_folder(folder: Path, table: Path | None, test_share: float = 0) -> Dataset:
    """Read a folder of images with head boxes.

    Args:
        folder: the images; ``image`` in the CSV is relative to it.
        table: CSV with the columns ``image,head_x0,head_y0,head_x1,head_y1`` in pixels and, where known,
            ``gaze_x,gaze_y`` (0..1 of the image's width and height), ``in_frame`` (true, false or
            nothing), ``label``, ``label_source``, ``split``, ``body_x0,body_y0,body_x1,body_y1`` in pixels,
            ``sequence``, ``track``, ``frame``, ``group``, ``annotator`` and ``person``, which tells people
            of an image apart whose head boxes are the same.
        test_share: part of the labelled people that is set aside for test, see :func:`set_aside`.

    Raises:
        InputError: there is no folder, no image in it, or no table.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder of images")
    left = describe_left_out(left_out(folder))
    if not any(path.is_file() for path in folder.rglob("*")):
        raise InputError(f"{folder}: the folder holds no image")
    if table is None and not picture_names(folder):
        raise InputError(
            f"{folder}: the folder holds no image that can be read; {left or 'none is'}"
        )
    if table is None:
        raise InputError(
            f"{folder}: images without a table of head boxes; expected a CSV with the columns "
            f"{','.join(REQUIRED)} in pixels. The workflow finds heads by itself where datasets.<name> has "
            "no table (docs/datasets.md); to look at them first: "
            f"gcdr heads {folder} --out {folder / 'heads.csv'}{left and f'. Of the images, {left}'}"
        )
    problems = Problems()
    if left:
        kind = "pictures that are not read, left out"
        problems.file(folder, left, "JPEG, PNG or another form that is read", kind, fatal=False)
    rows, places = folder_rows(table, unnamed_split(test_share), problems)
    rows, note = set_aside(rows, test_share)
    return replace(assemble("folder", rows, places, folder, problems, Rules()), note=note)


def unnamed_split(test_share: float) -> str:
    """The split of people whose row names none: for training, where test people are set aside from these."""
    return "train" if test_share else "test"


def set_aside(rows: pd.DataFrame, test_share: float) -> tuple[pd.DataFrame, str]:
    """Give some of the labelled people the split ``test``, where nobody has it.

    Whole images go, in an order that their names alone decide, until they hold that part of the labelled
    people; one image with labels stays at least. So an image keeps its place when labels are added, and few
    change sides. Others in these images get the split ``val``: a model that learned from them would have seen
    the picture. Labels that a model made (``predicted``) are not measured on.

    Args:
        rows: people or annotations of them, with ``image``, ``split`` and labels.
        test_share: the part, 0 to 1; with 0 nobody is set aside.

    Returns:
        the rows, and a sentence for people about what was done; empty where nothing was.
    """
    train = rows["split"].eq("train").to_numpy()
    if not test_share or rows["split"].eq("test").any():
        return rows, ""
    known = train & has_label(rows)
    if LABEL_SOURCE in rows:
        known &= rows[LABEL_SOURCE].ne("predicted").to_numpy()
    each = rows.loc[known, "image"].value_counts()
    each = each.loc[sorted(each.index, key=lambda name: text_digest("test", name))]
    before = each.cumsum() - each  # labelled people in the images that go first
    images = each.index[(before < test_share * known.sum()).to_numpy()][: max(0, len(each) - 1)]
    there = train & rows["image"].isin(images).to_numpy()
    split = rows["split"].mask(there & known, "test").mask(there & ~known, "val")
    note = (
        f"{(there & known).sum()} of {known.sum()} labelled people, in {len(images)} of {len(each)} images, "
        f"set aside (test_share {test_share:g}); none learns from {(there & ~known).sum()} others there"
    )
    return rows.assign(split=split), note


def folder_rows(table: Path, split: str, problems: Problems) -> tuple[pd.DataFrame, Places]:
    """The rows of a folder's table, one an annotation, and where they stand; no picture is looked at.

    Args:
        table: as for :func:`read_folder`.
        split: the split of people whose row names none.
        problems: gets what is wrong with them.

    Returns:
        the columns that are known, of which ``person`` numbers the people: several annotators of one have the
        same.
    """
    columns = read_headed(table, REQUIRED, TOLD, problems)
    return rows_of_people(columns, split, problems), columns.places


def rows_of_people(columns: Table, split: str, problems: Problems) -> pd.DataFrame:
    """What the columns of a table say, see :func:`folder_rows`.

    Args:
        columns: ``image``, head boxes, and what else is known.
        split, problems: see there.
    """
    rows = rows_of_table(columns, split, problems)
    identity = ["image", *BOX, *(["person"] if "person" in rows else [])]
    rows["person"] = rows.groupby(identity, dropna=False, sort=False).ngroup()
    who = ["person", "annotator"] if "annotator" in rows else ["person"]
    problems.rows(
        "the same person twice",
        ", ".join(["image", "head box", *who[1:]]),
        "each head box of an image once; several annotators are told apart by a column annotator",
        rows.duplicated(who),
        columns.places,
        rows["image"],
    )
    return rows


def people_of_table(folder: Path, table: Path, test_share: float = 0) -> pd.DataFrame | None:
    """The people of a folder by its table alone, before anything is said of what is wrong with it.

    Args:
        folder: the images.
        table, test_share: as for :func:`read_folder`.

    Returns:
        the manifest as it will be, with labels and without sizes; None where rows are wrong or images are not
        there, which the reader will say.
    """
    problems = Problems()
    people = _first_rows(table, test_share, problems)
    if problems.errors or people.empty:
        return None
    if not all((folder / name).is_file() for name in people["image"].unique()):
        return None
    return order_people(people.assign(width=0, height=0))[0].drop(columns=["width", "height"])


def people_mark(folder: Path, table: Path, test_share: float = 0) -> str:
    """What tells the people of a folder's table from others, whatever is said of where they look.

    A change of labels alone leaves it as it is, so that nothing has to be made again that reads no label. It
    tells images, head and body boxes, splits and context, and of the pictures whether they are there and how
    many bytes they have, since a person whose picture cannot be read is left out.

    Args:
        folder, table, test_share: as for :func:`read_folder`.

    Raises:
        InputError: the table cannot be read, or lacks a column.
    """
    people = _first_rows(table, test_share, Problems())
    if people.empty:
        return ""
    told = people.reindex(columns=["image", *BOX, "split", *CONTEXT, *BODY])
    told = told.sort_values(["image", *BOX], kind="stable")
    pictures = (f"{name}\n{_bytes_of(folder / name)}" for name in told["image"].unique())
    return text_digest(told.to_csv(index=False), *pictures)


def _bytes_of(path: Path) -> int:
    """Size of a file; -1 where there is none, or cannot be one of that name."""
    try:
        return path.stat().st_size
    except (OSError, ValueError):
        return -1


def _first_rows(table: Path, test_share: float, problems: Problems) -> pd.DataFrame:
    """The first row of each person in a folder's table, with their split; empty where the table is."""
    columns = read_headed(table, REQUIRED, TOLD, problems)
    if not len(columns):
        return pd.DataFrame()
    rows = set_aside(rows_of_table(columns, unnamed_split(test_share), problems), test_share)[0]
    return rows.drop_duplicates(["image", *BOX, *(["person"] if "person" in rows else [])])


def rows_of_table(table: Table, split: str, problems: Problems) -> pd.DataFrame:
    """The columns of a table, each of its kind; people are not told apart yet.

    Args:
        table, split, problems: see :func:`rows_of_people`.
    """
    rows = pd.DataFrame({"image": table.images()}, dtype=object)
    columns = table.columns
    for name in BOX:
        rows[name] = table.numbers(name, problems, "a number of pixels")
    for name in ("gaze_x", "gaze_y"):
        rows[name] = _optional(table, name, problems, "a number in 0..1, or nothing")
    rows["in_frame"] = pd.array([pd.NA] * len(rows), "boolean")
    if "in_frame" in columns:
        text = pd.Series(table.text("in_frame"), dtype=object).str.lower()
        rows["in_frame"] = pd.array(text.map(IN_FRAME), "boolean")
        odd = ~text.isin([*IN_FRAME, ""])
        expected = "true, false or nothing"
        problems.rows("unknown in_frame", "in_frame", expected, odd, table.places, text)
    rows["label"] = None
    if "label" in columns:
        rows["label"] = pd.Series(table.text("label"), dtype=object).where(table.filled("label"))
    rows["split"] = split
    if "split" in columns:
        text = pd.Series(table.text("split"), dtype=object)
        rows["split"] = text.where(table.filled("split"), split)
    if set(BODY) & set(columns):
        whole = "four numbers of pixels, or nothing"
        box = np.stack([_optional(table, name, problems, whole) for name in BODY], 1)
        missing = np.isnan(box)
        half = missing.any(1) & ~missing.all(1)
        problems.rows("half a body box", ", ".join(BODY), whole, half, table.places, box)
        # Below 0 would say that nobody was found; a box may begin beside its picture.
        right = ((box[:, :2] < box[:, 2:]) & (box[:, 2:] > 0)).all(1)
        rows[BODY] = np.where(right[:, None], np.maximum(box, 0), box)
    for name in ("annotator", "person"):
        if name in columns:
            rows[name] = table.text(name)
    for name in (*CONTEXT, LABEL_SOURCE):
        if name in columns:
            rows[name] = pd.Series(table.text(name), dtype=object).where(table.filled(name), None)
    if "frame" in columns:
        rows["frame"] = _optional(table, "frame", problems, "a whole number from 0 on, or nothing")
    if LABEL_SOURCE in columns:
        rows.loc[has_label(rows) & rows[LABEL_SOURCE].isna(), LABEL_SOURCE] = "given"
    return rows


def _optional(table: Table, name: str, problems: Problems, expected: str) -> np.ndarray:
    """(N,) float64 of a column that may be empty or absent: then NaN."""
    if name not in table.columns:
        return np.full(len(table.text("image")), np.nan)
    return table.numbers(name, problems, expected, optional=True)
