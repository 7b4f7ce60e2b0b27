"""Large arrays of pictures or maps that are filled and read by the row, each row with its checksum."""

import mmap
from typing import Any, cast

import numpy as np

from gcdr.base.errors import InputError
from gcdr.data.checksums import check_rows, checksum_of, row_checksums
from gcdr.data.hdf5 import Held, named_errors
from gcdr.data.sink import NewFile


class CheckedRows:
    """A large array that is filled by rows, and keeps the rows' checksums.

    Args:
        file: the file.
        name: of the array.
        shape: of it.
        dtype: of it.
    """

    def __init__(self, file: NewFile, name: str, shape: tuple[int, ...], dtype: Any) -> None:
        self.dataset = file.create_dataset(name, shape, dtype)
        self._file, self._name = file, name
        self._sums = np.zeros(shape[0], np.uint32)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the array."""
        return self.dataset.shape

    def __setitem__(self, rows: int | slice, value: np.ndarray) -> None:
        value = np.ascontiguousarray(value, self.dataset.dtype)
        self.dataset[rows] = value
        self._file.check()
        many = isinstance(rows, slice)
        self._sums[rows] = row_checksums(value) if many else row_checksums(value[None])[0]

    def seal(self) -> None:
        """Write the checksums."""
        self._file[checksum_of(self._name)] = self._sums


class MappedRows:
    """A large contiguous array, mapped into memory; a row is compared with its checksum when first read.

    Args:
        held: the open file; it may be closed afterwards.
        name: of the array.
        dtype: of it.
        sides: how many dimensions it has.

    Raises:
        InputError: it is no contiguous array of these.
    """

    def __init__(self, held: Held, name: str, dtype: Any, sides: int) -> None:
        self._path, self._name = held.path, name
        self._mapped = map_array(held, name, dtype, sides)
        self._pages = cast(mmap.mmap, self._mapped.base)
        self._sums = held.sums(name, len(self._mapped))
        self._seen = np.zeros(len(self._sums), bool)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the array."""
        return self._mapped.shape

    @property
    def dtype(self) -> np.dtype:
        """Of the array."""
        return self._mapped.dtype

    def __len__(self) -> int:
        return len(self._mapped)

    def __getitem__(self, index: Any) -> np.ndarray:
        """Copies of rows, by number, slice or array of numbers, and perhaps of what in them."""
        rows = index[0] if isinstance(index, tuple) else index
        told = isinstance(rows, np.ndarray) and rows.dtype.kind in "iu"
        numbers = np.unique(rows if told else np.arange(len(self))[rows])
        new = numbers[~self._seen[numbers]]
        if len(new):
            check_rows(self._path, self._name, self._mapped[new], self._sums[new], new)
            self._seen[new] = True
        found = np.array(self._mapped[index])
        self._pages.madvise(mmap.MADV_DONTNEED)  # else all that was ever read counts as held
        return found


def map_array(held: Held, name: str, dtype: Any, sides: int) -> np.memmap:
    """A contiguous array of an open file, mapped into memory and not compared with anything.

    Raises:
        InputError: it is none of this type and number of dimensions.
    """
    with named_errors(held.path):
        dataset = held.file[name]
        offset = None if dataset.is_virtual else dataset.id.get_offset()
        if dataset.dtype != dtype or dataset.ndim != sides or offset is None:
            raise InputError(
                f"{held.path}: {name!r} is {dataset.dtype} of shape {dataset.shape}; expected a "
                f"contiguous array of {np.dtype(dtype)} with {sides} dimensions"
            )
        return np.memmap(held.path, dataset.dtype, "r", offset, dataset.shape)
