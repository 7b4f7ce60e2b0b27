"""Disks that several machines share: weak locks, slow small reads."""

import errno
import fcntl
import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from gcdr.base.errors import InputError
from gcdr.data.cache import Samples
from gcdr.data.scratch import SCRATCH, near

OPEN = "import sys; from gcdr.data.hdf5 import kind_of_hdf5; print(kind_of_hdf5(sys.argv[1]))"
COPY = """
import sys
from pathlib import Path
from gcdr.base.command import run
from gcdr.data.scratch import near
def main():
    print(near(Path(sys.argv[1])).read_text())
    raise SystemExit(3)
run(main)
"""


def python(code: str, path: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """A process of its own: HDF5 looks at its variable once, and a copy goes when its process ends."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **variables}
    command = [sys.executable, "-c", code, str(path)]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


@pytest.mark.slow
def test_locks_can_be_left_out(tmp_path: Path) -> None:
    path = tmp_path / "samples.h5"
    with h5py.File(path, "w") as file:
        file.attrs["format"] = "some kind"
    with open(path, "rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        refused = python(OPEN, path)
        assert "samples.h5: locked by a process" in refused.stderr
        assert python(OPEN, path, HDF5_USE_FILE_LOCKING="FALSE").stdout == "some kind\n"


def test_a_disk_without_locks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "Unable to synchronously open file (unable to lock file)")

    path = tmp_path / "samples.h5"
    path.write_bytes(b"something")
    monkeypatch.setattr(h5py, "File", refuse)
    with pytest.raises(InputError, match=r"samples\.h5: on a disk that gives no locks; .*=FALSE"):
        Samples.open(path)


def test_a_file_is_read_where_it_is_unless_a_folder_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "samples.h5"
    path.write_bytes(np.arange(9).tobytes())
    assert near(path) == path and not capsys.readouterr().out
    for folder in ("$NOT_SET_ANYWHERE/x", "/proc/gcdr"):
        monkeypatch.setenv(SCRATCH, folder)
        assert near(path) == path and f"reading {path} where it is" in capsys.readouterr().out
    monkeypatch.setenv("ITS_DISK", str(tmp_path / "local"))
    monkeypatch.setenv(SCRATCH, "$ITS_DISK/gcdr")
    copy = near(path)
    assert copy.read_bytes() == path.read_bytes() and tmp_path / "local/gcdr" in copy.parents


def test_a_copy_goes_with_its_process(tmp_path: Path) -> None:
    path, local = tmp_path / "samples.h5", tmp_path / "local"
    path.write_text("content")
    done = python(COPY, path, **{SCRATCH: str(local)})
    assert done.returncode == 3 and done.stdout.splitlines()[-1] == "content", done.stderr
    assert path.exists() and not list(local.iterdir())
