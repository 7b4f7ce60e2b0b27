"""Corrections that a person made on a gallery's page, laid into the table of their own images.

A table is edited as text: rows that nobody corrected, and columns that nobody here knows, stay as they are.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from gcdr.base.csvtext import fields, raw_fields
from gcdr.base.errors import InputError, one_line
from gcdr.base.problems import Places, Problems
from gcdr.data.manifest import (
    BOX,
    IGNORED,
    LABEL_SOURCE,
    has_label,
    heads_digest,
    order_people,
)
from gcdr.datasets.folder import IN_FRAME, folder_rows
from gcdr.datasets.text import SEP_LINE, read_headed

POINT, OUT_OF_FRAME, CANNOT_TELL = "point", "out of frame", "cannot tell"
CORRECTION_COLUMNS = [
    "people", "sample_id", "image", *BOX, "said", "gaze_x", "gaze_y", "in_frame", "date"
]  # fmt: skip
"""What a gallery's page writes; ``date`` is for people and may be missing."""

LINE_END = r"(\r\n|\r|\n)"
BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Correction:
    """What a person said of somebody in a picture.

    Attributes:
        place: file and line, for messages.
        people: digest of the people of the page's data set, :func:`gcdr.data.manifest.heads_digest`.
        sample_id: whom it is about, and
        image, box: by picture and head box in pixels.
        verdict: ``POINT``, ``OUT_OF_FRAME`` or ``CANNOT_TELL``.
        gaze: the point in 0..1 of width and height, where one is said.
    """

    place: str
    people: str
    sample_id: int
    image: str
    box: tuple[float, ...]
    verdict: str
    gaze: tuple[float, float] | None

    def answer(self) -> str:
        """What was said, in words."""
        return (
            self.verdict if self.gaze is None else f"the point {self.gaze[0]:g}, {self.gaze[1]:g}"
        )


@dataclass(frozen=True)
class Corrected:
    """A table with corrections in it.

    Attributes:
        content: the file.
        rows: how many rows it has.
        verdicts: people by what was said of them.
        splits: corrected people (not those of ``CANNOT_TELL``) by their split.
        ignored: people who have got the split ``ignore``.
    """

    content: bytes
    rows: int
    verdicts: Mapping[str, int]
    splits: Mapping[str, int]
    ignored: int = 0

    def lines(self, out: Path) -> list[str]:
        """What was done, for the terminal."""
        told = ", ".join(f"{count} {said}" for said, count in self.verdicts.items())
        shown = [
            f"{out}: {self.rows} rows, of {sum(self.verdicts.values())} people it was said: {told}"
        ]
        if self.splits:
            by_split = ", ".join(f"{count} {split}" for split, count in self.splits.items())
            shown.append(f"corrected people by split: {by_split}")
        if self.ignored:
            shown.append(
                f"{self.ignored} of whom nobody can tell got the split {IGNORED}: they are not asked about "
                "again, and no model learns from them"
            )
        if self.splits and "train" not in self.splits:
            shown.append(
                "none of them is of the split train, so no model learns from them; --split train gives it to "
                "rows that name none"
            )
        return shown


