"""A label split that was exchanged is noticed by its content, whatever its date."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gcdr.base.errors import InputError
from gcdr.data.manifest import BOX, build_manifest, people_digest, write_table
from gcdr.data.shown import check_split, of_labelled, read_shown, split_identity, split_under
from gcdr.data.split import split_labels
from gcdr.data.stores import read_labels, write_labels


@pytest.fixture
def people() -> pd.DataFrame:
    rows = pd.DataFrame({name: [1.0 + (name[-2] == "x")] * 10 for name in BOX[:2]})
    rows[BOX[2]], rows[BOX[3]] = 9.0, 9.0
    rows = rows.assign(image=[f"{i}.jpg" for i in range(10)], width=20, height=20, split="train")
    return build_manifest(rows.assign(gaze_x=0.5, gaze_y=0.5, in_frame=True), "rows")


def write_split(people: pd.DataFrame, path: Path, seed: int) -> Path:
    table = split_labels(people, 50, 0, seed)
    write_table(table, path, people_digest(people), share=50, seed=seed)
    return path


def test_an_exchanged_split_is_told_from_the_one_before(
    people: pd.DataFrame, tmp_path: Path
) -> None:
    path = write_split(people, tmp_path / "labels.parquet", 0)
    before, stat = split_identity(path), path.stat()
    assert before["share"] == 50 and before["seed"] == 0
    assert split_identity(write_split(people, tmp_path / "again.parquet", 0)) == before
    check_split("the teacher", before, split_identity(path), path)
    write_split(people, path, 1)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns - 10**12))
    with pytest.raises(InputError, match="the teacher: made under another label split"):
        check_split("the teacher", before, split_identity(path), path)
    with pytest.raises(InputError, match="share 20, seed 0"):
        split_under("the student", before, {"share": 20, "seed": 0})
    assert split_under("a given model", None, {"share": 20, "seed": 0}) is None


def test_a_model_of_labels_goes_with_any_amount_of_unlabelled_people(
    people: pd.DataFrame, tmp_path: Path
) -> None:
    """Table S2: what has seen labels alone is made once for all amounts; what has not is told apart."""
    whole = write_split(people, tmp_path / "labels.parquet", 0)
    fewer = tmp_path / "fewer.parquet"
    table = split_labels(people, 50, 0, 0, unlabelled=20)
    write_table(table, fewer, people_digest(people), share=50, seed=0)
    all_of_it, part = split_identity(whole), split_identity(fewer)
    assert all_of_it["labelled"] == part["labelled"] and all_of_it["digest"] != part["digest"]
    check_split("the teacher", of_labelled(all_of_it), part, fewer)
    with pytest.raises(InputError, match="the student: made under another label split"):
        check_split("the student", all_of_it, part, fewer)
    other = split_identity(write_split(people, tmp_path / "other.parquet", 1))
    with pytest.raises(InputError, match="the teacher: made under another label split"):
        check_split("the teacher", of_labelled(all_of_it), other | {"seed": 0}, "other")


def test_a_split_of_other_people_is_refused(people: pd.DataFrame, tmp_path: Path) -> None:
    path = write_split(people, tmp_path / "labels.parquet", 0)
    other = people.assign(image="x" + people["image"])
    with pytest.raises(InputError, match="made for other people"):
        read_shown(path, people_digest(other))


def test_labels_made_under_another_split_are_refused(tmp_path: Path) -> None:
    made_by = {"split": {"digest": "one"}}
    maps, path = np.zeros((2, 4, 4)), tmp_path / "l.h5"
    write_labels(path, np.arange(2), maps, np.ones(2, bool), {}, people="p", made_by=made_by)
    read_labels(path, "p", split="one")
    with pytest.raises(InputError, match="made under another label split"):
        read_labels(path, "p", split="two")
