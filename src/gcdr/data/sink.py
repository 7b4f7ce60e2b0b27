"""Where HDF5 writes to."""

import io
from typing import Any


class Sink(io.RawIOBase):
    """A file that swallows what is written after its first failure, so that HDF5 can always close it."""

    def __init__(self, raw: io.FileIO) -> None:
        self.raw = raw
        self.failure: OSError | None = None

    def readinto(self, buffer: Any) -> int | None:
        return self.raw.readinto(buffer)

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        size = len(view)
        try:
            while self.failure is None and view:
                view = view[self.raw.write(view) :]
        except OSError as error:
            self.failure = error
        if self.failure is not None:
            self.raw.seek(len(view), io.SEEK_CUR)
        return size

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
