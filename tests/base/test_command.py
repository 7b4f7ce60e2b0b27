"""The command line that the workflow's scripts share."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from gcdr.base.command import TRAINING, arguments
from gcdr.base.command_line import options
from gcdr.base.device import pick_device
from gcdr.base.errors import InputError
from gcdr.base.jsonconfig import JsonConfig


@dataclass(frozen=True)
class Sized(JsonConfig):
    sigma: float


COMMAND = {
    "--samples": "samples.h5", "--originals": "o.h5", "--labels": "labels.parquet",
    "--settings": '{"sigma": 3.0}', "--seed": "7", "--out": "vat",
}  # fmt: skip


def parse(monkeypatch: pytest.MonkeyPatch, device: str) -> dict:
    command = {**COMMAND, "--device": device}
    monkeypatch.setattr(
        sys, "argv", ["train.py", *(text for pair in command.items() for text in pair)]
    )
    return vars(arguments("Train.", *TRAINING, settings=Sized, init=None))


def test_training_arguments_are_converted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert parse(monkeypatch, "cpu") == {
        "samples": Path("samples.h5"),
        "originals": Path("o.h5"),
        "labels": Path("labels.parquet"),
        "settings": Sized(3.0),
        "seed": 7,
        "device": torch.device("cpu"),
        "out": Path("vat"),
        "init": None,
    }


def test_float32_is_not_cut_to_fewer_bits() -> None:
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    pick_device("cpu")
    assert not torch.backends.cudnn.allow_tf32 and not torch.backends.cuda.matmul.allow_tf32


def test_unknown_device_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="device: found 'toaster', expected auto, cpu or cuda"):
        parse(monkeypatch, "toaster")


TEXTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1
).filter(lambda text: text != "--")  # refused in configurations


@pytest.mark.slow
@given(one=TEXTS, path=TEXTS, several=st.lists(TEXTS, min_size=1))
@example(one="--out", path="-w/vat", several=["--images=x", "---", "-1"])
def test_arguments_reads_what_options_writes(one: str, path: str, several: list[str]) -> None:
    """Also what begins with a dash, or looks like an option."""
    line = options(one=one, path=path, several=several, number=3, left=None, out="", none=[])
    with mock.patch.object(sys, "argv", ["script.py", *line]):
        found = arguments("Read.", "one", "path:path", "several:texts", "number:int", left=None)
    expected = {"one": one, "path": Path(path), "several": several, "number": 3, "left": None}
    assert vars(found) == expected


def test_imports_are_not_searched_for_garbage_and_work_is() -> None:
    """Neither at a script's end: importing torch and looking through it took a third longer."""
    script = (
        "import gc; usual = gc.get_threshold()\n"
        "from gcdr.base.command import run\n"
        "seldom = gc.get_threshold()[0]\n"
        "run(lambda: print(seldom > 100 * usual[0], gc.get_threshold() == usual,"
        " gc.get_freeze_count() > 10_000))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["True"] * 3
