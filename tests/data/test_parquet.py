"""Tables come back as they were written, and one that unpacks to more than memory holds is refused."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from gcdr.base.errors import InputError
from gcdr.data.parquet import read_table, write_table

ROWS = 80_000


def forged(path: Path, columns: dict[str, pa.Array], likeness: pd.DataFrame) -> Path:
    """A file that says of itself what a sound table of the same columns would."""
    write_table(likeness, path)
    told = parquet.read_schema(path).metadata
    table = pa.table({"sample_id": np.arange(ROWS), **columns})
    with parquet.ParquetWriter(path, table.schema, store_schema=False) as file:
        file.write_table(table)
        file.add_key_value_metadata(told)
    return path


def test_text_numbers_and_gaps_come_back(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {
            "sample_id": [1, 2, 5],
            "image": ["a" * 300, "ü.png", "a" * 300],
            "label": ["ball", None, pd.NA],
            "nothing": [None] * 3,
            "gaze_x": [0.5, np.nan, 1.0],
            "in_frame": pd.array([True, None, False], "boolean"),
        }
    )
    write_table(table, tmp_path / "t.parquet")
    found = read_table(tmp_path / "t.parquet")
    pd.testing.assert_frame_equal(found, pd.read_parquet(tmp_path / "t.parquet"))
    assert found["label"].isna().tolist() == [False, True, True]
    assert found["image"].tolist() == table["image"].tolist()
    assert read_table(tmp_path / "t.parquet", [], ["gaze_x"]).columns.tolist() == ["gaze_x"]


def test_a_text_in_every_row_that_unpacks_to_80_gb_is_refused(tmp_path: Path) -> None:
    """It is in the file once."""
    once = pa.DictionaryArray.from_arrays(np.zeros(ROWS, np.int32), ["x" * 1_000_000])
    likeness = pd.DataFrame({"sample_id": [1], "label": ["x"]})
    path = forged(tmp_path / "t.parquet", {"label": once}, likeness)
    assert path.stat().st_size < 2_000_000
    with pytest.raises(InputError, match=r"'label' claims 80,000,000,000 bytes of text"):
        read_table(path)
    with pytest.raises(InputError, match="not what was written"):
        read_table(path, ["sample_id"])


@pytest.mark.slow
def test_other_things_than_numbers_and_text_are_not_unpacked(tmp_path: Path) -> None:
    likeness = pd.DataFrame({"sample_id": [1], "label": ["x"]})
    many = {
        "lists": pa.array([[0] * 1000] * ROWS),
        "blocks": pa.array([b"x" * 1000] * ROWS, pa.binary(1000)),
    }
    for name, column in many.items():
        path = forged(tmp_path / f"{name}.parquet", {"label": column}, likeness)
        with pytest.raises(InputError, match="expected numbers or text"):
            read_table(path)
