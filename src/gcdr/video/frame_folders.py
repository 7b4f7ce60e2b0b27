"""Folders of a video's frames, a picture each."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np

from gcdr.base.errors import InputError
from gcdr.data.pictures import open_image
from gcdr.datasets.layout import describe_left_out, left_out, picture_names
from gcdr.video.moments import Moment


@dataclass(frozen=True)
class FrameFolder:
    """The frames that lie in a folder.

    Attributes:
        root: the folder.
        names: of the files, in the order of their numbers.
        numbers: (N,) int64, ascending: the last digits of each name, or places from 0 on where some have
            none.
        notes: what is to be said of them, a line each.
    """

    root: Path
    names: list[str]
    numbers: np.ndarray
    notes: list[str]


def read_frame_folder(folder: Path) -> FrameFolder:
    """Find the frames of a folder, and which are missing, without opening any.

    Args:
        folder: its pictures are the frames; folders in it are left out.

    Raises:
        InputError: there is no such folder, or no picture in it.
    """
    everything = picture_names(folder)
    names = [name for name in everything if "/" not in name]
    notes = [f"{folder}: {left}"] if (left := describe_left_out(left_out(folder))) else []
    if inner := len(everything) - len(names):
        notes.append(f"{folder}: {inner} pictures in folders within it are left out")
    if not names:
        raise InputError(f"{folder}: no frame; {'; '.join(notes) or 'expected pictures in it'}")
    found = [re.findall(r"\d{1,15}", Path(name).stem) for name in names]
    if not all(found):
        name = next(name for name, digits in zip(names, found, strict=True) if not digits)
        notes.append(
            f"{folder / name}: no number in its name, so frames are counted by their names"
        )
        return FrameFolder(folder, names, np.arange(len(names)), notes)
    by_number: dict[int, str] = {}
    for name, digits in zip(names, found, strict=True):
        number = int(digits[-1])
        if number in by_number:
            notes.append(
                f"{folder / name}: frame {number} is {by_number[number]} already, left out"
            )
        by_number.setdefault(number, name)
    numbers = np.array(sorted(by_number), np.int64)
    notes += _gaps(folder, numbers)
    return FrameFolder(folder, [by_number[number] for number in numbers.tolist()], numbers, notes)


def _gaps(folder: Path, numbers: np.ndarray) -> list[str]:
    """A line where the numbers do not go on by the same step."""
    steps = Counter(np.diff(numbers).tolist())
    if len(steps) < 2:
        return []
    step = min(steps, key=lambda size: (-steps[size], size))
    holes = [
        (one + step, two - step) for one, two in pairwise(numbers.tolist()) if two - one > step
    ]
    if not holes:
        return []
    shown = ", ".join(f"{one}" if one >= two else f"{one} to {two}" for one, two in holes[:3])
    more = f" and {len(holes) - 3} more gaps" if len(holes) > 3 else ""
    return [f"{folder}: frames are missing: {shown}{more}"]


def folder_moments(folder: FrameFolder, rate: float, notes: list[str]) -> Iterator[Moment]:
    """The frames of a folder in their order; times go on where frames are missing.

    Args:
        folder: of :func:`read_frame_folder`.
        rate: frames a second that numbers count.
        notes: gets what is to be said of the folder.

    Yields:
        moments whose ``picture`` raises InputError of a file that is no picture.
    """
    notes += folder.notes
    first = int(folder.numbers[0])
    for name, number in zip(folder.names, folder.numbers.tolist(), strict=True):
        seconds = round((number - first) / rate, 6)
        yield Moment(number, seconds, partial(open_image, folder.root / name), name)
