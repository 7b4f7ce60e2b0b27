"""Whether a file that was fetched is what its name says, by its first bytes: a server's excuse is not."""

import codecs
import json
import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

HEAD = 4096
TAGS = (
    rb"html|head|body|title|meta|script|style|link|base|error|div|span|p|a|b|i|em|strong|small|br|hr|h[1-6]|"
    rb"pre|code|center|font|form|table|ul|ol|dl|li|img|svg|main|nav|section|article|header|footer|aside|"
    rb"iframe|frameset|noscript|button|input|label|template|blockquote"
)
BEGINNING = rb"(?:\xef\xbb\xbf)?\s*(?:<!--.*?-->\s*)*"
PAGE = re.compile(
    BEGINNING + rb"<(?:\?xml\b|!doctype\b|(?:" + TAGS + rb")(?=[\s/>]|\Z))",
    re.IGNORECASE | re.DOTALL,
)
TAG = re.compile(BEGINNING + rb"<([a-z_][\w:.-]*)(?:\s[^<>]*)?>", re.IGNORECASE | re.DOTALL)
POINTER = b"version https://git-lfs"
PAGES = (".html", ".htm", ".xhtml", ".xml", ".svg")
PAGE_TYPES = ("text/html", "application/xhtml+xml")
LONGEST_HEADER = 100_000_000  # bytes, as the library safetensors has it


def type_fault(kind: str, name: str) -> str:
    """What is wrong with what a server says of a file before it sends it; empty where nothing is.

    Args:
        kind: its ``Content-Type``, without parameters.
        name: what the file is to be called.
    """
    page = kind.lower() in PAGE_TYPES and Path(name).suffix.lower() not in PAGES[:3]
    return f"a web page (Content-Type: {kind})" if page else ""


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
        file.seek(max(0, size - HEAD))
        tail = file.read(HEAD)
    if not size:
        return "an empty file"
    if head.startswith(POINTER):
        return "a pointer of Git LFS"
    if _is_page(head, tail) and ending not in PAGES:
        return "a web page"
    if name.lower().endswith(".tar.gz"):
        ending = ".tgz"
    right = KINDS.get(ending)
    return f"{size:,} bytes that are no {ending} file" if right and not right(head, path) else ""


def _is_page(head: bytes, tail: bytes) -> bool:
    """Whether a text begins with a tag of HTML, or with any that is closed at its end.

    Other tags begin vocabularies: ``<s>``, ``<pad>``.
    """
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        head, tail = (part.replace(b"\0", b"").lstrip(b"\xff\xfe") for part in (head, tail))
    if PAGE.match(head):
        return True
    tag = TAG.match(head)
    return tag is not None and tag[1] != b"s" and tail.rstrip().endswith(b"</" + tag[1] + b">")


def _checkpoint(head: bytes, _: Path) -> bool:
    return head.startswith(b"PK\x03\x04") or head[:1] == b"\x80"


def _safetensors(head: bytes, path: Path) -> bool:
    length = int.from_bytes(head[:8], "little")
    if length > LONGEST_HEADER or length + 8 > path.stat().st_size:
        return False
    with path.open("rb") as file:
        file.seek(8)
        content = file.read(length)
    try:
        return isinstance(json.loads(content), dict)
    except (ValueError, RecursionError):
        return False


def _json(_: bytes, path: Path) -> bool:
    try:
        json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return False
    return True


def _zip(head: bytes, path: Path) -> bool:
    return head.startswith(b"PK") and zipfile.is_zipfile(path)


def _hdf5(head: bytes, _: Path) -> bool:
    return any(head[at : at + 8] == b"\x89HDF\r\n\x1a\n" for at in (0, 512, 1024, 2048))


def _tar(head: bytes, _: Path | None = None) -> bool:
    try:
        tarfile.TarInfo.frombuf(head[:512], "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


def _tar_gz(head: bytes, _: Path) -> bool:
    try:
        return _tar(zlib.decompressobj(wbits=31).decompress(head, 512))
    except zlib.error:
        return False


def _binary(head: bytes, _: Path) -> bool:
    """Whether bytes are more than text: what a server says in place of a file is text."""
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head)  # HEAD may cut a character
    except UnicodeDecodeError:
        return True
    return any(ord(one) < 32 and one not in "\t\n\r\f" for one in text)


def _rows(head: bytes, _: Path) -> bool:
    return b"\0" not in head and head.lstrip()[:1] != b"{"


def _merges(head: bytes, _: Path) -> bool:
    """Whether lines are pairs of symbols, as those of byte-pair encoding are, perhaps below a version."""
    lines = head.splitlines()
    pairs = all(len(line.split(b" ")) == 2 for line in lines[:2])
    return head.startswith(b"#version") or (len(lines) > 1 and pairs)


def _begins(*marks: bytes) -> Callable[[bytes, Path], bool]:
    return lambda head, _: head.startswith(marks)


KINDS: dict[str, Callable[[bytes, Path], bool]] = {
    **dict.fromkeys((".pt", ".pth", ".ckpt"), _checkpoint),
    **dict.fromkeys(
        (".bin", ".model", ".onnx", ".pb", ".tflite", ".caffemodel", ".msgpack"), _binary
    ),
    **dict.fromkeys((".zip", ".npz"), _zip),
    **dict.fromkeys((".h5", ".hdf5"), _hdf5),
    **dict.fromkeys((".csv", ".tsv"), _rows),
    ".pkl": _begins(b"\x80", b"(", b"}", b"]"),
    ".safetensors": _safetensors,
    ".json": _json,
    ".npy": _begins(b"\x93NUMPY"),
    ".tar": _tar,
    ".tgz": _tar_gz,
    ".gz": _begins(b"\x1f\x8b"),
    ".bz2": _begins(b"BZh"),
    ".xz": _begins(b"\xfd7zXZ\0"),
    ".7z": _begins(b"7z\xbc\xaf\x27\x1c"),
    ".parquet": _begins(b"PAR1"),
    ".gguf": _begins(b"GGUF"),
    ".bpe": _merges,
}
