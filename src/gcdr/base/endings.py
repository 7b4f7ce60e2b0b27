"""How a job says that it failed, and whether the same again may end otherwise.

A job that fails leaves one line in its log: of bad input behind ``BAD_INPUT``, of trouble with the machine
(its disk, its memory) behind ``TROUBLE``. One that is killed leaves none. Bad input alone stays as it is.
"""

import os
import re
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
# As CUDA and its libraries say that a GPU's memory, not the machine's, is all taken.
GPU_MEMORY = re.compile(
    r"CUDA (?:driver )?(?:error: )?out of memory|CUBLAS_STATUS_ALLOC_FAILED|CUDNN_STATUS_ALLOC_FAILED",
    re.I,
)
# A progress bar of tqdm, as the scripts write it: done/total [passed<left, rate].
BAR = re.compile(
    r"([^\r\n:|]*):\s+(\d+)%\|[^|]*\| ([\d.]+\w?)/([\d.]+\w?) \[[\d:]+<([\d:?]+), *([\d.?]+ ?\S+?/\w+)"
)
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
    """What a job's log ends with; further lines are indented, so that it is seen to be the end."""
    said = re.sub(r"\n(?=\S)", "\n  ", str(error))
    return f"{TROUBLE if may_pass(error) else BAD_INPUT}{said}"


def small_gpu(error: BaseException) -> str:
    """What a job says whose GPU has too little memory; empty of another exception.

    The same again would end alike: it is bad input, and no trouble that may pass.
    """
    said = str(error).strip()
    if not GPU_MEMORY.search(said):
        return ""
    asked = re.search(r"Tried to allocate [\d.]+ \w+", said)
    # Not in CUDA's words, which a log is looked through for.
    return (
        f"{BAD_INPUT}the GPU has too little memory ({asked[0] if asked else 'it has no more to give'}); "
        "expected a smaller batch (recipe.batch), precision bf16, or a larger GPU"
    )


def ended_by_bad_input(log: str | Path, since: float) -> bool:
    """Whether a job of this project ended with bad input: whether that is the last that it said.

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
            first, *lines = without_bars(file.read())
    except (OSError, ValueError):
        return False
    ends = [line for line in lines if not line[0].isspace()]  # others go on with one before
    return first.startswith(START_UP) and bool(ends) and ends[-1].startswith(BAD_INPUT)


def without_bars(text: str) -> list[str]:
    """The lines of a log that say something, without progress bars, which are written over."""
    said = (line.rsplit("\r", 1)[-1].rstrip() for line in text.splitlines())
    return [line for line in said if line and not BAR.search(line)]


def end_with(line: str, status: int) -> NoReturn:
    """Say a line and exit, also where the log itself cannot be written any more."""
    try:
        sys.stdout.flush()  # what was said before stands before it: it is the last word of a log
    except OSError:
        silence(sys.stdout)
    try:
        sys.stderr.write(f"{line}\n")  # at once, for several processes may write one log
        sys.stderr.flush()
    except OSError:
        silence(sys.stderr)
    sys.exit(status)


def silence(*streams: TextIO) -> None:
    """Send what is still in streams nowhere: it would fail again, with a stack, when the interpreter ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in streams:
        os.dup2(nowhere, stream.fileno())
