"""Files that are either whole or absent, and digests of their content."""

import ctypes
import errno
import fcntl
import hashlib
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from gcdr.base.errors import InputError

CHECKPOINTS = (".pt", ".pth", ".ckpt")  # endings of files by torch.save
DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)
LIBC = ctypes.CDLL(None, use_errno=True)
NO_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS)  # file systems that have no such call
FOREIGN = re.compile(rf"(?:errno = |os error |errno )({'|'.join(map(str, DISK))})\b")
HALF_A_CHARACTER = re.compile(r"\\u[dD][89a-fA-F]")  # in JSON; two of them are a character
DAY = 86400.0
EDGE = 1 << 20  # bytes at either end of a large file


@contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; rename it to ``path`` if the block succeeds.

    The caller writes a file (or makes a folder) at the yielded path, which does not exist yet. On an
    exception it is removed, so nothing half-written is ever taken for whole. What a killed process left of
    the same file goes first: it may be as large as the file, and nobody else would remove it. What was
    written is on the disk before it has its name: a machine that loses its power keeps the old or the new.

    Raises:
        InputError: the parent folder cannot be made or written, or the disk refuses what the block writes
            (full, over a quota or limit, read-only); what was at ``path`` is then still there.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(path)
        scratch, held = _scratch(path)
    except OSError as error:
        raise InputError(f"{path.parent}: cannot be written ({error.strerror})") from error
    try:
        temporary = scratch / path.name
        yield temporary
        _to_disk(temporary)
        take_place(temporary, path)
    except Exception as error:
        if reason := disk_trouble(error):
            raise InputError(f"{path}: cannot be written ({reason})") from error
        raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        os.close(held)


def take_place(temporary: Path, path: Path) -> None:
    """Give a new file or folder its name, on the disk too; if that fails, what had the name has it again."""
    before = temporary.parent / ".before"
    replaces_folder = path.is_dir() and not path.is_symlink()
    if replaces_folder:  # no rename takes the place of a folder that holds something
        os.rename(path, before)
    try:
        os.replace(temporary, path)
    except OSError:
        if replaces_folder:
            os.rename(before, path)
        raise
    _to_disk(path.parent, whole=False)


def _to_disk(path: Path, whole: bool = True) -> None:
    """Wait until the disk has a file, or a folder with all that is in it (``whole``) or its names alone.

    Of a folder's files the file system is asked at once: one after the other they cost 4 ms each. Where there
    is no such call (outside Linux), its names alone.
    """
    opened = os.open(path, os.O_RDONLY)
    try:
        if whole and path.is_dir() and hasattr(LIBC, "syncfs"):
            if LIBC.syncfs(opened):
                raise OSError(code := ctypes.get_errno(), os.strerror(code))
        else:
            os.fsync(opened)
    except OSError as error:
        if error.errno not in NO_SYNC:
            raise
    finally:
        os.close(opened)


def disk_trouble(error: BaseException) -> str:
    """What the disk said (``"No space left on device"``), or nothing where an exception is of another kind.

    Libraries in C and Rust say it in texts of their own, often with the number alone.
    """
    if isinstance(error, InputError):
        return ""
    if isinstance(error, OSError) and error.errno in DISK:
        return os.strerror(error.errno)
    if match := FOREIGN.search(str(error)):
        return os.strerror(int(match[1]))
    codes = [code for code in DISK if os.strerror(code) in str(error)]
    if codes:
        return os.strerror(codes[0])
    return disk_trouble(error.__cause__) if error.__cause__ else ""


