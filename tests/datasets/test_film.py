"""The people of own films: rows of a table, by film and frame."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from gcdr.base.errors import InputError
from gcdr.data.parquet import write_table
from gcdr.datasets.assemble import Dataset
from gcdr.datasets.check import summary
from gcdr.datasets.film import film_people_mark, read_film

HEADER = "sequence,frame,track,head_x0,head_y0,head_x1,head_y1,gaze_x,gaze_y,in_frame,split"
ROWS = [
    "a,0,left,10,10,20,20,0.5,0.25,,",
    "a.mp4,2,left,12,10,22,20,,,,",
    "a,2,right,60,10,70,20,,,false,test",
    "a,4,left,14,10,24,20,,,,",
    "b,8,left,30,30,40,40,,,,",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Every second frame of the films a, of six frames, and b, whose numbers are 7 and 8."""
    frames = [("a", n, n / 10, f"a/{n:06d}.png") for n in range(6)]
    frames += [("b", n, (n - 7) / 10, f"b/{n:06d}.png") for n in (7, 8)]
    table = pd.DataFrame(frames, columns=["sequence", "frame", "seconds", "image"])
    for name in table.loc[table["frame"] % 2 == 0, "image"]:
        (tmp_path / "frames" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (100, 50)).save(tmp_path / "frames" / name)
    left_out = table["frame"] % 2 == 1
    table.loc[left_out, "seconds"], table.loc[left_out, "image"] = np.nan, None
    write_table(table, tmp_path / "frames.parquet")
    (tmp_path / "frames.txt").write_text("a.mp4: ends early\nb: 1 of 2 frames taken\n")
    return tmp_path


def read(folder: Path, rows: list[str], header: str = HEADER) -> Dataset:
    (folder / "heads.csv").write_text("\n".join([header, *rows]) + "\n")
    files = ("frames", "frames.parquet", "frames.txt", "heads.csv")
    return read_film(*(folder / name for name in files))


def test_people_are_rows_of_tracks_with_their_labels(folder: Path) -> None:
    dataset = read(folder, ROWS)
    assert not dataset.problems.found
    people = dataset.manifest
    assert people["image"].tolist() == [
        "a/000000.png", "a/000002.png", "a/000002.png", "a/000004.png", "b/000008.png"
    ]  # fmt: skip
    assert people["sequence"].tolist() == ["a"] * 4 + ["b"]
    assert people["track"].tolist() == ["left", "left", "right", "left", "left"]
    assert people["frame"].tolist() == [0, 2, 2, 4, 8]
    assert people["split"].tolist() == ["train", "train", "test", "train", "train"]
    assert people["gaze_x"].tolist()[0] == 0.5 and people["in_frame"].tolist()[2] is False
    said = summary(dataset, 0)
    assert "  films       a.mp4: ends early\n              b: 1 of 2 frames taken\n" in said
    assert "3 in 2 sequences, 1 to 3 frames long" in said


def test_rows_of_frames_that_are_not_there_are_left_out_and_counted(folder: Path) -> None:
    odd = "a,{},left,10,10,20,20,,,,"
    labelled = "a,5,left,10,10,20,20,,,false,"
    dataset = read(folder, [*ROWS, *(odd.format(n) for n in (1, 3, 9, 2.5)), labelled])
    assert len(dataset.manifest) == 5 and not dataset.problems.errors
    by_kind = {problem.kind: problem for problem in dataset.problems.warnings}
    assert {kind: problem.count for kind, problem in by_kind.items()} == {
        "of a frame that its film has not, left out": 2,
        "of a frame that was not taken (thinned out, or unreadable), left out": 2,
        "with a label, of a frame that was not taken (thinned out, or unreadable), left out": 1,
    }
    line = by_kind["of a frame that its film has not, left out"].lines()[0]
    assert "heads.csv, line 9, frame: found 9; expected a frame of the film" in line
    assert [problem.kind for problem in read(folder, [odd.format(1)]).problems.errors] == [
        "no people"
    ]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("c,0,left,1,1,9,9,,,,", "line 2, sequence: found 'c'; expected the name of a film: a, b"),
        ("a,x,left,1,1,9,9,,,,", "line 2, frame: found 'x'; expected a whole number from 0 on"),
        ("a,0,left,1,1,9,9,0.5,,,", "line 2, gaze_x, gaze_y: found (0.5, nan)"),
        ("a,0,left,101,1,109,9,,,,", "line 2, head box and image size: found (101, 1, 109, 9, "),
        ("a,2,left,1,1,9,9,,,,\na,2,left,20,1,29,9,,,,", "line 3, track: found 'left'"),
    ],
)
def test_wrong_rows_are_named_as_they_stand_in_the_users_table(
    folder: Path, row: str, said: str
) -> None:
    with pytest.raises(InputError) as error:
        read(folder, [row]).problems.stop("films")
    assert said in str(error.value)


def test_heads_without_tracks_are_linked_and_one_film_needs_no_name(folder: Path) -> None:
    columns = "frame,head_x0,head_y0,head_x1,head_y1"
    rows = ["0,10,10,20,20", "2,12,10,22,20", "2,60,10,70,20", "4,14,10,24,20"]
    assert "2 films" in read(folder, rows, columns).problems.errors[0].expected
    frames = pd.read_parquet(folder / "frames.parquet")
    write_table(frames[frames["sequence"] == "a"], folder / "frames.parquet")
    people = read(folder, rows, columns).manifest
    assert people["track"].tolist() == ["person-1", "person-1", "person-2", "person-1"]


def test_people_are_the_same_whatever_is_said_of_where_they_look(folder: Path) -> None:
    table = folder / "heads.csv"
    read(folder, ROWS)
    mark = film_people_mark(table)
    table.write_text(table.read_text().replace("0.5,0.25,,", ",,false,"))
    assert film_people_mark(table) == mark
    table.write_text(table.read_text().replace("left,10,10", "left,11,10"))
    assert film_people_mark(table) != mark


def test_a_film_is_the_one_of_that_very_name(folder: Path) -> None:
    """What stands behind a dot of a name is no ending, unless it is that of a video."""
    frames = pd.read_parquet(folder / "frames.parquet")
    called = {"a": "P1.camA", "b": "2024.05.01 lab"}
    write_table(frames.assign(sequence=frames["sequence"].map(called)), folder / "frames.parquet")
    row = "{},0,{},10,10,20,20,,,,"
    right = ["P1.camA", "P1.camA.MP4", "2024.05.01 lab.mov"]
    rows = [row.format(name, place) for place, name in enumerate(right)]
    rows[2] = rows[2].replace(",0,", ",8,", 1).replace("10,10,20,20", "30,30,40,40")
    rows[1] = rows[1].replace("10,10,20,20", "40,10,50,20")
    dataset = read(folder, rows)
    assert not dataset.problems.found
    assert dataset.manifest["sequence"].tolist() == ["P1.camA", "P1.camA", "2024.05.01 lab"]
    for wrong in ("P1.camC", "P1", "P1.camA.txt", "2024.05.02 lab", "2024.05"):
        (problem,) = read(folder, [row.format(wrong, 1), *rows]).problems.errors
        assert (
            f"line 2, sequence: found {wrong!r}; expected the name of a film: P1.camA"
            in (problem.lines()[0])
        )
