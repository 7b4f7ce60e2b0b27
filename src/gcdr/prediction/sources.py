"""Which pictures somebody means, and whose heads are in them."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from gcdr.base.errors import InputError
from gcdr.base.problems import Problems
from gcdr.base.texts import has_control, printable
from gcdr.data.manifest import BOX
from gcdr.data.pictures import open_image
from gcdr.datasets.head_boxes import read_boxes
from gcdr.datasets.layout import describe_left_out, left_out, picture_names
from gcdr.datasets.text import read_headed


@dataclass(frozen=True)
class OwnPictures:
    """Pictures by name.

    Attributes:
        root: the folder that names are relative to.
        names: sorted.
        notes: what is left out and why, a line each.
    """

    root: Path
    names: list[str]
    notes: list[str]


def find_pictures(sources: Sequence[str | Path]) -> OwnPictures:
    """The pictures of some files and folders, and of the folders in these.

    Of one folder names are relative to it, otherwise to the folder that all have in common.

    Args:
        sources: files and folders, at least one.

    Raises:
        InputError: one is not there or has a name that no table can hold, or there is no picture.
    """
    for source in sources:
        if not Path(source).exists():
            raise InputError(f"{source}: no such picture or folder")
        if has_control(str(source)):
            raise InputError(
                f"{printable(str(source))}: a control character in its name; rename it"
            )
    places = [Path(os.path.abspath(source)) for source in sources]
    folders = [place for place in places if place.is_dir()]
    if not places:
        raise InputError("pictures: found none, expected files or folders")
    root = Path(
        os.path.commonpath([place if place in folders else place.parent for place in places])
    )
    names, notes = set(), []
    for place in places:
        start = Path(os.path.relpath(place, root))
        if place not in folders:
            names.add(start.as_posix())
            continue
        names |= {(start / name).as_posix() for name in picture_names(place)}
        if left := describe_left_out(left_out(place)):
            notes.append(f"{place}: {left}")
    if not names:
        reason = "; ".join(notes) or "expected JPEG, PNG or another form that is read"
        raise InputError(f"{', '.join(map(str, sources))}: no picture; {reason}")
    return OwnPictures(root, sorted(names), notes)


def open_picture(path: Path) -> tuple[Image.Image, str]:
    """A picture as upright RGB, and what has to be said of it.

    Of a file with several pictures (an animated GIF, a TIFF of pages) the first is taken.

    Raises:
        InputError: as :func:`gcdr.data.pictures.open_image`.
    """
    picture = open_image(path)
    with Image.open(path) as image:
        count = getattr(image, "n_frames", 1)
    return (
        picture,
        f"{path}: holds {count} pictures, of which the first is looked at" if count > 1 else "",
    )


@dataclass(frozen=True)
class TabledHeads:
    """Head boxes of pictures.

    Attributes:
        boxes: by picture's name (n, 4) float64 x0, y0, x1, y1 in pixels.
        notes: what is wrong with some rows, a line each; those are left out.
    """

    boxes: Mapping[str, np.ndarray]
    notes: list[str]


def heads_of_table(table: Path, pictures: OwnPictures) -> TabledHeads:
    """Head boxes from a CSV with the columns ``image,head_x0,head_y0,head_x1,head_y1``, in pixels.

    Args:
        table: the CSV; ``image`` is relative to the pictures' root.
        pictures: whose heads are wanted.

    Raises:
        InputError: there is no such table or it lacks a column, or no row is of these pictures.
    """
    if not table.is_file():
        raise InputError(f"{table}: no such table of head boxes")
    problems = Problems()
    columns = read_headed(table, ["image", *BOX], [], problems)
    if not len(columns):
        problems.stop(str(table))
        raise InputError(f"{table}: found no row, expected one a head")
    boxes, good = read_boxes(columns, problems)
    notes = [line for problem in problems.found for line in problem.lines()]
    images = columns.images()
    rows: dict[str, list[np.ndarray]] = {}
    for name, box in zip(images[good], boxes[good], strict=True):
        rows.setdefault(name, []).append(box)
    if not (known := rows.keys() & set(pictures.names)):
        raise InputError(
            f"{table}: found head boxes of pictures such as {images[0]!r}, and none of those asked for, such "
            f"as {pictures.names[0]!r}; expected names relative to {pictures.root}"
        )
    if others := sorted(rows.keys() - known):
        notes.append(
            f"{table}: {len(others)} of its pictures were not asked for, such as {others[0]}"
        )
    return TabledHeads({name: np.unique(np.stack(rows[name]), axis=0) for name in known}, notes)
