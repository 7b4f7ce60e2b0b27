"""Fetching a large file once: resumed where it broke off, and held to its digest ever after.

What arrives must be what was asked for: of the length that the server named, of the kind that its name says,
and of a published digest where there is one (``#sha256=...`` behind an address, what Hugging Face says of
its files, what stands in the names of torchvision's). Otherwise the first download decides, and its digest
is recorded.
"""

import http.client
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import IO, TypedDict

from tqdm import tqdm

from gcdr.base.content import content_fault, type_fault
from gcdr.base.errors import InputError
from gcdr.base.files import check_room, disk_trouble, file_digest, read_json, write_json
from gcdr.base.texts import folded

ATTEMPTS = 8
PIECE = 1 << 20
SHA256 = re.compile(r"[0-9a-f]{64}")
TORCH_HUB = re.compile(r"https://download\.pytorch\.org/.*-([0-9a-f]{8,64})\.\w+")


# An address that the files of a model lie below, and their names there.
DownloadSource = TypedDict("DownloadSource", {"from": str, "files": list[str]})


class Downloads(TypedDict):
    """The section ``downloads`` of the configuration: the folder, and the files of each model in it."""

    folder: str
    models: dict[str, DownloadSource]


def planned_files(downloads: Downloads) -> dict[str, str]:
    """Address of every file that the configuration's ``downloads`` section names, by its place.

    Raises:
        InputError: an address is none of ``http`` or ``https``, a name leads out of the folder, or two files
            have one place: on a disk that tells capitals from small letters, or on one that does not.
    """
    files: dict[str, str] = {}
    taken: dict[str, str] = {}  # the file whose place it is, or beside which it lies
    for model, source in downloads["models"].items():
        key = f"downloads.models.{model}"
        if model in ("", ".", "..") or "/" in model:
            raise InputError(f"{key}: found the name {model!r}, expected one of a folder")
        for name in source["files"]:
            address = _joined(f"{source['from']}/", name)
            _check_address(address, f"{key}.files")
            file = urllib.parse.urlsplit(address).path.rsplit("/", 1)[-1]
            if file in ("", ".", ".."):
                raise InputError(
                    f"{key}.files: found {name!r}, expected one that ends in a file's name"
                )
            place = str(Path(downloads["folder"], model, file))
            if files.setdefault(place, address) != address:
                raise InputError(f"{key}.files: two files named {file!r}; expected different names")
            for path in (place, *map(str, _beside(place))):
                if (other := taken.setdefault(folded(path), place)) != place:
                    raise InputError(
                        f"{key}.files: found {place!r} and {other!r}, of which one would take the place of "
                        "the other, or of what is noted beside it, on a disk that knows no capitals; "
                        "expected different names"
                    )
    return files


def _joined(folder: str, name: str) -> str:
    try:
        return urllib.parse.urljoin(folder, name)
    except ValueError:  # no address at all, which is said by the check
        return name


def _check_address(address: str, where: str) -> None:
    try:
        parts = urllib.parse.urlsplit(address)
        good = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        good = False
    if not good:
        raise InputError(f"{where}: found the address {address!r}, expected one of http or https")


def record_of(path: str | Path) -> Path:
    """The small file beside a downloaded one that holds its digest, size and address."""
    return Path(f"{path}.digest.json")


def _part_of(path: str | Path) -> Path:
    """What has arrived of a file."""
    return Path(f"{path}.part")


def _beside(path: str | Path) -> tuple[Path, ...]:
    """Every file that is kept beside a downloaded one."""
    part = _part_of(path)
    return record_of(path), part, _validator_of(part)


def download(address: str, out: str | Path, pause: float = 5.0, timeout: float = 60.0) -> None:
    """Fetch a file, unless it is there.

    What has arrived lies in ``{out}.part`` and is continued, in this call and in later ones, as long as
    the server says that it is still the same file. The first download records the digest.

    Args:
        address: ``http`` or ``https``, perhaps with ``#sha256=`` and the content's digest behind it.
        out: the file.
        pause: seconds between attempts.
        timeout: seconds without a byte after which an attempt is given up.

    Raises:
        InputError: the address is of another sort or cannot be reached, the disk is full, or the content is
            not what was published or recorded, or of another kind than the name says (a page that asks
            for a login, an empty file). The message says where to put the file by hand.
    """
    _check_address(address, "download")
    address, _, fragment = address.partition("#")
    out = Path(out)
    published = _published(address, fragment)
    if out.is_file():
        _accept(out, out, "in the file", published, None)
        return
    part = _part_of(out)
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{part.parent}: cannot be made ({error.strerror})") from error
    by_hand = f"Fetch it elsewhere, put it at {out}, and run again (docs/weights.md)"
    for attempt in range(1, ATTEMPTS + 1):
        try:
            published = _continue(address, out, timeout) or published
            break
        except (OSError, http.client.HTTPException) as error:
            if trouble := disk_trouble(error):
                raise InputError(
                    f"{part}: cannot be written ({trouble}); what has arrived is kept for the next run"
                ) from error
            final = (
                isinstance(error, urllib.error.HTTPError) and error.code < 500
            )  # an address that leads nowhere good
            if final or attempt == ATTEMPTS:
                reason = getattr(error, "reason", None) or error
                raise InputError(
                    f"{address}: could not be fetched ({reason}). {by_hand}"
                ) from error
            print(f"{address}: {error}; attempt {attempt + 1} of {ATTEMPTS}", file=sys.stderr)
            time.sleep(pause)
    try:
        _accept(part, out, f"from {address}", published, address)
    except InputError:
        part.unlink(missing_ok=True)
        _validator_of(part).unlink(missing_ok=True)
        raise
    part.replace(out)
    _validator_of(part).unlink(missing_ok=True)


