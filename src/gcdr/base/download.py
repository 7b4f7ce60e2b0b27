"""Fetching a large file once: resumed where it broke off, and held to its digest ever after."""

import http.client
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tqdm import tqdm

from gcdr.base.errors import InputError
from gcdr.base.files import file_digest, read_json, write_json

ATTEMPTS = 8
PIECE = 1 << 20


def planned_files(settings: Mapping[str, Any]) -> dict[str, str]:
    """Address of every file that the configuration's ``downloads`` section names, by its place."""
    files = {}
    for model, source in settings["models"].items():
        for name in source["files"]:
            address = urllib.parse.urljoin(f"{source['from']}/", name)
            place = Path(settings["folder"], model, address.rsplit("/", 1)[-1])
            files[str(place)] = address
    return files


def record_of(path: str | Path) -> Path:
    """The small file beside a downloaded one that holds its digest, size and address."""
    return Path(f"{path}.digest.json")


def download(address: str, out: str | Path, pause: float = 5.0, timeout: float = 60.0) -> None:
    """Fetch a file, unless it is there.

    What has arrived lies in ``{out}.part`` and is continued, in this call and in later ones, as long as
    the server says that it is still the same file. The first download records the digest.

    Args:
        address: ``http`` or ``https``.
        out: the file.
        pause: seconds between attempts.
        timeout: seconds without a byte after which an attempt is given up.

    Raises:
        InputError: the address cannot be reached, or the content is not what was recorded. The message
            says where to put the file by hand.
    """
    out = Path(out)
    if out.is_file():
        check_digest(out)
        return
    part = Path(f"{out}.part")
    part.parent.mkdir(parents=True, exist_ok=True)
    by_hand = f"Fetch it elsewhere, put it at {out}, and run again"
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _continue(address, part, timeout)
            break
        except (OSError, http.client.HTTPException) as error:
            final = isinstance(error, urllib.error.HTTPError) and 400 <= error.code < 500
            if final or attempt == ATTEMPTS:
                reason = getattr(error, "reason", None) or error
                raise InputError(
                    f"{address}: could not be fetched ({reason}). {by_hand}"
                ) from error
            print(f"{address}: {error}; attempt {attempt + 1} of {ATTEMPTS}", file=sys.stderr)
            time.sleep(pause)
    digest, record = file_digest(part), record_of(out)
    if record.exists() and _recorded(out) != digest:
        part.unlink()
        raise InputError(_mismatch(out, digest, f"from {address}"))
    if not record.exists():
        write_json(record, {"sha256": digest, "bytes": part.stat().st_size, "address": address})
    part.replace(out)
    _validator_of(part).unlink(missing_ok=True)


def check_digest(path: str | Path) -> None:
    """Hold a file to the digest that was recorded when it was downloaded, if it was.

    Raises:
        InputError: its content is another one.
    """
    if record_of(path).exists() and (digest := file_digest(path)) != _recorded(path):
        raise InputError(_mismatch(path, digest, "in the file"))


def _continue(address: str, part: Path, timeout: float) -> None:
    """Bring ``part`` to its full length in one request, or raise where the connection breaks."""
    validator = _validator_of(part)
    have = part.stat().st_size if part.exists() and validator.exists() else 0
    headers = {"User-Agent": "gcdr", "Accept-Encoding": "identity"}
    if have:
        headers |= {"Range": f"bytes={have}-", "If-Range": validator.read_text()}
    request = urllib.request.Request(address, headers=headers)
    try:
        answer = urllib.request.urlopen(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        if error.code != 416 or not have:
            raise
        part.unlink()  # longer than the file now is, or whole already: start again
        return _continue(address, part, timeout)
    with answer:
        resumed = answer.status == 206
        have = have if resumed else 0
        length = answer.headers.get("Content-Length")
        total = None if length is None else have + int(length)
        # Weak marks do not promise the same bytes; without a mark nothing is continued.
        mark = answer.headers.get("ETag") or answer.headers.get("Last-Modified") or "W/"
        if not mark.startswith("W/"):
            validator.write_text(mark)
        elif not resumed:
            validator.unlink(missing_ok=True)
        with (
            open(part, "ab" if resumed else "wb") as file,
            tqdm(
                desc=part.stem, initial=have, total=total, unit="B", unit_scale=True, mininterval=5
            ) as shown,
        ):
            while piece := answer.read(PIECE):
                file.write(piece)
                have += len(piece)
                shown.update(len(piece))
    if total is not None and have != total:
        raise ConnectionError(f"broke off after {have} of {total} bytes")


def _validator_of(part: Path) -> Path:
    return Path(f"{part}.mark")


def _recorded(path: str | Path) -> str:
    record = read_json(record_of(path))
    if not isinstance(record, dict) or "sha256" not in record:
        raise InputError(f"{record_of(path)}: expected a record with the key 'sha256'")
    return record["sha256"]


def _mismatch(path: str | Path, digest: str, where: str) -> str:
    return (
        f"{path}: its SHA-256 {where} is {digest}, but {_recorded(path)} was recorded at the first "
        f"download. If the change is meant, delete {record_of(path)}"
    )
