"""Files that were exchanged for others with an older date, which dates alone do not show."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gcdr.base.files import EDGE, file_mark
from gcdr.config.exchanged import exchanged_files, marks
from gcdr.data.manifest import BOX, build_manifest, people_digest, write_table
from gcdr.data.shown import of_labelled, split_identity
from gcdr.data.split import split_labels
from gcdr.data.stores import write_labels, write_prior

CONFIG = {
    "studies": {"own study": {"dataset": "own", "seed": 0}},
    "datasets": {"own": {"kind": "folder"}},
    "report": {"studies": ["own study"]},
    "galleries": [],
}
SPLIT = "own study/labels50-seed0/labels.parquet"
TEACHER = "own study/labels50-seed0/teachers/vat+vat/model.json"
OLD, MADE, NEW = 10**18, 11 * 10**17, 12 * 10**17  # nanoseconds


def people_of(count: int = 10) -> pd.DataFrame:
    rows = pd.DataFrame({name: [1.0] * count for name in BOX[:2]} | dict.fromkeys(BOX[2:], 9.0))
    rows = rows.assign(image=[f"{i}.jpg" for i in range(count)], width=20, height=20, split="train")
    return build_manifest(rows.assign(gaze_x=0.5, gaze_y=0.5, in_frame=True), "rows")


def write_json(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def write_split(results: Path, seed: int, date: int) -> None:
    people = people_of()
    write_table(split_labels(people, 50, 0, seed), results / SPLIT, people_digest(people), share=50)
    os.utime(results / SPLIT, ns=(date, date))


def write_manifest(results: Path, count: int, date: int) -> None:
    people, path = people_of(count), results / "data/own/manifest.parquet"
    write_table(people, path, people_digest(people))
    os.utime(path, ns=(date, date))


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Results of one study: a split, and everything that says under which one it was made."""
    write_manifest(tmp_path, 10, OLD)
    write_split(tmp_path, 0, OLD)
    people, folder = people_of(), (tmp_path / SPLIT).parent
    split, digest = split_identity(tmp_path / SPLIT), people_digest(people)
    one, maps = np.arange(1), np.full((1, 2, 2), 0.5)
    write_json(tmp_path / TEACHER, {"split": of_labelled(split)})
    write_json(folder / "teachers/given/model.json", {"split": None})
    write_json(folder / "metrics/vat+vat.json", {"split": split["digest"]})
    write_json(folder / "metrics/centre.json", {})
    write_json(folder / "students/odd/model.json", [])
    write_labels(
        folder / "pseudo/semi-vat+vat.h5",
        *(one, maps, one == 0, {}),
        people=digest,
        made_by={"split": split},
    )
    (folder / "test").mkdir()
    (folder / "test/damaged.h5").write_bytes(b"")
    write_prior(
        tmp_path / "data/own/priors/ofa.h5",
        *(one, maps[None], one == 0, {}),
        layers=[1],
        people=digest,
        made_by={},
    )
    for path in tmp_path.rglob("*"):
        if path.is_file() and path.name not in ("labels.parquet", "manifest.parquet"):
            os.utime(path, ns=(MADE, MADE))
    return tmp_path


def test_files_that_fit_are_nothing_to_say(results: Path) -> None:
    assert exchanged_files(CONFIG, results) == []
    assert exchanged_files(CONFIG, results / "nothing there") == []


def test_a_split_exchanged_for_an_older_one_is_named_with_what_to_do(results: Path) -> None:
    write_split(results, 1, OLD)
    (said,) = exchanged_files(CONFIG, results)
    assert said.startswith(f"{results / SPLIT}: another label split than ")
    assert f"{results / TEACHER} and 2 further was made from" in said
    assert f"`touch '{results / SPLIT}'`" in said and "\n" not in said
    write_split(results, 0, OLD)
    assert exchanged_files(CONFIG, results) == []


