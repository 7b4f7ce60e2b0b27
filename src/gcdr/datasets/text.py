"""Reading comma-separated text of unknown origin, with the line and column of all that is wrong.

Parsing is Arrow's, over whole columns; a Python loop sees bad rows only.
"""

import difflib
import re
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as pacsv

from gcdr.base.csvtext import fields, unmarked
from gcdr.base.problems import Places, Problems

# A plain decimal number; no nan, inf, hexadecimal, or exponents that overflow.
NUMBER = r"^[+-]?(\d{1,30}(\.\d{0,40})?|\.\d{1,40})([eE](\+?\d{1,2}|-[0-2]?\d{1,2}|-30[0-8]))?$"
SPOILT = {
    r"^[+-]?\d+,\d+$": "a decimal comma; expected a point",
    r"^[+-]?\d{1,3}([.,' ]\d{3})+([.,]\d+)?$": "thousands are set apart",
    r"^\d{1,4}[-./]\d{1,2}[-./]\d{1,4}|^\d{1,2}[-. /]{1,2}[A-Za-z]{3}": "a date, made by a spreadsheet",
    r"^#[A-Z/0!?]+": "an error of a spreadsheet",
}
"""What a spreadsheet may have made of a number."""

SEP_LINE = r'^"?sep=(.?)"?[,;\t ]*$'
"""Excel's own first line, which says what is between columns."""

SHEETS = {b"PK\x03\x04": "XLSX or ODS", b"\xd0\xcf\x11\xe0": "old XLS"}
"""How files of spreadsheets begin that are not text, whatever they are named."""

END_OF_FILE = r"(?<![^\r\n])\x1a\s*\Z"
"""A last line of Ctrl-Z, with which old programs end a text."""

WIDE = 200  # columns above which nobody is asked whether one of them is meant otherwise

SEPARATORS = {";": "a semicolon", "\t": "a tab", "|": "a bar"}


@dataclass(frozen=True)
class Table:
    """Columns of text, and the lines they stand on.

    Attributes:
        columns: name to (N,) text, without blanks at its ends.
        places: where the rows stand.
    """

    columns: dict[str, pa.Array]
    places: Places

    def __len__(self) -> int:
        return len(self.places.line)

    def text(self, name: str) -> np.ndarray:
        """(N,) object array of text."""
        return self.columns[name].to_numpy(zero_copy_only=False)

    def images(self, name: str = "image") -> np.ndarray:
        """(N,) object array of image names, each in one spelling."""
        return np.array([plain_name(text) for text in self.text(name)], object)

    def filled(self, name: str) -> np.ndarray:
        """(N,) bool: where a column is not empty."""
        return np.asarray(pc.not_equal(self.columns[name], ""))

    def numbers(
        self, name: str, problems: Problems, expected: str = "a number", *, optional: bool = False
    ) -> np.ndarray:
        """A column of decimal numbers, correctly rounded.

        Args:
            name: the column.
            problems: gets the rows that hold something else.
            expected: what to call a right value.
            optional: whether a row may be empty.

        Returns:
            (N,) float64; NaN where empty or wrong.
        """
        column = self.columns[name]
        right = pc.match_substring_regex(column, NUMBER)
        found = self.text(name)
        values = pc.cast(pc.if_else(right, column, None), pa.float64())
        wrong = ~np.asarray(right)
        if optional:
            wrong &= self.filled(name)
        if wrong.any():
            found = np.where(wrong, [_hinted(text) for text in found], found)
        problems.rows("not a number", name, expected, wrong, self.places, found)
        return values.to_numpy(zero_copy_only=False)


def plain_name(name: str) -> str:
    """The one spelling of a path: ``./a.jpg`` and ``b//a.jpg`` are the images ``a.jpg`` and ``b/a.jpg``.

    What leads out of a folder stays as it is, to be refused.
    """
    parts = name.split("/")
    inner = [part for part in parts[1:] if part not in ("", ".")]
    return "/".join(inner if parts[0] == "." and inner else [parts[0], *inner])


