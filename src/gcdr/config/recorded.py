"""Results that lie where other ones lay when the files behind them were made, whatever their dates say.

Snakemake writes down the SHA-256 of every input of a job (up to ``max-checksum-file-size``) and looks at it
where an input is newer than what was made from it. What was exchanged for something older it does not see:
that is looked for here, in the same records. A file is read once, as long as the disk says it is the same.
"""

import json
from base64 import urlsafe_b64decode
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from gcdr.base.errors import InputError
from gcdr.base.files import atomic, file_digest

RECORDS = Path(".snakemake/metadata")
KNOWN = Path(".snakemake/gcdr-digests.json")
LOOKED_AT = (
    "results/",
    "assets/",
)  # of the user's own files a change plans jobs (config.exchanged.marks)


def exchanged_inputs(folders: Collection[str], top: Path = Path()) -> dict[str, list[str]]:
    """Files that are not those which older jobs read, by path, with what was made from the others.

    Args:
        folders: folders of results below ``top`` that are asked for, each with a slash at its end.
        top: the working directory.

    Returns:
        paths of inputs below ``top``, each with the newer files that were made of something else. Inputs that
        are newer than those are left to Snakemake.
    """
    known = _known(top / KNOWN)
    kept: dict[str, list[Any]] = {}
    found: dict[str, list[str]] = {}
    for made, inputs in _records(top / RECORDS, folders):
        date = _stat(top / made)
        if date is None:
            continue
        for file, digest in inputs.items():
            if not file.startswith(LOOKED_AT):
                continue
            mark = _stat(top / file)
            if mark is None or mark[0] > date[0]:
                continue
            if file not in kept:
                old = known.get(file, [])
                kept[file] = old if old[:-1] == mark else [*mark, _digest(top / file)]
            if kept[file][-1] not in (None, digest.removeprefix("sha256:")):
                found.setdefault(file, []).append(made)
    if kept and {**known, **kept} != known:
        _keep({**known, **kept}, top / KNOWN)
    return found


def _records(folder: Path, wanted: Collection[str]) -> Iterator[tuple[str, Mapping[str, str]]]:
    """What Snakemake wrote down of files in some folders: path, and SHA-256 of its inputs by path."""
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        name = "".join(part.removeprefix("@") for part in parts)  # long names are cut in pieces
        try:
            made = urlsafe_b64decode(name).decode()
            if not made.startswith(tuple(wanted)) or not path.is_file():
                continue
            inputs = json.loads(path.read_text()).get("input_checksums")
        except (OSError, ValueError, AttributeError):
            continue  # not ours to judge: Snakemake reads them too
        if isinstance(inputs, dict):
            yield made, inputs


def _stat(path: Path) -> list[int] | None:
    """Date and what else tells a file from another without reading it; None of what is none.

    A date can be set, that of the last change of anything about a file cannot.
    """
    try:
        found = path.stat()
    except OSError:
        return None
    mark = [found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino]
    return mark if path.is_file() else None


def _digest(path: Path) -> str | None:
    try:
        return file_digest(path)
    except OSError:
        return None  # whoever reads it says so


def _known(path: Path) -> dict[str, list[Any]]:
    try:
        known = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _keep(known: Mapping[str, Any], path: Path) -> None:
    try:
        with atomic(path) as temporary:
            temporary.write_text(json.dumps(known))
    except (OSError, InputError):
        pass  # read again next time
