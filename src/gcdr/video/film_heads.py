"""Heads in films that come without a table of them, found frame by frame and linked to tracks."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import torch
from tqdm import tqdm

from gcdr.base.csvtext import write_csv
from gcdr.base.errors import InputError
from gcdr.data.pictures import open_image
from gcdr.datasets.film import FILM_COLUMNS, SPLIT, read_film_frames
from gcdr.datasets.linking import Linker
from gcdr.detection.heads import load_finder
from gcdr.detection.panorama import Finder
from gcdr.video.frames import Frame
from gcdr.video.heads_by_frame import found_heads


def write_film_heads(
    images: Path, frames: Path, out: Path, weights: Path, *, score: float, device: torch.device
) -> list[str]:
    """Find the heads in the frames of films, and write them as the table that they lack.

    Args:
        images, frames: pictures and table of :func:`gcdr.video.extraction.write_frames`.
        out: the CSV: ``image,sequence,frame,track``, the columns of ``BOX`` in pixels, ``score``,
            and ``split``, which is train.
        weights, score, device: see :func:`gcdr.detection.heads.load_finder`.

    Returns:
        a line a film: how many heads and tracks there are, and which tracks may be somebody who came back.

    Raises:
        InputError: a picture is gone, the detector cannot be read, or there is no head in any frame.
    """
    finder, parts, said = load_finder(weights, score, device), [], []
    films = read_film_frames(frames).dropna(subset=["image"])
    for sequence, shown in films.groupby("sequence", sort=False):
        linker = Linker()
        rows = _heads_of(images, shown, finder, linker)
        part = pd.DataFrame(rows, columns=["image", *FILM_COLUMNS, "score"])
        later = f"; {len(linker.later)} of them begin after another has ended" * bool(linker.later)
        said.append(
            f"{sequence}: {len(part):,} heads found by {weights} in {part['frame'].nunique():,} of "
            f"{len(shown):,} frames; {part['track'].nunique():,} tracks{later}"
        )
        parts.append(part)
    found = pd.concat(parts, ignore_index=True)
    if found.empty:
        raise InputError(
            f"{images}: {weights} found no head with a score of {score} or more in {len(films):,} frames; "
            "expected at least one. Take a lower score or other weights, or give a table of head boxes"
        )
    write_csv(found.assign(split=SPLIT), out)
    return said


def _heads_of(
    images: Path, shown: pd.DataFrame, finder: Finder, linker: Linker
) -> Iterator[tuple[str | float, ...]]:
    """The rows of a film's frames."""
    frames = (
        Frame(int(row.frame), row.seconds, row.image, open_image(images / row.image))
        for row in tqdm(shown.itertuples(), total=len(shown), unit="frame", mininterval=5)
    )
    sequence = shown["sequence"].iloc[0]
    for seen in found_heads(frames, finder, linker):
        for track, box, score in zip(seen.tracks, seen.boxes, seen.scores, strict=True):
            place = (seen.frame.name, sequence, seen.frame.number, track)
            yield *place, *box.round(2).tolist(), round(float(score), 4)