@pytest.mark.parametrize(
    "left", ["teachers/vat+vat/model.json", "metrics/vat+vat.json", "pseudo/semi-vat+vat.h5"]
)
def test_each_sort_of_artefact_tells_it_alone(results: Path, left: str) -> None:
    write_split(results, 1, OLD)
    folder = (results / SPLIT).parent
    for path in folder.rglob("*"):
        if path.is_file() and path not in (results / SPLIT, folder / left):
            path.unlink()
    (said,) = exchanged_files(CONFIG, results)
    assert str(folder / left) in said and "further" not in said


def test_what_snakemake_makes_again_by_itself_is_left_to_it(results: Path) -> None:
    write_split(results, 1, NEW)
    assert exchanged_files(CONFIG, results) == []
    # the split is newer than what all else follows, and older than the metrics
    os.utime(results / SPLIT, ns=(MADE - 1, MADE - 1))
    originals = (results / SPLIT).parent / "originals.h5"
    originals.write_bytes(b"")
    os.utime(originals, ns=(MADE - 2, MADE - 2))
    assert exchanged_files(CONFIG, results) == []
    originals.unlink()
    os.utime(results / TEACHER, ns=(MADE - 2, MADE - 2))  # which nobody may ask for any more
    (said,) = exchanged_files(CONFIG, results)
    assert "metrics/vat+vat.json" in said


def test_what_cannot_be_looked_at_is_left_to_who_reads_it(results: Path) -> None:
    folder = (results / SPLIT).parent
    (folder / "metrics/gone.json").symlink_to(results / "nothing")
    (folder / "metrics/loop.json").symlink_to(folder / "metrics/loop.json")
    (folder / "metrics/folder.json").mkdir()
    write_json(folder / "metrics/odd.json", {"split": [1]})
    (folder / "metrics/huge.json").write_text('{"split": ' + "9" * 5000 + "}")
    assert exchanged_files(CONFIG, results) == []


def test_studies_that_are_not_asked_for_are_not_looked_at(results: Path) -> None:
    write_split(results, 1, OLD)
    other = {"other": {"dataset": "own", "seed": 0}}
    config = CONFIG | {"studies": CONFIG["studies"] | other, "report": {"studies": ["other"]}}
    assert exchanged_files(config, results) == []


def test_a_manifest_exchanged_for_an_older_one_is_named(results: Path) -> None:
    write_manifest(results, 9, OLD)
    (said,) = exchanged_files(CONFIG, results)
    assert "manifest.parquet: another table of people than" in said
    assert f"{results / SPLIT} and 1 further" in said
    write_manifest(results, 9, NEW)
    assert exchanged_files(CONFIG, results) == []
    write_table(people_of(9), results / "data/own/manifest.parquet")  # by another hand: not known
    os.utime(results / "data/own/manifest.parquet", ns=(OLD, OLD))
    assert exchanged_files(CONFIG, results) == []


def test_users_files_are_told_by_content(tmp_path: Path) -> None:
    mine, fetched = str(tmp_path / "a.csv"), str(tmp_path / "b.pt")
    for path in (mine, fetched):
        Path(path).write_text("1")
    assert marks(["results/a.h5", "assets/world/a", "src/gcdr/a.py", fetched], [fetched]) == ""
    before = marks([mine, "results/a.h5"])
    assert before and marks([mine]) == before != marks([fetched])
    Path(mine).write_text("2")
    file_mark.cache_clear()  # a process reads a file once
    assert marks([mine]) != before
    assert file_mark(tmp_path / "absent") == ""


def test_of_a_large_file_both_ends_and_the_size_are_read(tmp_path: Path) -> None:
    path, found = tmp_path / "large", set()
    content = bytearray(3 * EDGE)
    for changed in (None, 0, len(content) - 1):
        if changed is not None:
            content[changed] += 1
        path.write_bytes(content)
        file_mark.cache_clear()
        found.add(file_mark(path, whole=EDGE))
    path.write_bytes(content + b"1")
    file_mark.cache_clear()
    assert len(found | {file_mark(path, whole=EDGE)}) == 4