def read_corrections(path: Path) -> list[Correction]:
    """The rows of a file that a gallery's page wrote.

    Raises:
        InputError: it cannot be read, a column is missing, a point is outside 0..1, or a row says two things.
    """
    problems = Problems()
    needed = [name for name in CORRECTION_COLUMNS if name != "date"]
    table = read_headed(path, needed, ["date"], problems)
    number = {name: table.numbers(name, problems) for name in ["sample_id", *BOX]}
    gaze = np.stack(
        [
            table.numbers(name, problems, "a number in 0..1, or nothing", optional=True)
            for name in ("gaze_x", "gaze_y")
        ],
        1,
    )
    said, stated = table.text("said"), [text.lower() for text in table.text("in_frame")]
    outside = (np.nan_to_num(gaze, nan=0.5) < 0) | (np.nan_to_num(gaze, nan=0.5) > 1)
    expected = "both in 0..1 of the image's width and height"
    problems.rows("outside", "gaze_x, gaze_y", expected, outside.any(1), table.places, gaze)
    wanted = {POINT: (True, True), OUT_OF_FRAME: (False, False), CANNOT_TELL: (False, None)}
    odd = np.array([text not in wanted for text in said], bool)
    problems.rows("unknown answer", "said", f"one of {', '.join(wanted)}", odd, table.places, said)
    found = [
        (not np.isnan(point).any(), IN_FRAME.get(frame, frame or None))
        for point, frame in zip(gaze, stated, strict=True)
    ]
    half = np.isnan(gaze).any(1) & ~np.isnan(gaze).all(1)
    differs = ~odd & (
        half
        | np.array([wanted.get(text) != one for text, one in zip(said, found, strict=True)], bool)
    )
    shown = [f"{text}, {point}, {frame or 'nothing'}" for text, point, frame in zip(
        said, (f"({x:g}, {y:g})" for x, y in gaze), stated, strict=True
    )]  # fmt: skip
    expected = (
        "point with a point and true, out of frame with none and false, or cannot tell with neither"
    )
    problems.rows(
        "an answer that says two things", "said, gaze_x, gaze_y, in_frame", expected, differs,
        table.places, np.array(shown, object),
    )  # fmt: skip
    _stop(problems, path)
    digest, images = table.text("people"), table.images()
    return [
        Correction(
            table.places.name(row),
            digest[row],
            int(number["sample_id"][row]),
            images[row],
            tuple(float(number[name][row]) for name in BOX),
            said[row],
            None if np.isnan(gaze[row]).any() else (float(gaze[row, 0]), float(gaze[row, 1])),
        )
        for row in range(len(table))
    ]


def merge_corrections(
    table: Path,
    corrections: Sequence[Correction],
    split: str | None = None,
    changed: bool = False,
) -> Corrected:
    """A table of own images with what people said.

    Who was given a point, or said to look out of the frame, gets that as a label of the source ``corrected``.
    Who cannot be told keeps a given label and loses a predicted one; who then has none gets the split
    ``ignore``. Who has that split and is told after all gets ``train``. Columns that are needed and not there
    come last.

    Args:
        table: the CSV, see :func:`gcdr.datasets.folder.read_folder`.
        corrections: of :func:`read_corrections`, of one or several files.
        split: what rows get that name no split; None leaves them.
        changed: whether the table may have other people than the page had; they are then found by image and
            head box alone.

    Raises:
        InputError: the table is wrong, a correction is of another data set or of nobody in the table, two
            differ about one person, or one is of a person with several annotators.
    """
    problems = Problems()
    rows, places = folder_rows(table, "", problems)
    _stop(problems, table)
    text = _Text(table)
    who = _assigned(table, rows, places, corrections, changed)
    labelled, ignored = has_label(rows), 0
    edits: dict[int, dict[str, str]] = {}
    for row, correction in who.items():
        predicted = text.cell(places.line[row], LABEL_SOURCE) == "predicted" or (
            text.cell(places.line[row], "source") == "map"
            and not text.cell(places.line[row], LABEL_SOURCE)
        )
        edits[row] = _edit(correction, predicted)
        if correction.verdict == CANNOT_TELL and (predicted or not labelled[row]):
            edits[row]["split"], ignored = IGNORED, ignored + 1
        elif correction.verdict != CANNOT_TELL and rows["split"].iloc[row] == IGNORED:
            edits[row]["split"] = "train"
    if split is not None:
        for row in np.flatnonzero(rows["split"] == "").tolist():
            edits[row] = {"split": split, **edits.get(row, {})}
    text.apply({int(places.line[row]): edit for row, edit in edits.items()}, places.line.tolist())
    said = pd.Series([one.verdict for one in who.values()], dtype=object).value_counts(sort=False)
    kept = [row for row, one in who.items() if one.verdict != CANNOT_TELL]
    of_split = rows["split"].iloc[kept].replace({"": split or "test", IGNORED: "train"})
    counts = of_split.value_counts(sort=False).to_dict()
    return Corrected(text.content(), len(rows), said.to_dict(), counts, ignored)


def _stop(problems: Problems, path: Path) -> None:
    """End with one line that says all that is wrong."""
    try:
        problems.stop(str(path))
    except InputError as error:
        raise InputError(one_line(error)) from None


def _edit(correction: Correction, predicted: bool) -> dict[str, str]:
    """Cells of a row by column."""
    nothing = {"gaze_x": "", "gaze_y": "", "label": ""}
    if correction.gaze is not None:
        x, y = map(repr, correction.gaze)
        return {"gaze_x": x, "gaze_y": y, "in_frame": "true", LABEL_SOURCE: "corrected"}
    if correction.verdict == OUT_OF_FRAME:  # there is nothing left that a noun could name
        return {**nothing, "in_frame": "false", LABEL_SOURCE: "corrected"}
    return {**nothing, "in_frame": "", LABEL_SOURCE: ""} if predicted else {}


