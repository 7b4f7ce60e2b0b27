"""What a full disk does not take is remembered, and HDF5 reads what it wrote."""

import io
from pathlib import Path

import h5py
import numpy as np
import pytest

from gcdr.data.sink import NewFile, Sink


class Full(io.FileIO):
    """A file on a disk that takes some bytes and no more."""

    room = 3000

    def write(self, data: bytes) -> int:
        taken = min(len(data), self.room - self.tell())
        if taken <= 0:
            raise OSError(28, "No space left on device")
        return super().write(data[:taken])


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    sink = Sink(Full(tmp_path / "a", "w+b"))
    assert sink.write(b"a" * 2000) == 2000 and sink.failure is None
    assert sink.write(b"b" * 2000) == 2000 and sink.failure is not None
    assert sink.tell() == 4000
    sink.seek(3500)
    sink.write(b"c" * 1000)
    found = bytearray(b"?" * 5000)
    sink.seek(0)
    assert sink.readinto(found) == 5000
    assert found == b"a" * 2000 + b"b" * 1500 + b"c" * 1000 + bytes(500)
    assert (tmp_path / "a").stat().st_size == Full.room


def test_hdf5_closes_a_file_that_its_disk_did_not_take(tmp_path: Path) -> None:
    with NewFile(Sink(Full(tmp_path / "a", "w+b"))) as file:
        for number in range(50):
            file[f"group{number}/numbers"] = np.arange(1000.0)
        assert all(np.array_equal(one["numbers"], np.arange(1000.0)) for one in file.values())
        with pytest.raises(OSError, match="No space left"):
            file.check()
    with pytest.raises(OSError), h5py.File(tmp_path / "a"):
        pass
