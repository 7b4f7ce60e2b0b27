"""Whom pseudo-labels are made for."""

from pathlib import Path

import pandas as pd
import pytest

from gcdr.base.errors import InputError
from gcdr.data.manifest import BOX, build_manifest, write_table
from gcdr.refine.labels import people_of


def manifest_of(path: Path, *splits: str) -> Path:
    people = pd.DataFrame({"image": "a.png", "width": 64, "height": 48, "split": [*splits]})
    people[BOX] = [[row, 2, row + 9, 12] for row in range(len(splits))]
    write_table(build_manifest(people, "people"), path)
    return path


def test_everybody_is_labelled_but_those_of_whom_nobody_can_tell(tmp_path: Path) -> None:
    manifest = manifest_of(tmp_path / "some.parquet", "train", "ignore", "val", "test")
    assert people_of(manifest, None, "all").tolist() == [0, 2, 3]
    assert people_of(manifest, None, "test").tolist() == [3]
    with pytest.raises(InputError, match="no all people"):
        people_of(manifest_of(tmp_path / "none.parquet", "ignore"), None, "all")
