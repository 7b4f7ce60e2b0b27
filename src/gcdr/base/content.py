"""Whether a file that was fetched is what its name says, by its first bytes: a server's excuse is not."""

import json
import re
from collections.abc import Callable
from pathlib import Path

HEAD = 4096
PAGE = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*"
    rb"<(?:!doctype\s+html|html|head|body|title|meta|script|error)\b",
    re.IGNORECASE | re.DOTALL,
)
POINTER = b"version https://git-lfs"
PAGES = (".html", ".htm", ".xml")


def content_fault(path: str | Path, name: str) -> str:
    """What is wrong with a file's content; empty where nothing is seen.

    Args:
        path: the file.
        name: what it is to be called; its ending says what it should be.
    """
    path, ending = Path(path), Path(name).suffix.lower()
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(HEAD)
    if not size:
        return "an empty file"
    if head.startswith(POINTER):
        return "a pointer of Git LFS"
    if PAGE.match(head) and ending not in PAGES:
        return "a web page"
    right = KINDS.get(ending)
    return f"{size:,} bytes that are no {ending} file" if right and not right(head, path) else ""


def _checkpoint(head: bytes, _: Path) -> bool:
    return head.startswith(b"PK\x03\x04") or head[:1] == b"\x80"


def _safetensors(head: bytes, path: Path) -> bool:
    return head[8:9] == b"{" and int.from_bytes(head[:8], "little") + 8 <= path.stat().st_size


def _json(_: bytes, path: Path) -> bool:
    try:
        json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return False
    return True


KINDS: dict[str, Callable[[bytes, Path], bool]] = {
    ".pt": _checkpoint,
    ".pth": _checkpoint,
    ".ckpt": _checkpoint,
    ".pkl": lambda head, _: head[:1] in (b"\x80", b"(", b"}", b"]"),
    ".safetensors": _safetensors,
    ".json": _json,
    ".zip": lambda head, _: head.startswith(b"PK"),
    ".gz": lambda head, _: head.startswith(b"\x1f\x8b"),
}
