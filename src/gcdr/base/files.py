"""Files that are either whole or absent, and digests of their content."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gcdr.base.errors import InputError

CHECKPOINTS = (".pt", ".pth")  # endings of files by torch.save


@contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; rename it to ``path`` if the block succeeds.

    The caller writes a file (or makes a folder) at the yielded path, which does not exist yet. On an
    exception it is removed, so nothing half-written is ever taken for whole.

    Raises:
        InputError: the parent folder cannot be made or written.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    except OSError as error:
        raise InputError(f"{path.parent}: cannot be written ({error.strerror})") from error
    try:
        temporary = scratch / path.name
        yield temporary
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        os.replace(temporary, path)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def state_size(path: str | Path, size: int) -> None:
    """Say how large a file will be before it is written.

    Args:
        path: the file; its folder need not exist yet.
        size: its bytes.

    Raises:
        InputError: the disk has less room than that.
    """
    path = Path(path)
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    free = shutil.disk_usage(folder).free
    print(
        f"{path}: {size / 1e6:,.1f} MB will be written, {free / 1e6:,.1f} MB are free", flush=True
    )
    if size > free:
        raise InputError(
            f"{path}: found {free / 1e6:,.1f} MB free in {folder}, expected {size / 1e6:,.1f} MB for "
            "this file"
        )


def write_json(path: str | Path, content: Any) -> None:
    """Write ``content`` as indented JSON, whole or not at all."""
    with atomic(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n")


def read_json(path: str | Path) -> Any:
    """Read a JSON file.

    Raises:
        InputError: the file is absent or is not JSON.
    """
    try:
        return json.loads(Path(path).read_text())
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{path}: not valid JSON ({error})") from error


def text_digest(*parts: str | bytes) -> str:
    """SHA-256 of the parts, each preceded by its length so that borders count."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()


def file_digest(path: str | Path) -> str:
    """SHA-256 of a file's content."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
