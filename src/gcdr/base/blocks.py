"""Long work in blocks: shards are whole numbers of them, and a killed shard keeps those that are done.

A block that is done is a file in a hidden folder beside the shard until the shard is whole. The folder is
named by a digest of all that decides the blocks but the pictures, the file by the sizes and times of its
own pictures, so that other work never goes on from there.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gcdr.base.files import file_digest, text_digest
from gcdr.base.provenance import modules_behind


def shard_rows(count: int, block: int, shard: int, shards: int) -> range:
    """Rows of a shard: whole blocks, so that the number of shards never changes a batch.

    Args:
        count: number of rows (people, or images).
        block: rows that are computed together.
        shard: 1..shards.
        shards: number of shards.
    """
    blocks = -(-count // block)
    first, last = (blocks * part // shards * block for part in (shard - 1, shard))
    return range(min(first, count), min(last, count))


def work_key(
    settings: Any,
    people: str,
    chosen: np.ndarray,
    files: Sequence[Path],
    module: str,
    device: torch.device,
) -> str:
    """Digest of all that decides the bits of a stage's blocks, but the pictures.

    Args:
        settings: of the stage, ready for ``json.dumps``.
        people: digest of the manifest's people; it does not know their splits.
        chosen: ``sample_id`` of those among them who are worked on.
        files: other files that it reads.
        module: ``__file__`` of the stage's module.
        device: where it computes.
    """
    read: list[str | Path] = [*files, module, *modules_behind(module)]
    return text_digest(
        json.dumps(settings, sort_keys=True),
        people,
        hashlib.sha256(np.asarray(chosen, np.int64).tobytes()).hexdigest(),
        f"torch {torch.__version__} on {device.type}",
        *map(file_digest, read),
    )


def digest_of_stats(files: Sequence[Path]) -> str:
    """Digest of files' sizes and times: far cheaper than their content, and enough between two runs."""
    found: list[tuple[int, int] | None] = []
    for path in files:
        try:
            stat = path.stat()
            found.append((stat.st_size, stat.st_mtime_ns))
        except OSError:
            found.append(None)
    return text_digest(json.dumps(found))


def begun_folder(out: Path, key: str) -> Path:
    """The hidden folder beside an output where unfinished work lies; ``key`` is of :func:`work_key`."""
    return out.parent / f".{out.stem}-{key[:16]}"


def begun_folders(out: Path) -> list[Path]:
    """Those that there are, of whatever key; not of another output whose name begins with this one's."""
    own = re.compile(rf"\.{re.escape(out.stem)}-[0-9a-f]{{16}}")
    return [folder for folder in out.parent.iterdir() if own.fullmatch(folder.name)]


@dataclass(frozen=True)
class Blocks:
    """The files of a shard's blocks.

    Attributes:
        out: the shard.
        parts: file of each block by its first row, in ascending order.
    """

    out: Path
    parts: dict[int, Path]

    @classmethod
    def of(cls, out: Path, rows: range, block: int, key: str, pictures: Sequence[Path]) -> "Blocks":
        """Those of a shard's rows; a shard without rows has one empty block, as it still is a file.

        Args:
            out: the shard.
            rows: its rows.
            block: rows that are computed together.
            key: see :func:`work_key`.
            pictures: the picture of each of all rows. One that changes makes its own block again.
        """
        folder = begun_folder(out, key)
        starts = list(range(rows.start, rows.stop, block)) or [rows.start]
        parts = {}
        for start in starts:
            own = pictures[start : min(start + block, rows.stop)]
            parts[start] = folder / f"{start:09d}-{digest_of_stats(own)[:16]}{out.suffix}"
        return cls(out, parts)

    def left(self, whole: Callable[[Path], bool]) -> list[int]:
        """First rows of the blocks that are to be computed.

        Args:
            whole: whether nobody failed in a block that is done. One with a failure is computed again:
                the picture may have been mended.
        """
        left = [start for start, part in self.parts.items() if not (part.exists() and whole(part))]
        if len(left) < len(self.parts):
            print(f"going on: {len(self.parts) - len(left)} of {len(self.parts)} blocks are done")
        return left

    def remove(self) -> None:
        """Remove what was kept, once the shard is whole."""
        for folder in begun_folders(self.out):
            shutil.rmtree(folder)
