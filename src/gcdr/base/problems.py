"""Collecting everything that is wrong with a file, so that one run tells all of it.

Checks are vectorised: a check adds one :class:`Problem` with the number of its rows and the first few
of them, however many there are.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from gcdr.base.errors import InputError

EXAMPLES = 3  # rows of a kind that are shown


@dataclass(frozen=True)
class Problem:
    """One kind of problem of one column.

    Attributes:
        kind: what it is called in a summary, e.g. ``"gaze outside the image"``.
        expected: what would be right.
        examples: of the first rows: where (file, line and column), and what was found there.
        count: how many rows have it.
        fatal: whether the data cannot be used; otherwise ``kind`` says what was done about it.
    """

    kind: str
    expected: str
    examples: tuple[tuple[str, str], ...]
    count: int
    fatal: bool

    def lines(self) -> list[str]:
        """One line an example, and one for the rest."""
        shown = [
            f"{where}: found {found}; expected {self.expected}" for where, found in self.examples
        ]
        rest = self.count - len(shown)
        return shown + ([f"... and {rest:,} more like it ({self.kind})"] if rest else [])


@dataclass
class Problems:
    """What was found wrong so far."""

    found: list[Problem] = field(default_factory=list)

    def file(
        self,
        path: Path,
        found: str,
        expected: str,
        kind: str = "unreadable file",
        *,
        fatal: bool = True,
    ) -> None:
        """Add a problem of a file as a whole; ``found`` is said as it is."""
        self.found.append(Problem(kind, expected, ((str(path), found),), 1, fatal))

    def rows(
        self,
        kind: str,
        column: str,
        expected: str,
        bad: np.ndarray,
        where: "Places",
        found: Sequence[object] | np.ndarray | pd.Series,
        *,
        fatal: bool = True,
    ) -> np.ndarray:
        """Add a problem of rows, if there are any.

        Args:
            kind: see :class:`Problem`.
            column: the column, as the file calls it.
            expected: what would be right.
            bad: (N,) bool, the rows.
            where: where the rows stand.
            found: (N,) what the rows have there.
            fatal: see :class:`Problem`.

        Returns:
            ``bad`` as a NumPy array.
        """
        bad = np.asarray(bad, bool)
        first = np.flatnonzero(bad)[:EXAMPLES]
        if len(first):
            values = (
                found.iloc[first] if isinstance(found, pd.Series) else [found[i] for i in first]
            )
            examples = tuple(
                (f"{where.name(row)}, {column}", show(value))
                for row, value in zip(first.tolist(), values, strict=True)
            )
            self.found.append(Problem(kind, expected, examples, int(bad.sum()), fatal))
        return bad

    @property
    def errors(self) -> list[Problem]:
        """The fatal ones."""
        return [problem for problem in self.found if problem.fatal]

    @property
    def warnings(self) -> list[Problem]:
        """The others."""
        return [problem for problem in self.found if not problem.fatal]

    def stop(self, what: str) -> None:
        """End the work if there is an error.

        Raises:
            InputError: lists all of them.
        """
        if self.errors:
            count = sum(problem.count for problem in self.errors)
            lines = [f"  {line}" for problem in self.errors for line in problem.lines()]
            raise InputError("\n".join([f"{what}: {count:,} error{'s' * (count > 1)}", *lines]))


@dataclass(frozen=True)
class Places:
    """Where rows stand: the files, which of them each row is from, and its line there.

    Attributes:
        files: names of the files.
        file: (N,) int, index into ``files``.
        line: (N,) int, counted from 1 as editors do.
        word: what a line is called there; ``"entry"`` in JSON.
    """

    files: tuple[str, ...]
    file: np.ndarray
    line: np.ndarray
    word: str = "line"

    def name(self, row: int) -> str:
        """Where one row stands, in words."""
        return f"{self.files[self.file[row]]}, {self.word} {self.line[row]}"

    def take(self, rows: np.ndarray) -> "Places":
        """The places of some rows, by mask or index."""
        return Places(self.files, self.file[rows], self.line[rows], self.word)

    @classmethod
    def join(cls, parts: "Sequence[Places]") -> "Places":
        """One after the other."""
        start = np.cumsum([0, *(len(part.files) for part in parts)])
        return cls(
            tuple(name for part in parts for name in part.files),
            np.concatenate([part.file + first for part, first in zip(parts, start, strict=False)]),
            np.concatenate([part.line for part in parts]),
            parts[0].word,
        )


def show(value: object) -> str:
    """A value as it was found, on one line and not too long."""
    if isinstance(value, np.ndarray):
        return f"({', '.join(show(entry) for entry in value)})"
    if isinstance(value, float | np.floating):
        return f"{value:.10g}"
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 100 else f"{text[:97]}..."
