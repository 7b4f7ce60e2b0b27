"""What is known of a video's frames before they are decoded, and how a table of heads fits to them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from gcdr.base.errors import InputError
from gcdr.datasets.film import NOT_TAKEN, film_people
from gcdr.video.moments import Moment, Thinning, thinned
from gcdr.video.tracks import missing_note, read_tracks


@dataclass(frozen=True)
class CountedFrames:
    """The frames of a video as far as they are known before all are decoded.

    Attributes:
        numbers: (N,) int64, N > 0, ascending; of a file from 0 on, as many as it has packets.
        seconds: (N,) float64, from the first frame on.
        size: width and height in pixels of the upright frames, the largest of each that was seen.
    """

    numbers: np.ndarray
    seconds: np.ndarray
    size: tuple[int, int]


def counted_frames(
    numbers: np.ndarray, seconds: np.ndarray, sizes: Collection[tuple[int, int]]
) -> CountedFrames | None:
    """What is counted, by all sizes of upright frames that were seen; None where there is no frame."""
    if not (len(numbers) and sizes):
        return None
    width, height = (max(side) for side in zip(*sizes, strict=True))
    return CountedFrames(numbers, seconds, (width, height))


def heads_in_video(
    table: Path, video: Path, alone: bool, counted: CountedFrames
) -> tuple[list[str], list[str]]:
    """What ``gcdr predict`` will make of a table of heads for a video.

    Args:
        table, video, alone: see :func:`gcdr.video.tracks.read_tracks`.
        counted: the video's frames.

    Returns:
        a line of how many heads there are, and lines of what is wrong with rows of the table.
    """
    try:
        found = read_tracks(table, video, alone)
    except InputError as error:
        return [], [str(error)]
    heads = sum(map(len, found.boxes.values()))
    tracks = {name for names in found.names.values() for name in names}
    missing = missing_note(table, list(found.boxes), set(counted.numbers.tolist()))
    return [_heads_line(table, heads, len(tracks), found.boxes)], [*found.notes, *missing]


def heads_in_films(
    table: Path, films: Mapping[str, CountedFrames], root: Path, thinning: Thinning
) -> tuple[dict[str, str], list[str], list[str]]:
    """What the workflow will make of a table of heads and labels for a data set of films.

    Args:
        table: see :func:`gcdr.datasets.film.read_film`, by whose rules it is read.
        films: all of them, by name.
        root: their folder.
        thinning: which frames the data set takes.

    Returns:
        by film a line of how many heads there are in frames that are taken, further lines, and lines of what
        is wrong with rows of the table.
    """
    known = pd.concat([_frames_of(name, film, thinning) for name, film in films.items()])
    taken = known[known["image"].notna()]
    size = np.array([films[name].size for name in taken["sequence"]], np.int64).reshape(-1, 2)
    sizes = pd.DataFrame(size, taken["image"], ["width", "height"]).assign(turned=False, fault="")
    dataset = film_people(known, root, table, sizes)
    # A table without anybody that counts has not even the columns.
    people = dataset.manifest.reindex(columns=["sequence", "frame", "track"])
    lines = {}
    for name in films:
        heads = people[people["sequence"] == name]
        frames = heads["frame"].astype(int)
        lines[name] = _heads_line(table, len(heads), heads["track"].nunique(), frames)
    more, wrong = [], []
    for problem in dataset.problems.found:
        if problem.kind == NOT_TAKEN:  # as it was asked for
            more.append(f"{table}: rows {problem.kind}: {problem.count:,}")
        else:
            lines_of, done = problem.lines(), "" if problem.fatal else f" ({problem.kind})"
            shown = len(problem.examples)
            wrong += [f"{line}{done}" for line in lines_of[:shown]] + lines_of[shown:]
    return lines, more, wrong


def _heads_line(table: Path, heads: int, tracks: int, frames: Collection[int]) -> str:
    if not heads:
        return f"  heads in {table}: none"
    of_tracks = f" of {tracks:,} tracks" if tracks else ""
    numbers = {*frames}
    return (
        f"  heads in {table}: {heads:,}{of_tracks} in {len(numbers):,} frames, {min(numbers)} to "
        f"{max(numbers)}"
    )


def _frames_of(name: str, film: CountedFrames, thinning: Thinning) -> pd.DataFrame:
    """The frames of a film as :func:`gcdr.video.extraction.write_frames` would list them."""
    # Who reads the film leaves out a frame that bears the time of the one before.
    new = np.diff(film.seconds, prepend=-np.inf) > 0
    numbers, seconds = film.numbers[new], film.seconds[new]
    moments = (
        Moment(number, second, _undecoded)
        for number, second in zip(numbers.tolist(), seconds.tolist(), strict=True)
    )
    taken = {one.number for one in thinned(moments, thinning, lambda number: None)}
    image = [f"{name}/{n:06d}.jpg" if n in taken else None for n in numbers.tolist()]
    return pd.DataFrame(
        {"sequence": name, "frame": numbers, "seconds": seconds, "image": image}
    ).astype({"image": object})


def _undecoded() -> Image.Image:
    raise AssertionError("no picture is made to see which frames are taken")
