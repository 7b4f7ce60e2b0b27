"""What a failed job leaves in its log, by which bad input is told from a machine's trouble."""

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gcdr.base.endings import ended_by_bad_input, may_pass
from gcdr.base.errors import InputError

FAILING = """
import os, signal, sys
from gcdr.base.command import run
from gcdr.base.errors import InputError

def main():
    {failure}

run(main)
"""
READ = """try:
        open({path!r}).read()
    except OSError as error:
        raise InputError('x') from error"""
FAILURES = {
    "raise InputError('table.csv, line 3: found -1')": True,
    "raise InputError('table.csv: 2 errors\\nthe first\\n\\nthe second')": True,
    "raise RuntimeError('CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has')": True,
    READ.format(path="/nowhere/at all"): True,
    "raise OSError(28, 'No space left on device')": False,
    "raise InputError('a.h5: cannot be written') from OSError(116, 'Stale file handle')": False,
    "raise InputError('a.h5: damaged') from MemoryError()": False,
    "raise MemoryError": False,
    "print('error: of a library\\nand on', flush=True); os.kill(os.getpid(), signal.SIGKILL)": False,
    "raise KeyError('a mistake of ours')": False,
    "os.kill(os.getpid(), signal.SIGKILL)": False,
    "os.kill(os.getpid(), signal.SIGTERM)": False,
}


@pytest.mark.parametrize(("failure", "bad"), FAILURES.items())
def test_bad_input_alone_ends_for_good(tmp_path: Path, failure: str, bad: bool) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    log, begun = tmp_path / "job.log", time.time() - 1
    with open(log, "w") as file:
        command = [sys.executable, "-c", FAILING.format(failure=failure)]
        done = subprocess.run(command, stdout=file, stderr=subprocess.STDOUT, env=environment)
    assert done.returncode
    assert ended_by_bad_input(log, begun) is bad
    assert not ended_by_bad_input(log, time.time() + 60), "an older log is that of an earlier run"


def test_a_progress_bar_is_no_last_word(tmp_path: Path) -> None:
    """One that is open is closed, and written once more, when the interpreter ends."""
    log = tmp_path / "job.log"
    bar = "model:  20%|##   | 2/10 [00:01<00:04, 2.00step/s]"
    log.write_text(f"start-up: 1 CPU seconds\nerror: a.h5: damaged\n\r{bar}\n")
    assert ended_by_bad_input(log, 0)


def test_logs_of_others_say_nothing(tmp_path: Path) -> None:
    log = tmp_path / "other.log"
    log.write_text("error: written by a program of another workflow\n")
    assert not ended_by_bad_input(log, 0)
    log.write_text("")
    assert not ended_by_bad_input(log, 0)
    assert not ended_by_bad_input(tmp_path / "none.log", 0)


@pytest.mark.parametrize("number", [errno.ESTALE, errno.EIO, errno.ENOLCK, errno.EMFILE])
def test_trouble_is_seen_behind_the_message_for_people(number: int) -> None:
    error = InputError("a.h5: cannot be read")
    error.__cause__ = OSError(number, os.strerror(number))
    assert may_pass(error)
    error.__cause__ = OSError("Unable to open file (truncated file)")  # as HDF5 says it
    assert not may_pass(error)
