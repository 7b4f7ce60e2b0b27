"""Films of one's own, whose frames lie as pictures already, and a table of the heads in them."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from gcdr.base.files import text_digest
from gcdr.base.problems import Problems
from gcdr.data.manifest import BODY, BOX, CONTEXT
from gcdr.data.parquet import read_table
from gcdr.datasets.assemble import Dataset, Rules, assemble
from gcdr.datasets.film_names import named_films
from gcdr.datasets.folder import TOLD, rows_of_people, rows_of_table
from gcdr.datasets.linking import Linker
from gcdr.datasets.text import Table, read_headed

FILM_COLUMNS = ["sequence", "frame", "track", *BOX]
NEEDED = ["frame", *BOX]
KNOWN = [name for name in TOLD if name not in NEEDED]
NOT_TAKEN = "of a frame that was not taken (thinned out, or unreadable), left out"
SPLIT = "train"  # of people whose row names none: a film is learned from, labelled or not


def read_film_frames(frames: Path) -> pd.DataFrame:
    """The frames of films, as :func:`gcdr.video.extraction.write_frames` writes them."""
    return read_table(frames, ["sequence", "frame", "seconds", "image"])


def read_film(images: Path, frames: Path, notes: Path, table: Path) -> Dataset:
    """Read the people of films.

    Args:
        images: the frames that were taken.
        frames: table of all frames, see :func:`read_film_frames`.
        notes: what there was to say of the films, a line each.
        table: CSV with the columns ``frame,head_x0,head_y0,head_x1,head_y1`` in pixels and those that
            :func:`gcdr.datasets.folder.read_folder` takes; ``sequence`` is the name of the film, with or
            without its ending, and may be left out where there is one film. Without a column ``track`` heads
            are linked by where they are. Rows of frames that were not taken, and of frames that a film has
            not, are left out and counted.

    Raises:
        InputError: the table of frames is damaged.
    """
    dataset = film_people(read_film_frames(frames), images, table)
    return replace(dataset, notes=tuple(notes.read_text().splitlines()))


def film_people(
    known: pd.DataFrame, images: Path, table: Path, sizes: pd.DataFrame | None = None
) -> Dataset:
    """The people of films by a table of them.

    Args:
        known: all frames, see :func:`read_film_frames`; ``image`` is None where one was not taken.
        images: folder of the pictures of those that were.
        table: see :func:`read_film`.
        sizes: of pictures that are not written yet, see :func:`gcdr.datasets.assemble.assemble`.
    """
    problems = Problems()
    columns = read_headed(table, NEEDED, KNOWN, problems)
    columns = _of_frames(columns, known, problems)
    rows = rows_of_people(columns, SPLIT, problems)
    if "track" not in columns.columns and not problems.errors:
        rows = _linked(rows, known)
    return assemble("video", rows, columns.places, images, problems, Rules(), sizes)


def film_people_mark(table: Path) -> str:
    """What tells the people of a film's table from others, whatever it says of where they look.

    Raises:
        InputError: the table cannot be read, or lacks a column.
    """
    columns = read_headed(table, NEEDED, KNOWN, Problems())
    if not len(columns):
        return ""
    named = Table({**columns.columns, "image": _texts([""] * len(columns))}, columns.places)
    rows = rows_of_table(named, SPLIT, Problems())
    identity = [name for name in ("sequence", "frame", *BOX, "person") if name in rows]
    people = rows.drop_duplicates(identity).sort_values(identity, kind="stable")
    return text_digest(people.reindex(columns=["split", *BOX, *CONTEXT, *BODY]).to_csv(index=False))


def _of_frames(columns: Table, known: pd.DataFrame, problems: Problems) -> Table:
    """The rows of frames that were taken, with ``image`` and the films' own names as ``sequence``."""
    frame = columns.numbers("frame", problems, "a whole number from 0 on")
    films = known["sequence"].unique().tolist()
    if "sequence" in columns.columns:
        text = pd.Series(columns.text("sequence"), dtype=object)
        sequence = named_films(columns.text("sequence"), films)
        expected = f"the name of a film: {', '.join(films[:5])}{', …' * (len(films) > 5)}"
        strange = sequence.isna().to_numpy()
        # A film that is not there, not its thousand rows.
        once = strange & ~text.duplicated().to_numpy()
        problems.rows("of no film", "sequence", expected, once, columns.places, text)
    else:
        sequence = pd.Series([films[0]] * len(columns), dtype=object)
        strange = np.full(len(columns), len(films) > 1)
        expected = f"a column sequence, as there are {len(films)} films"
        problems.rows("no sequence", "sequence", expected, strange, columns.places, sequence)
    place = pd.DataFrame({"sequence": sequence, "frame": frame}).merge(
        known.astype({"frame": float}), "left", ["sequence", "frame"], indicator=True
    )
    wrong, there = strange | np.isnan(frame), place["_merge"].eq("both").to_numpy()
    taken = place["image"].notna().to_numpy()
    problems.rows("of a frame that its film has not, left out", "frame", "a frame of the film",
                  ~wrong & ~there, columns.places, frame, fatal=False)  # fmt: skip
    if "track" in columns.columns:
        named = columns.filled("track")
        expected = "a name, as others have one (counted as a track of its own)"
        lacking = ~named if named.any() else np.zeros(len(columns), bool)
        problems.rows("without a track", "track", expected, lacking, columns.places,
                      columns.text("track"), fatal=False)  # fmt: skip
    said = np.zeros(len(columns), bool)
    for name in {"gaze_x", "in_frame"} & columns.columns.keys():
        said |= columns.filled(name)
    for kind, rows in (("", ~said), ("with a label, ", said)):
        kind += NOT_TAKEN
        rows = there & ~taken & rows
        expected = "a frame that is taken"
        problems.rows(kind, "frame", expected, rows, columns.places, frame, fatal=False)
    chosen = {name: column.filter(pa.array(taken)) for name, column in columns.columns.items()}
    chosen["image"] = _texts(place["image"][taken])
    chosen["sequence"] = _texts(sequence[taken])
    return Table(chosen, columns.places.take(taken))


def _texts(values: Iterable[str]) -> pa.Array:
    return pa.array(list(values), pa.string())


def _linked(rows: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """Rows with a ``track``, by which the heads of each film are linked along its frames."""
    people = rows.drop_duplicates("person")
    seconds = known.set_index(["sequence", "frame"])["seconds"]
    track: dict[int, str] = {}
    for sequence, of_film in people.groupby("sequence", sort=False):
        linker = Linker()
        for frame, heads in of_film.groupby("frame"):
            names = linker(heads[BOX].to_numpy(float), float(seconds[sequence, frame]))
            track |= dict(zip(heads["person"], names, strict=True))
    return rows.assign(track=rows["person"].map(track))