def read_lines(path: Path, problems: Problems) -> list[str]:
    """The lines of a UTF-8 text file, with or without a byte order mark; empty if it cannot be read."""
    if path.exists() and not (path.is_file() or path.is_dir()):
        problems.file(path, "a pipe or a device", "a text file")
        return []
    try:
        data = path.read_bytes()
    except OSError as error:
        problems.file(path, (error.strerror or str(error)).lower(), "a text file")
        return []
    if not data.strip():
        problems.file(path, "an empty file", "at least one row", "empty file")
        return []
    if sheet := SHEETS.get(data[:4]):
        found = f"a spreadsheet file ({sheet}), not text"
        problems.file(path, found, "CSV: save the sheet as CSV", "a spreadsheet file")
        return []
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in data:
        utf16 = data[:2] in (b"\xff\xfe", b"\xfe\xff") or data[1:2] == b"\0"
        found = "UTF-16 text" if utf16 else f"a zero byte in line {_line(data, data.index(0))}"
        problems.file(path, found, "UTF-8 text", "not UTF-8")
        return []
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        found = f"byte 0x{data[error.start]:02x} in line {_line(data, error.start)}"
        problems.file(path, found, "UTF-8 text", "not UTF-8")
        return []
    text = re.sub(END_OF_FILE, "", text)
    windows = text.count("\r\n")
    counts = {"CR LF": windows, "LF": text.count("\n") - windows, "CR": text.count("\r") - windows}
    ends = [f"{count} {name}" for name, count in counts.items() if count]
    if len(ends) > 1:
        problems.file(
            path,
            " and ".join(ends),
            "one kind of line end",
            "mixed line ends, read all the same",
            fatal=False,
        )
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _hinted(text: str) -> str:
    """What is no number, with what a spreadsheet probably made of one."""
    for pattern, words in SPOILT.items():
        if re.search(pattern, text):
            return f"{text} ({words})"
    return text


def read_headed(
    path: Path, required: Collection[str], optional: Collection[str], problems: Problems
) -> Table:
    """A table whose first line names its columns.

    Returns:
        the columns of ``required`` and ``optional`` that are there; no row if it cannot be read.
    """
    lines = read_lines(path, problems)
    nothing = _empty(path, required)
    if not lines:
        return nothing
    known, top = [*required, *optional], 0
    if sep := re.search(SEP_LINE, lines[0], re.IGNORECASE):
        if sep[1] != ",":
            problems.file(
                path,
                f"{lines[0]!r} in line 1, Excel's mark of what is between columns",
                "commas between columns, and no such line: delete it",
                "wrong separator",
            )
            return nothing
        top = 1
    line = lines[top] if top < len(lines) else ""
    header = fields(line) if line.count('"') % 2 == 0 else [line]
    if _wrong_separator(path, line, max(2, len(required)), problems):
        return nothing
    missing = [name for name in required if name not in header]
    twice = sorted({name for name, count in Counter(header).items() if count > 1} & set(known))
    if len(missing) == len(required):
        problems.file(
            path, f"{line[:100]!r} in line {top + 1}", f"the header {','.join(known)}", "no header"
        )
        return nothing
    for name in missing:
        near = difflib.get_close_matches(name, set(header) - set(known), 1, 0.7)
        hint = f" (is {near[0]!r} meant?)" if near else ""
        problems.file(
            path, f"no column {name!r} in line 1{hint}", f"columns {','.join(known)}", "header"
        )
    for name in twice:
        problems.file(path, f"column {name!r} twice in line 1", "each column once", "header")
    absent = set(optional) - set(header)
    for name in header if len(header) <= WIDE else ():
        near = difflib.get_close_matches(name, absent, 1, 0.8) if name not in known else []
        if near:
            problems.file(
                path, f"column {name!r} in line 1", f"{near[0]!r}, if that is meant", "header"
            )
    if missing or twice:
        return nothing
    names = [name if name in known else f"column {at}" for at, name in enumerate(header, 1)]
    named = max(at for at, name in enumerate(header, 1) if name)
    table = _parse(path, lines, top + 1, lambda _: names, problems, named)
    return Table({name: table.columns[name] for name in header if name in known}, table.places)


def read_headless(path: Path, widths: dict[int, list[str]], problems: Problems) -> Table:
    """A table without a header, whose number of columns says what they are.

    Args:
        path: the file.
        widths: number of columns to their names, for every layout that is allowed.
        problems: gets the rows with another number of columns than most.

    Returns:
        the table; no row if it cannot be read.
    """
    lines = read_lines(path, problems)
    if not lines or _wrong_separator(path, next(filter(None, lines), ""), min(widths), problems):
        return _empty(path, widths[max(widths)])

    def names(counts: np.ndarray) -> list[str]:
        allowed = sorted(widths, key=lambda width: -int((counts == width).sum()))
        return widths[allowed[0]]

    return _parse(path, lines, 0, names, problems, others=sorted(widths))