def _assigned(
    table: Path,
    rows: pd.DataFrame,
    places: Places,
    corrections: Sequence[Correction],
    changed: bool,
) -> dict[int, Correction]:
    """The row of the table that each correction is of, in the order of the corrections."""
    first = rows[~rows["person"].duplicated()]
    people, order = order_people(first.assign(width=0, height=0))
    digest = heads_digest(people)
    rows_of = rows.groupby("person").indices
    people["rows"] = [rows_of[person].tolist() for person in first["person"].to_numpy()[order]]
    keys = list(zip(people["image"], *(people[name] for name in BOX), strict=True))
    by_key: dict[tuple[object, ...], list[int]] = {}
    for number, key in enumerate(keys):
        by_key.setdefault(key, []).append(number)
    who: dict[int, Correction] = {}
    for one in corrections:
        key = (one.image, *one.box)
        same = one.people == digest
        if not same and not changed:
            raise InputError(
                f"{one.place}, people: found {one.people[:12]!r}, expected {digest[:12]!r}, the people of "
                f"{table}: made for another data set, or people came or went since then (--changed goes by "
                "image and head box)"
            )
        fitting = by_key.get(key, [])
        if same and one.sample_id in fitting:
            fitting = [one.sample_id]
        if len(fitting) != 1 or (same and fitting != [one.sample_id]):
            box = ", ".join(f"{value:g}" for value in one.box)
            count = "several" if len(fitting) > 1 else "another" if fitting else "no"
            raise InputError(
                f"{one.place}: found {one.image!r} with head box ({box}) and sample_id {one.sample_id}, "
                f"of which {table} has {count} person; expected one of its people"
            )
        found = people["rows"].iloc[fitting[0]]
        if len(found) > 1:
            raise InputError(
                f"{one.place}: found a person of {len(found)} annotators ({places.name(found[0])}), expected "
                "one of a single row; correct it by hand"
            )
        before = who.setdefault(found[0], one)
        if (before.verdict, before.gaze) != (one.verdict, one.gaze):
            raise InputError(
                f"{one.place}: found {one.answer()} for a person of whom {before.place} says "
                f"{before.answer()}; expected one answer. Of several files of one page give the newest "
                "alone: it holds all that the page knows"
            )
    return who


class _Text:
    """The lines of a table, edited in place."""

    def __init__(self, path: Path) -> None:
        data = path.read_bytes()
        self.mark = BOM if data.startswith(BOM) else b""
        self.parts = re.split(LINE_END, data.decode("utf-8-sig"))
        self.top = 1 + bool(re.search(SEP_LINE, self.parts[0], re.IGNORECASE))  # line of the header
        self.names = fields(self.line(self.top))

    def line(self, number: int) -> str:
        """A line by its number from 1 on, without its end."""
        return self.parts[2 * (number - 1)]

    def cell(self, number: int, name: str) -> str:
        """What a line has in a column; nothing where there is no such column."""
        cells = fields(self.line(number))
        at = self.names.index(name) if name in self.names else len(cells)
        return cells[at] if at < len(cells) else ""

    def apply(self, edits: Mapping[int, Mapping[str, str]], lines: Sequence[int]) -> None:
        """Change cells by line and column; ``lines`` are those of all people."""
        filled = {name for edit in edits.values() for name, value in edit.items() if value}
        order = ["gaze_x", "gaze_y", "in_frame", "split", LABEL_SOURCE]
        new = [name for name in order if name in filled and name not in self.names]
        width, names = len(self.names), [*self.names, *new]
        if new:
            self._set(self.top, [*raw_fields(self.line(self.top)), *new])
        for number in lines if new else edits:
            edit = {name: value for name, value in edits.get(number, {}).items() if name in names}
            if not (new or edit):
                continue
            cells = raw_fields(self.line(number))
            cells = [*cells[:width], *[""] * (width - len(cells)), *[""] * len(new)]
            for name, value in edit.items():
                cells[names.index(name)] = value
            self._set(number, cells)

    def _set(self, number: int, cells: Sequence[str]) -> None:
        self.parts[2 * (number - 1)] = ",".join(cells)

    def content(self) -> bytes:
        """The file as it is now."""
        return self.mark + "".join(self.parts).encode()
