"""Checksums of what a file holds: one a row of large arrays, and one digest of all the rest."""

import json
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from gcdr.base.errors import InputError
from gcdr.base.files import text_digest


def checksum_of(name: str) -> str:
    """Name of the array (N,) uint32 that holds the checksums of a large array's rows."""
    return f"{name}_checksum"


def row_checksums(rows: np.ndarray) -> np.ndarray:
    """CRC-32 (n,) uint32 of rows (n, ...)."""
    rows = np.ascontiguousarray(rows)
    return np.array([zlib.crc32(row) for row in rows], np.uint32)


def check_rows(
    path: object, name: str, rows: np.ndarray, sums: np.ndarray, numbers: np.ndarray
) -> None:
    """Compare rows (n, ...) with their checksums (n,).

    Args:
        path: the file, and ``name`` of the array in it, for the message.
        rows: as they were read.
        sums: as they were written.
        numbers: (n,) their numbers, for the message.

    Raises:
        InputError: one differs.
    """
    bad = np.flatnonzero(row_checksums(rows) != sums)
    if len(bad):
        raise InputError(
            f"{path}: row {int(numbers[bad[0]])} of {name} is not what was written (its checksum "
            "differs); the file is damaged, make it again"
        )


def content_digest(columns: Mapping[str, np.ndarray], attributes: Mapping[str, Any]) -> str:
    """Digest of all but the large arrays, whose checksums are among the columns."""
    parts: list[str | bytes] = [json.dumps(dict(attributes), sort_keys=True)]
    for name, column in sorted(columns.items()):
        text = column.dtype.kind == "O"
        parts += [
            name,
            f"{column.shape} {'text' if text else column.dtype.str}",
            json.dumps(column.tolist()) if text else np.ascontiguousarray(column).tobytes(),
        ]
    return text_digest(*parts)