def _parse(
    path: Path,
    lines: list[str],
    first: int,
    names_of: Callable[[np.ndarray], list[str]],
    problems: Problems,
    named: int | None = None,
    others: Sequence[int] = (),
) -> Table:
    """Rows from line ``first`` (from 0) on; names come from how many fields the rows have.

    Rows may lack the columns behind the first ``named`` ones, which the header gives no name. ``others`` are
    the numbers of columns that a file of this sort may have.
    """
    number = np.arange(1 + first, 1 + len(lines))
    text = pc.utf8_trim_whitespace(pa.array(lines[first:], pa.string()))
    places = _places(path, number)
    quotes = np.asarray(pc.count_substring(text, '"'))
    unclosed = quotes % 2 == 1
    problems.rows(
        "unclosed quote",
        "row",
        "an even number of double quotes",
        unclosed,
        places,
        text.to_numpy(zero_copy_only=False),
    )
    blank = np.asarray(pc.match_substring_regex(text, r"^[,\s]*$"))  # a spreadsheet's empty row
    filled = ~blank & ~unclosed
    text, number, quotes = text.filter(pa.array(filled)), number[filled], quotes[filled]
    count = np.asarray(pc.count_substring(text, ",")) + 1
    quoted = {int(row): fields(text[row].as_py()) for row in np.flatnonzero(quotes)}
    for row, cells in quoted.items():
        count[row] = len(cells)
    names = names_of(count)
    text, count = _even(text, count, quoted, named or len(names), len(names))
    fits = count == len(names)
    further = " or ".join(str(one) for one in others if one != len(names))
    problems.rows(
        "wrong number of columns",
        "number of columns",
        f"{len(names)} columns ({names[0]} to {names[-1]})"
        + (f", or {further} in all rows" if further else ""),
        ~fits,
        _places(path, number),
        count,
    )
    row_of = {row: at for at, row in enumerate(np.flatnonzero(fits).tolist())}
    text, number = text.filter(pa.array(fits)), number[fits]
    if not len(text):
        if not problems.errors:
            problems.file(path, "no row below the header", "at least one row", "empty file")
        return _empty(path, names)
    exact = {row_of[row]: cells for row, cells in quoted.items() if row in row_of}
    rows = text.to_pylist()
    for row in exact:  # read already; a cell that holds something keeps Arrow from dropping the row
        rows[row] = "x" + "," * (len(names) - 1)
    data = "\n".join(rows).encode()
    parsed = pacsv.read_csv(
        pa.BufferReader(data),
        pacsv.ReadOptions(column_names=names, use_threads=False, block_size=len(data) + 1),
        pacsv.ParseOptions(newlines_in_values=False),
        pacsv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
        ),
    )
    columns = {
        name: pc.utf8_trim_whitespace(parsed[name].combine_chunks()) for name in parsed.column_names
    }
    return Table(
        {name: _exact(column, at, exact) for at, (name, column) in enumerate(columns.items())},
        _places(path, number),
    )


def _even(
    text: pa.Array, count: np.ndarray, quoted: dict[int, list[str]], least: int, width: int
) -> tuple[pa.Array, np.ndarray]:
    """Rows as wide as the table, where they differ in empty last cells only, as spreadsheets leave them.

    Args:
        text: (N,) the rows.
        count: (N,) int, how many cells each has.
        quoted: the cells of rows with quotes, by row; they are changed in place.
        least: cells that a row must have.
        width: columns of the table.

    Returns:
        the rows and their numbers of cells.
    """
    uneven = np.flatnonzero((count > width) | ((count >= least) & (count < width)))
    if not len(uneven):
        return text, count
    lines, count = text.to_pylist(), count.copy()
    for row in uneven.tolist():
        cells = quoted[row] if row in quoted else lines[row].split(",")
        if any(cell.strip() for cell in cells[width:]):
            continue
        cells = [*cells[:width], *[""] * (width - len(cells))]
        if row in quoted:
            quoted[row] = cells
        else:
            lines[row] = ",".join(cells)
        count[row] = width
    return pa.array(lines, pa.string()), count


def _exact(column: pa.Array, at: int, quoted: dict[int, list[str]]) -> pa.Array:
    """A column with blanks that stand within quotes, and without the marks of what looked like a formula."""
    marked = np.flatnonzero(np.asarray(pc.match_substring_regex(column, r"^'+[=+\-@]")))
    if not quoted and not len(marked):
        return column
    values = column.to_pylist()
    for row, cells in quoted.items():
        values[row] = cells[at]
    for row in {*marked.tolist(), *quoted}:
        values[row] = unmarked(values[row])
    return pa.array(values, pa.string())


def _wrong_separator(path: Path, line: str, least: int, problems: Problems) -> bool:
    """Whether a line is cut by something other than commas."""
    for sign, name in SEPARATORS.items():
        if line.count(sign) + 1 >= least > line.count(",") + 1:
            problems.file(path, f"{name} between columns", "a comma", "wrong separator")
            return True
    return False


def _empty(path: Path, names: Collection[str]) -> Table:
    return Table(dict.fromkeys(names, pa.array([], pa.string())), _places(path, np.zeros(0, int)))


def _places(path: Path, number: np.ndarray) -> Places:
    return Places((str(path),), np.zeros(len(number), int), number)


def _line(data: bytes, position: int) -> int:
    return data.count(b"\n", 0, position) + 1
