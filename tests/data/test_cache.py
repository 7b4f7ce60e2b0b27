"""The picture cache: its size is said before, and a full disk refused."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from small_data import write

from gcdr.base.errors import InputError
from gcdr.data.cache import Samples, write_samples
from gcdr.data.manifest import BOX, build_manifest, read_people, write_table


@pytest.fixture
def people(tmp_path: Path) -> pd.DataFrame:
    """Three people in two pictures of 64 x 48 pixels; the columns that stages see."""
    write(tmp_path, dict.fromkeys(["a.jpg", "b.jpg"], "picture"))
    rows = pd.DataFrame([[4, 5, 14, 15], [20, 5, 30, 15], [4, 5, 24, 25]], columns=BOX)
    rows = rows.assign(image=["a.jpg", "a.jpg", "b.jpg"], width=64, height=48, split="train")
    write_table(build_manifest(rows, "rows"), tmp_path / "manifest.parquet")
    return read_people(tmp_path / "manifest.parquet")


def test_size_is_said_before_it_is_written(
    people: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "data" / "samples.h5"
    write_samples(people, tmp_path, 224, path, failures=0)
    said = capsys.readouterr().out
    assert said.startswith(f"{path}: ") and " MB will be written, " in said
    size = float(said.split(": ")[1].split(" MB")[0])
    assert size == pytest.approx(path.stat().st_size / 1e6, abs=0.06)
    assert len(Samples.open(path).head) == 3


def test_full_disk_is_refused_before(
    people: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=1_000_000))
    path = tmp_path / "data" / "samples.h5"
    with pytest.raises(
        InputError, match=r"samples\.h5: found 1\.0 MB free in .*, expected 1\.2 MB"
    ):
        write_samples(people, tmp_path, 224, path, failures=0)
    assert not path.parent.exists()
    write_samples(people, tmp_path, 56, path, failures=0)
