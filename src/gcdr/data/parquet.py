"""Tables as Parquet files that are written whole, and say whom they belong to and what they hold.

Beside the columns a file has, in its own metadata, a digest of each column and of the people that it is
about. A reader compares the columns that it reads, and no others: whoever may not see a label does not
compare it either.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from gcdr import __version__
from gcdr.base.errors import InputError
from gcdr.base.files import atomic, text_digest

KEY = b"gcdr"
VERSION = 1
TEXT = 1000  # bytes of text that a byte of a file may stand for: each row has an id, and a few lines at most
MOST = 4 << 30  # bytes of text that a column may have
DAMAGED = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    RuntimeError,
    MemoryError,
    pa.ArrowException,
)


def write_table(
    table: pd.DataFrame, path: str | Path, people: str | None = None, **about: Any
) -> None:
    """Write a table as Parquet, whole or not at all.

    Args:
        table: its index is left out.
        path: the file.
        people: digest of the people that it is about, for readers to compare; None where it says itself
            who they are.
        about: what else it was made for, ready for ``json.dumps``.

    Raises:
        InputError: the disk does not take it.
    """
    content = pa.Table.from_pandas(table, preserve_index=False)
    header = {
        "version": VERSION,
        "gcdr": __version__,
        "people": people,
        "columns": {name: _column_digest(content[name]) for name in content.column_names},
        "about": about,
    }
    types = content.schema.metadata or {}
    header["digest"] = _header_digest(header, types)
    metadata = {**types, KEY: json.dumps(header, sort_keys=True)}
    with atomic(path) as temporary:
        parquet.write_table(content.replace_schema_metadata(metadata), temporary)


def read_table(
    path: str | Path,
    columns: Sequence[str] | None = None,
    optional: Sequence[str] = (),
    people: str | None = None,
) -> pd.DataFrame:
    """Read a table that :func:`write_table` wrote, and compare what is read with its digests.

    Args:
        path: the file.
        columns: those wanted; None for all.
        optional: those wanted where they are there.
        people: digest of the people that it must be about, where it names any.

    Raises:
        InputError: absent, empty, truncated, damaged or changed; a column is missing, or it is about other
            people.
    """
    try:
        return _read(Path(path), columns, optional, people)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except DAMAGED as error:
        if isinstance(error, InputError):
            raise
        size = Path(path).stat().st_size if Path(path).is_file() else 0
        reason = str(error).partition("\n")[0][:200] if size else "empty"
        raise InputError(
            f"{path}: not a readable Parquet table of {size} bytes, or a damaged one ({reason})"
        ) from error


def table_digest(path: str | Path) -> str:
    """Digest of a table's content, by the digests of its columns.

    Raises:
        InputError: as :func:`read_table`.
    """
    read_table(path, columns=[])
    return text_digest(json.dumps(_header(Path(path))["columns"], sort_keys=True))


def table_about(path: str | Path) -> dict[str, Any]:
    """What a table was made for, as :func:`write_table` was told, with its ``people``.

    Raises:
        InputError: as :func:`read_table`.
    """
    read_table(path, columns=[])
    header = _header(Path(path))
    return {**header["about"], "people": header["people"]}


def read_rows(
    path: str | Path, people: str, sample_id: np.ndarray, columns: Sequence[str]
) -> pd.DataFrame:
    """The rows of people in a table of a row a person, in their order and indexed by ``sample_id``.

    Args:
        path: the table.
        people: digest of the people that it must be about.
        sample_id: (N,) the people wanted.
        columns: those wanted beside ``sample_id``.

    Raises:
        InputError: as :func:`read_table`; or somebody is not in it, or is twice.
    """
    found = read_table(path, ["sample_id", *columns], people=people).set_index("sample_id")
    lacking = np.setdiff1d(sample_id, found.index)
    if len(lacking):
        raise InputError(f"{path}: sample_id {lacking[0]} is not in it")
    if not found.index.is_unique:
        twice = found.index[found.index.duplicated()][0]
        raise InputError(f"{path}: sample_id {twice} is in it twice")
    return found.loc[sample_id]


def _header(path: Path) -> Mapping[str, Any]:
    metadata = dict(parquet.read_schema(path).metadata or {})
    header = json.loads(metadata.pop(KEY, b"null"))
    if header is None:
        raise InputError(
            f"{path}: a table without checksums; it was written by other code, or by an earlier version. "
            "Make it again"
        )
    if header["version"] != VERSION:
        raise InputError(f"{path}: found version {header['version']}, expected {VERSION}")
    if header.pop("digest", None) != _header_digest(header, metadata):
        raise InputError(
            f"{path}: what it says of itself is not what was written: damaged, or changed by other code; "
            "make it again"
        )
    return header


def _header_digest(header: Mapping[str, Any], types: Mapping[bytes, bytes]) -> str:
    """Digest of what a table says of itself, and of what pandas needs to give its columns their types."""
    return text_digest(json.dumps(header, sort_keys=True), types.get(b"pandas", b""))


def _read(
    path: Path, columns: Sequence[str] | None, optional: Sequence[str], people: str | None
) -> pd.DataFrame:
    about, size = parquet.read_metadata(path), path.stat().st_size
    if about.num_rows > size:  # every person has an id of their own, which takes a byte at least
        raise InputError(f"{path}: claims {about.num_rows:,} rows in {size:,} bytes")
    schema = about.schema.to_arrow_schema()
    there = schema.names
    chosen = there if columns is None else [*columns, *(n for n in optional if n in there)]
    if lacking := [name for name in chosen if name not in there]:
        raise InputError(
            f"{path}: column {lacking[0]!r} is missing; expected the columns {list(chosen)}"
        )
    header = _header(path)
    content = _unpacked(path, size, {name: schema.field(name).type for name in chosen})
    for name in chosen:
        if _column_digest(content[name]) != header["columns"].get(name):
            raise InputError(
                f"{path}: column {name!r} is not what was written (its digest differs): damaged, or "
                "changed by other code; make it again"
            )
    if people is not None and header["people"] not in (None, people):
        raise InputError(f"{path}: made for other people than the manifest's; make it again")
    return content.to_pandas()


def _unpacked(path: Path, size: int, kinds: Mapping[str, pa.DataType]) -> pa.Table:
    """Columns of a file of ``size`` bytes, by their types.

    A text that stands in many rows is in the file once, and so are repetitions within lists: a few bytes can
    stand for more than memory holds. Texts are therefore measured before they are written out.
    """
    texts = [name for name, kind in kinds.items() if _is_text(kind)]
    for name, kind in kinds.items():
        if not (name in texts or pa.types.is_null(kind) or pa.types.is_primitive(kind)):
            raise InputError(f"{path}: column {name!r} holds {kind}; expected numbers or text")
    content = parquet.read_table(path, columns=list(kinds), read_dictionary=texts)
    most = min(TEXT * size, MOST)
    for name in texts:
        packed = content[name]
        total = sum(
            pc.sum(pc.binary_length(part.dictionary).take(part.indices)).as_py() or 0
            for part in packed.chunks
        )
        if total > most:
            raise InputError(
                f"{path}: column {name!r} claims {total:,} bytes of text in a file of {size:,} bytes; "
                f"expected at most {most:,}"
            )
        parts = [part.dictionary_decode().cast(kinds[name]) for part in packed.chunks]
        place = content.schema.get_field_index(name)
        content = content.set_column(place, name, pa.chunked_array(parts, kinds[name]))
    return content


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _column_digest(column: pa.ChunkedArray) -> str:
    """Digest of a column's type, nulls and values, whatever chunks it comes in."""
    kind = column.type
    missing = column.is_null().combine_chunks().to_numpy(zero_copy_only=False)
    parts: list[str | bytes] = [str(kind), f"{len(column)}", np.packbits(missing).tobytes()]
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind):
        values = pc.fill_null(column, False if pa.types.is_boolean(kind) else 0)
        parts.append(np.ascontiguousarray(values.to_numpy(zero_copy_only=False)).tobytes())
    else:
        parts.append(json.dumps(column.to_pylist(), default=str))
    return text_digest(*parts)
