"""Where HDF5 writes to."""

import io
from typing import Any

import h5py


class Sink(io.RawIOBase):
    """A file that seems to take everything, whatever the disk does.

    HDF5 does not survive a write that fails, nor bytes that are others than it wrote: the process ends in a
    segmentation fault. So the first failure is remembered, for :meth:`check` to raise, and from then on
    what is written is kept in memory. Who writes much asks :meth:`check` on the way.
    """

    def __init__(self, raw: io.FileIO) -> None:
        self.raw = raw
        self.failure: OSError | None = None
        self._kept: list[tuple[int, bytes]] = []

    def readinto(self, buffer: Any) -> int:
        view, start = memoryview(buffer).cast("B"), self.raw.tell()
        found = self.raw.readinto(view) or 0
        view[found:] = bytes(len(view) - found)
        for place, data in self._kept:
            first, last = max(place, start), min(place + len(data), start + len(view))
            if first < last:
                view[first - start : last - start] = data[first - place : last - place]
        self.raw.seek(start + len(view))
        return len(view)

    def write(self, data: Any) -> int:
        view, start = memoryview(data).cast("B"), self.raw.tell()
        written = 0
        try:
            while self.failure is None and written < len(view):
                written += self.raw.write(view[written:])
        except OSError as error:
            self.failure = error
        if self.failure is not None:
            self._kept.append((start, bytes(view)))
            self.raw.seek(start + len(view))
        return len(view)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self.raw.seek(offset, whence)

    def tell(self) -> int:
        return self.raw.tell()

    def truncate(self, size: int | None = None) -> int:
        try:
            return self.raw.truncate(size)
        except OSError as error:
            self.failure = self.failure or error
            return size or 0

    def flush(self) -> None:
        pass  # the file has no buffer

    def check(self) -> None:
        """Raise the first failure."""
        if self.failure is not None:
            raise self.failure


class NewFile(h5py.File):
    """An HDF5 file that is written through a :class:`Sink`; one that is there is written on (``"r+"``)."""

    def __init__(self, sink: Sink, mode: str = "w") -> None:
        super().__init__(sink, mode)
        self._sink = sink

    def check(self) -> None:
        """Raise what the disk said first; to be asked after every piece of a large array."""
        self._sink.check()
