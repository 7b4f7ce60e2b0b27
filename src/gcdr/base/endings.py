"""How a job says that it failed, and whether the same again may end otherwise.

A job that fails leaves one line in its log: of bad input behind ``BAD_INPUT``, of trouble with the machine
(its disk, its memory) behind ``TROUBLE``. One that is killed leaves none. Bad input alone stays as it is.
"""

import os
import sys
from pathlib import Path
from typing import NoReturn, TextIO

from gcdr.base.errors import InputError
from gcdr.base.files import disk_trouble

START_UP = (
    "start-up:"  # the first line of a script's log: the interpreter's and the imports' own share
)
BAD_INPUT = "error: "
TROUBLE = "trouble: "
LASTING = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)


def may_pass(error: BaseException | None) -> bool:
    """Whether an exception comes from trouble that may pass: a full disk, no memory, a server out of reach.

    A missing file or right stays as it is, and so does what libraries say of a damaged file, which is an
    ``OSError`` without a number.
    """
    if error is None:
        return False
    if isinstance(error, MemoryError) or disk_trouble(error):
        return True
    if isinstance(error, OSError) and error.errno and not isinstance(error, LASTING):
        return True
    return may_pass(error.__cause__)


def closing_line(error: InputError) -> str:
    """What a job's log ends with."""
    return f"{TROUBLE if may_pass(error) else BAD_INPUT}{error}"


def ended_by_bad_input(log: str | Path, since: float) -> bool:
    """Whether a job of this project ended with bad input.

    Args:
        log: what it wrote; a file of another sort, or none, says nothing.
        since: seconds since the epoch; an older log is that of an earlier run.
    """
    try:
        with open(
            log, errors="replace"
        ) as file:  # opened first: a shared disk then looks at it anew
            if os.fstat(file.fileno()).st_mtime < since:
                return False
            first, *lines = file.read().splitlines()
    except (OSError, ValueError):
        return False
    return first.startswith(START_UP) and any(line.startswith(BAD_INPUT) for line in lines)


def end_with(line: str, status: int) -> NoReturn:
    """Say a line and exit, also where the log itself cannot be written any more."""
    try:
        print(line, file=sys.stderr, flush=True)
        sys.stdout.flush()
    except OSError:
        silence(sys.stdout, sys.stderr)
    sys.exit(status)


def silence(*streams: TextIO) -> None:
    """Send what is still in streams nowhere: it would fail again, with a stack, when the interpreter ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in streams:
        os.dup2(nowhere, stream.fileno())
