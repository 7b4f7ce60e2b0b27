"""Tables of text as CSV that spreadsheets open without running anything, and that is read as it was written.

A spreadsheet takes a cell that begins with ``=``, ``+``, ``-`` or ``@`` for a formula. Such texts get an
apostrophe in front, as spreadsheets themselves mark text; our reader takes it away again.
"""

import io
import re
from pathlib import Path

import pandas as pd

from gcdr.base.errors import InputError
from gcdr.base.files import atomic
from gcdr.base.texts import has_control, printable

FORMULA = r"^'*[=+\-@]"
NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
QUOTE = "\ue000"  # stands for a double quote that pandas would not write


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table with its header.

    Args:
        table: columns of numbers, of truth values and of text.
        path: the file.

    Raises:
        InputError: a text has a line end or another control character, which a line of CSV cannot hold.
    """
    written = table.copy()
    for name in table.select_dtypes(exclude=["number", "bool", "boolean"]):
        written[name] = [
            cell(value, name) if isinstance(value, str) else value for value in table[name]
        ]
    text = io.StringIO()
    written.to_csv(text, index=False, lineterminator="\n")
    with atomic(path) as temporary:
        temporary.write_bytes(text.getvalue().replace(QUOTE, '"').encode())


def cell(text: str, column: str = "text") -> str:
    """A text as it is given to pandas: marked where it looks like a formula, quoted where blanks are outside.

    Raises:
        InputError: see :func:`write_csv`.
    """
    if has_control(text) or QUOTE in text:
        raise InputError(
            f"{column}: found {printable(text)!r}, a text with a control character, which CSV cannot hold; "
            "expected a text on one line, or another format"
        )
    if re.search(FORMULA, text) and not re.search(NUMBER, text):
        text = f"'{text}"
    outside = text != text.strip() and not set(text) & set(',"')
    return f"{QUOTE}{text}{QUOTE}" if outside else text


def unmarked(text: str) -> str:
    """A text without the mark that :func:`cell` gave it."""
    return text[1:] if re.search(r"^'+[=+\-@]", text) else text


def fields(line: str) -> list[str]:
    """The cells of a line of CSV; blanks around a cell go, those within quotes stay.

    Args:
        line: with an even number of double quotes.
    """
    found = _cells(line)
    return [cell[1].replace('""', '"') if quoted else cell[1].strip() for cell, quoted in found]


def raw_fields(line: str) -> list[str]:
    """The cells of a line of CSV as they stand there, with quotes and blanks; joined by commas they are it.

    Args:
        line: with an even number of double quotes.
    """
    return [cell[0] for cell, _ in _cells(line)]


def _cells(line: str) -> list[tuple[re.Match[str], bool]]:
    """What matches each cell of a line, and whether it is quoted."""
    cells, at = [], 0
    while at <= len(line):
        quoted = _QUOTED.match(line, at)
        found = quoted or _PLAIN.match(line, at)
        assert found is not None  # an empty cell is one
        cells.append((found, quoted is not None))
        at = found.end() + 1
    return cells


_QUOTED = re.compile(r'\s*"((?:[^"]|"")*)"\s*(?=,|$)')
_PLAIN = re.compile(r"([^,]*)")
