"""Names and sizes of the tensors in a file of weights, from its table of contents alone.

No torch: planning asks.
"""

import io
import json
import math
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gcdr.base.content import content_fault
from gcdr.base.errors import InputError
from gcdr.base.picklenames import ARCHIVE, BROKEN, OLD_PARTS, OLD_PICKLE, Outline, Refused, Sized

Shapes = Mapping[str, tuple[int, ...]]

LONGEST = 100_000_000  # bytes of a table of contents; the format's own bound of safetensors
STATE_ENTRIES = ("state_dict", "model", "model_state_dict")
"""Under which tensors stand, in the order in which they are looked for; or they stand at the top."""

WRAPPERS = ("module.", "_orig_mod.")
"""What parallel training and torch.compile put before every name, perhaps several times."""

BYTES = {
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2"), 1),
    **dict.fromkeys(("U16", "I16", "F16", "BF16"), 2),
    **dict.fromkeys(("U32", "I32", "F32"), 4),
    **dict.fromkeys(("U64", "I64", "F64"), 8),
}


def tensor_shapes(path: str | Path) -> Shapes | None:
    """Shape of each tensor of a file by its name, without what is in ``WRAPPERS``; no number is read.

    Args:
        path: safetensors, or a file by ``torch.save``.

    Returns:
        the shapes; None for a pickle whose tensors cannot be told without running what it names, which is
        left to the reader that refuses it.

    Raises:
        InputError: the file is absent, empty, truncated or something else.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(
            f"{path}: {'a folder' if path.is_dir() else 'no such file'}; expected a file of weights"
        )
    try:
        fault = content_fault(path, path.name)
        if fault.startswith(f"{path.stat().st_size:,} bytes"):
            fault = f"{path.stat().st_size:,} bytes that are no weights"
        if fault:
            raise InputError(f"{path}: found {fault}; expected a file of weights")
        return _safetensors(path) if path.suffix == ".safetensors" else _pickled(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error


def unwrapped(name: str) -> str:
    """A tensor's name without what is in ``WRAPPERS``."""
    while name.startswith(WRAPPERS):
        name = name.removeprefix(WRAPPERS[0]).removeprefix(WRAPPERS[1])
    return name


def _safetensors(path: Path) -> Shapes:
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        text = file.read(length) if length <= min(size, LONGEST) else b""
    try:
        held = json.loads(text)
        held.pop("__metadata__", None)
        shapes = {name: tuple(map(int, entry["shape"])) for name, entry in held.items()}
        end = max((entry["data_offsets"][1] for entry in held.values()), default=0)
        needed = sum(
            math.prod(shapes[name]) * BYTES.get(one["dtype"], 0) for name, one in held.items()
        )
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        raise InputError(
            f"{path}: found {size:,} bytes that are no weights; expected a file of safetensors"
        ) from error
    if 8 + length + end != size or needed > end:
        raise InputError(
            f"{path}: found {size:,} bytes, expected {8 + length + max(end, needed):,}: truncated or damaged"
        )
    return shapes


def _pickled(path: Path) -> Shapes | None:
    content: Any = None
    try:
        with path.open("rb") as file:
            start = file.read(len(OLD_PICKLE))
            if not start.startswith((ARCHIVE, b"\x80")):
                raise InputError(
                    f"{path}: found bytes that are no weights; expected a file by torch.save"
                )
            if start.startswith(ARCHIVE):
                content = _archived(file, path)
            elif start == OLD_PICKLE:
                file.seek(0)
                read = io.BytesIO(file.read(LONGEST))
                content = [Outline(read).load() for _ in range(OLD_PARTS)][-1]
    except InputError:
        raise
    except zipfile.BadZipFile as error:
        size = path.stat().st_size
        raise InputError(
            f"{path}: found {size:,} bytes of a damaged or truncated file of weights; fetch it again"
        ) from error
    except (Refused, *BROKEN):
        return None
    if not isinstance(content, dict):
        return None
    state = next(
        (content[name] for name in STATE_ENTRIES if isinstance(content.get(name), dict)), content
    )
    return {
        unwrapped(str(name)): value.shape
        for name, value in state.items()
        if isinstance(value, Sized)
    }


def _archived(file: Any, path: Path) -> Any:
    with zipfile.ZipFile(file) as archive:
        inner = next((one for one in archive.infolist() if one.filename.endswith("data.pkl")), None)
        if inner is None:
            raise InputError(
                f"{path}: found an archive without weights; expected a file by torch.save"
            )
        if inner.file_size > LONGEST:
            return None
        return Outline(io.BytesIO(archive.read(inner))).load()
