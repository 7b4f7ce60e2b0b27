"""A table of points or boxes from elsewhere: what its columns are, and of whom it says something.

No torch: planning reads such tables too, where the people are known before the first job.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from gcdr.base.problems import Problems
from gcdr.data.manifest import BOX
from gcdr.datasets.text import Table, read_headed
from gcdr.priors.whose import check_covered, match_rows

POINT = ["x", "y"]
REGION = ["box_x0", "box_y0", "box_x1", "box_y1"]
PERSON = ["sample_id", *BOX]
TRACK = "track"


@dataclass(frozen=True)
class MatchedRows:
    """What a table says of whom.

    Attributes:
        table: as it stands there.
        names: ``POINT`` or ``REGION``, its columns that say where.
        person: (R,) int64, row of the people, or -1.
        score: (R,) float64, weights >= 0; NaN where there is none.
    """

    table: Table
    names: list[str]
    person: np.ndarray
    score: np.ndarray


def read_matched(path: Path, people: pd.DataFrame, problems: Problems) -> MatchedRows:
    """Read a table and find whose its rows are.

    Args:
        path: see :func:`gcdr.priors.points.points_prior`.
        people: of :func:`gcdr.data.manifest.read_people`; their sizes are not looked at.
        problems: gets the rows that are wrong.

    Raises:
        InputError: its columns are not those of such a table, or there is no row.
    """
    table, names = _read(path, [TRACK] if TRACK in people else [], problems)
    return MatchedRows(table, names, match_rows(table, people, problems), _scores(table, problems))


def check_table(path: Path, people: pd.DataFrame | None, complete: bool) -> None:
    """Check a table before any job reads it: its columns and, where the people are known, whom it is about.

    Args:
        path: see :func:`gcdr.priors.points.points_prior`.
        people: as for :func:`read_matched`; None where they are not known yet.
        complete: whether it must say something of everybody.

    Raises:
        InputError: as the job that reads it, but for where in their images points and boxes lie.
    """
    problems = Problems()
    if people is None:
        _read(path, [TRACK], problems)
        return
    matched = read_matched(path, people, problems)
    problems.stop(str(path))
    named = np.isin(np.arange(len(people)), matched.person[matched.score > 0])
    check_covered(path, people, ~named, complete)


def has_labels(path: Path) -> bool:
    """Whether a table says what is looked at, beside where: it has a column ``label``."""
    return "label" in read_headed(path, ["image"], ["label"], Problems()).columns


def _read(path: Path, more: list[str], problems: Problems) -> tuple[Table, list[str]]:
    known = [*PERSON, *more, *POINT, *REGION, "score", "label"]
    table = read_headed(path, ["image"], known, problems)
    names = _place_columns(table, path, problems)
    if not len(table) or names is None:
        problems.stop(str(path))
    assert names is not None  # or it has stopped
    return table, names


def _place_columns(table: Table, path: Path, problems: Problems) -> list[str] | None:
    """Which columns say where somebody looks; None if that is not clear."""
    columns = set(table.columns)
    whole = True
    for names in (POINT, REGION, BOX):
        there = [name for name in names if name in columns]
        if there and len(there) < len(names):
            whole = False
            found = f"columns {', '.join(there)} in line 1, but not the others"
            problems.file(path, found, f"all of {', '.join(names)}, or none", "header")
    both, neither = {*POINT[:1], *REGION[:1]} <= columns, not columns & {*POINT, *REGION}
    if len(table) and (both or neither):
        found = (
            f"{'both' if both else 'neither'} x, y {'and' if both else 'nor'} {', '.join(REGION)}"
        )
        expected = f"either x, y or {', '.join(REGION)}"
        problems.file(path, f"{found} in line 1", expected, "header")
    if both or neither or not whole:
        return None
    return POINT if "x" in columns else REGION


def _scores(table: Table, problems: Problems) -> np.ndarray:
    if "score" not in table.columns:
        return np.ones(len(table))
    expected = "a number of at least 0"
    score = table.numbers("score", problems, expected)
    problems.rows("negative score", "score", expected, score < 0, table.places, score)
    return score