def _accept(file: Path, out: Path, where: str, published: str | None, address: str | None) -> None:
    """Hold a file to what is known of it, and record its digest where nothing is yet.

    Args:
        file: the content.
        out: its place.
        where: where it is from, for messages.
        published: its SHA-256 or the beginning of it.
        address: where it is from, for the record; None for a file that was put there.
    """
    digest, record = file_digest(file), record_of(out)
    if published is not None and not digest.startswith(published):
        raise InputError(
            f"{out}: its SHA-256 {where} is {digest}, but {published} is published; fetch it again"
        )
    if record.exists():
        if _recorded(out) != digest:
            raise InputError(_mismatch(out, digest, where))
        return
    if fault := content_fault(file, out.name):
        raise InputError(f"{out}: found {fault} {where}, expected the file itself")
    write_json(record, {"sha256": digest, "bytes": file.stat().st_size, "address": address})


def _published(address: str, fragment: str) -> str | None:
    """The digest, or its beginning, that an address itself names."""
    if fragment:
        name, _, digest = fragment.partition("=")
        if name != "sha256" or not SHA256.fullmatch(digest.lower()):
            raise InputError(f"{address}: found #{fragment}, expected #sha256= and 64 digits of it")
        return digest.lower()
    match = TORCH_HUB.fullmatch(address)
    return match[1] if match else None


def check_digest(path: str | Path) -> None:
    """Hold a file to the digest that was recorded when it was downloaded, if it was.

    Raises:
        InputError: its content is another one.
    """
    if record_of(path).exists() and (digest := file_digest(path)) != _recorded(path):
        raise InputError(_mismatch(path, digest, "in the file"))


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows to other places of the web alone, and keeps the digest that Hugging Face sends on the way."""

    published: str | None = None

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        _check_address(newurl, req.full_url)
        mark = (headers.get("X-Linked-ETag") or "").strip('"')
        if SHA256.fullmatch(mark):
            self.published = mark
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener(redirects: _Redirects) -> urllib.request.OpenerDirector:
    """Opens addresses of the web and nothing else; ``urlopen`` would open files of this machine, too."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.UnknownHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        redirects,
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    return opener


def _continue(address: str, out: Path, timeout: float) -> str | None:
    """Bring the part of ``out`` to its full length in one request, or raise where the connection breaks.

    Returns:
        the digest that the server published, if it did.
    """
    part = _part_of(out)
    validator = _validator_of(part)
    have = part.stat().st_size if part.exists() and validator.exists() else 0
    headers = {"User-Agent": "gcdr", "Accept-Encoding": "identity"}
    if have:
        headers |= {"Range": f"bytes={have}-", "If-Range": validator.read_text()}
    request, redirects = urllib.request.Request(address, headers=headers), _Redirects()
    try:
        answer = _opener(redirects).open(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        if error.code != 416 or not have:
            raise
        part.unlink()  # longer than the file now is, or whole already: start again
        return _continue(address, out, timeout)
    with answer:
        if fault := type_fault(answer.headers.get_content_type(), out.name):
            raise InputError(f"{out}: found {fault} from {address}, expected the file itself")
        resumed = answer.status == 206
        place = answer.headers.get("Content-Range")
        if resumed and place and not place.startswith(f"bytes {have}-"):
            validator.unlink(missing_ok=True)
            raise ConnectionError("the server went on at another place; starting again")
        have = have if resumed else 0
        length = answer.headers.get("Content-Length")
        total = None if length is None else have + int(length)
        if total is None and "chunked" not in answer.headers.get("Transfer-Encoding", ""):
            raise InputError(f"{address}: the server does not say how long the file is")
        if total is not None:
            check_room(part, total - have)
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
    return redirects.published


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
