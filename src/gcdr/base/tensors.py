"""Weights in safetensors files, held to the digest in the card beside them; tensors inside a value."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from gcdr.base.download import check_digest
from gcdr.base.errors import InputError
from gcdr.base.files import atomic, file_digest, read_json, write_sealed

CARDS = ("model.json", "card.json")
DIGEST = "weights_sha256"
COMPANIONS = "companions_sha256"


def each_tensor(value: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """A value with each tensor changed that is in it, in a list of it or in a dataclass of it."""
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, list):
        return [each_tensor(one, change) for one in value]
    if is_dataclass(value) and not isinstance(value, type):
        held = {one.name: getattr(value, one.name) for one in fields(value)}
        return replace(value, **{name: each_tensor(one, change) for name, one in held.items()})
    return value


def write_tensors(
    path: str | Path,
    tensors: Mapping[str, Tensor],
    card: Mapping[str, Any],
    name: str,
    companions: Sequence[str] = (),
) -> None:
    """Write tensors with their card, which holds their digest; both whole, or neither.

    Args:
        path: file of the tensors.
        tensors: contiguous, on the CPU.
        card: what else the card says, ready for ``json.dumps``.
        name: of the card, one of ``CARDS``.
        companions: names of files beside it that belong to the tensors, a vocabulary for one; the card
            holds their digests too.

    Raises:
        InputError: the disk does not take it.
    """
    beside = Path(path).with_name(name)
    before = beside.read_bytes() if beside.exists() else None
    try:
        with atomic(path) as temporary:
            save_file(dict(tensors), temporary)
            digests: dict[str, Any] = {DIGEST: file_digest(temporary)}
            if companions:
                digests[COMPANIONS] = {
                    one: file_digest(beside.with_name(one)) for one in companions
                }
            write_sealed(beside, {**card, **digests})
    except BaseException:  # tensors of before belong to the card of before
        if before is None:
            beside.unlink(missing_ok=True)
        elif beside.read_bytes() != before:
            with atomic(beside) as temporary:
                temporary.write_bytes(before)
        raise


def read_tensors(path: str | Path) -> dict[str, Tensor]:
    """Tensors of a safetensors file, mapped into memory.

    A file that was downloaded, or has a card of this package beside it that names a digest, is held to it,
    and so are the files that belong to it; files of others, and of earlier versions, have none.

    Raises:
        InputError: the file is absent, empty, foreign, truncated, or another one than the card's; or one that
            belongs to it is.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError, ValueError, KeyError, RuntimeError) as error:
        size = path.stat().st_size
        raise InputError(
            f"{path}: not a readable safetensors file, or a truncated one of {size} bytes ({error})"
        ) from error
    check_digest(path)
    for card in (path.with_name(name) for name in CARDS):
        content = read_json(card) if card.is_file() else None
        if isinstance(content, dict):
            _check_file(path, content.get(DIGEST), f"the weights that {card.name}")
            for name, expected in (content.get(COMPANIONS) or {}).items():
                _check_file(path.with_name(Path(name).name), expected, f"the file that {card.name}")
    return tensors


def _check_file(path: Path, expected: str | None, what: str) -> None:
    if expected is not None and (found := file_digest(path)) != expected:
        raise InputError(
            f"{path}: not {what} beside it tells of (SHA-256 {found}, expected {expected}): "
            "damaged or exchanged"
        )