def _scratch(path: Path) -> tuple[Path, int]:
    """A new folder beside a file, and a descriptor whose lock says that its process is alive."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
        held = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # taken for a leftover before it was locked
            os.close(held)
            continue
        except OSError:
            pass  # a file system without locks: leftovers are then told by their age
        if folder.exists():
            return folder, held
        os.close(held)


def _remove_leftovers(path: Path) -> None:
    """Remove the folders of :func:`_scratch` whose process is gone."""
    name = re.compile(rf"{re.escape(f'.{path.name}.')}[a-z0-9_]{{8}}")
    for folder in path.parent.iterdir():
        if not name.fullmatch(folder.name) or folder.is_symlink() or not folder.is_dir():
            continue
        try:
            held = os.open(folder, os.O_RDONLY)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            dead = True
        except BlockingIOError:
            dead = False
        except OSError:
            dead = time.time() - os.fstat(held).st_mtime > DAY
        if dead:
            shutil.rmtree(folder, ignore_errors=True)
        os.close(held)


def state_size(path: str | Path, size: int) -> None:
    """Say how large a file will be before it is written.

    Args:
        path: the file; its folder need not exist yet.
        size: its bytes.

    Raises:
        InputError: the disk has less room than that.
    """
    free = check_room(path, size)
    print(
        f"{path}: {size / 1e6:,.1f} MB will be written, {free / 1e6:,.1f} MB are free", flush=True
    )


def check_room(path: str | Path, size: int) -> int:
    """Bytes that are free where a file will be.

    Raises:
        InputError: fewer than ``size``.
    """
    folder = next(parent for parent in Path(path).absolute().parents if parent.exists())
    free = shutil.disk_usage(folder).free
    if size > free:
        raise InputError(
            f"{path}: found {free / 1e6:,.1f} MB free in {folder}, expected {size / 1e6:,.1f} MB for "
            "this file"
        )
    return free


def write_json(path: str | Path, content: Any) -> None:
    """Write ``content`` as indented JSON, whole or not at all."""
    with atomic(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n")


SEAL = "content_sha256"


def write_sealed(path: str | Path, content: Mapping[str, Any]) -> None:
    """Write an object with a digest of all that it holds, which :func:`read_json` compares.

    For a file that decides numbers, or says them.
    """
    plain = json.loads(json.dumps(content, allow_nan=False))  # as it will be read: keys are texts
    write_json(path, {**plain, SEAL: _seal(plain)})


def _seal(content: Mapping[str, Any]) -> str:
    return text_digest(json.dumps(content, sort_keys=True))


def read_json(path: str | Path) -> Any:
    """Read a JSON file.

    Returns:
        what it holds, without the digest that :func:`write_sealed` added.

    Raises:
        InputError: the file is absent, is not JSON, or is not as :func:`write_sealed` wrote it.
    """
    value = _parsed(path)
    if not isinstance(value, dict) or SEAL not in value:
        return value
    if (said := value.pop(SEAL)) != (found := _seal(value)):
        raise InputError(
            f"{path}: its content is not what was written (its SHA-256 is {found}, expected {said}): "
            "damaged, or changed by hand; make it again"
        )
    return value


def _parsed(path: str | Path) -> Any:
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
        value = json.loads(text)
        if HALF_A_CHARACTER.search(text):
            json.dumps(value, ensure_ascii=False).encode()  # what no file, path or table can hold
        return value
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except (ValueError, RecursionError) as error:  # no JSON, no UTF-8, huge integers
        raise InputError(f"{path}: not valid JSON ({error})") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error


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


@cache
def file_mark(path: str | Path, whole: int = 32 << 20) -> str:
    """What tells a file from another one at its place, whatever their dates say.

    Of a large file this reads its size and its first and last MiB alone: a plan of the workflow looks at each
    file of its user's. It is read once by a process.

    Args:
        path: the file; of one that is not there the mark is empty.
        whole: bytes up to which all of a file is read.

    Raises:
        InputError: it cannot be read.
    """
    try:
        with open(path, "rb") as handle:
            size = os.fstat(handle.fileno()).st_size
            if size <= whole:
                return hashlib.file_digest(handle, "sha256").hexdigest()
            first = handle.read(EDGE)
            handle.seek(size - EDGE)
            return text_digest(str(size), first, handle.read(EDGE))
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
