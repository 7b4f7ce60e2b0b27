"""Names and sizes of tensors are read from a file's table of contents; nothing else is."""

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from small_weights import write_shapes

from gcdr.base.errors import InputError
from gcdr.base.outlines import tensor_shapes

SHAPES = {"a.weight": (3, 4), "b": (2,), "c": ()}
TENSORS = {name: torch.zeros(shape) for name, shape in SHAPES.items()}


@pytest.mark.parametrize(
    "content",
    [
        TENSORS,
        {"state_dict": TENSORS, "lr": 0.1, "train_step": 3},
        {"model": {f"module._orig_mod.{name}": value for name, value in TENSORS.items()}},
        {
            "model_state_dict": {n: torch.nn.Parameter(v) for n, v in TENSORS.items()},
            "optimizer": {},
        },
        {"model": torch.nn.ModuleDict({"a": torch.nn.Linear(4, 3, False)}).state_dict()},
    ],
)
@pytest.mark.parametrize("zipped", [True, False])
def test_a_file_by_torch_save(tmp_path: Path, content: dict[str, Any], zipped: bool) -> None:
    torch.save(content, tmp_path / "a.pt", _use_new_zipfile_serialization=zipped)
    found = tensor_shapes(tmp_path / "a.pt")
    assert found == SHAPES or found == {"a.weight": (3, 4)}


def test_safetensors(tmp_path: Path) -> None:
    assert tensor_shapes(write_shapes(tmp_path / "a.safetensors", SHAPES)) == SHAPES


class Runs:
    def __reduce__(self) -> tuple[Any, ...]:
        return exec, ("raise SystemExit('it ran')",)


def test_nothing_is_run(tmp_path: Path) -> None:
    torch.save({"a": Runs(), **TENSORS}, tmp_path / "a.pt")
    assert tensor_shapes(tmp_path / "a.pt") == SHAPES
    (tmp_path / "b.pt").write_bytes(pickle.dumps(Runs()))
    assert tensor_shapes(tmp_path / "b.pt") is None  # left to the reader, which refuses it


def header(entry: Any) -> bytes:
    text = json.dumps(entry).encode()
    return len(text).to_bytes(8, "little") + text


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.safetensors", b"", "an empty file"),
        ("a.safetensors", b"hello there", "11 bytes that are no weights"),
        ("a.safetensors", b"\xff" * 8 + b"{", "bytes that are no weights"),
        ("a.safetensors", header([]), "bytes that are no weights"),
        ("a.safetensors", header({"a": {"shape": [2]}}), "bytes that are no weights"),
        (
            "a.safetensors",
            header({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}) + b"1234",
            "truncated or damaged",
        ),
        (
            "a.safetensors",
            header({"a": {"dtype": "F32", "shape": [10**9], "data_offsets": [0, 0]}}),
            "truncated or damaged",
        ),
        ("a.pt", b"", "an empty file"),
        ("a.pt", b"hello", "5 bytes that are no weights"),
        ("a.bin", b"hello", "bytes that are no weights"),
        ("a.pth", b"<!DOCTYPE html><html>", "a web page"),
        ("a.pth", b"PK\x03\x04" + bytes(100), "damaged or truncated"),
        ("a.pt", b"version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS"),
    ],
)
def test_what_is_no_file_of_weights_is_said(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=said) as error:
        tensor_shapes(tmp_path / name)
    assert str(tmp_path / name) in str(error.value) and "\n" not in str(error.value)
