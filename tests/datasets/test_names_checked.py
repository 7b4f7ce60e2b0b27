"""What is wrong with names, objects and their boxes: a kind and a number each."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from gcdr.data.manifest import OBJECT
from gcdr.datasets.assemble import Dataset
from gcdr.datasets.gazehoi import COLUMNS
from gcdr.datasets.layout import recognise
from gcdr.datasets.read import read_dataset

NAMES = ["ball", "cat", "cup", "dog", "hat", "pen"]


def counts(dataset: Dataset, fatal: bool) -> dict[str, int]:
    found = dataset.problems.errors if fatal else dataset.problems.warnings
    return {problem.kind: problem.count for problem in found}


def write_hoi(folder: Path, **changed: dict[int, object]) -> Dataset:
    """Eight training people, of whom some rows are changed by column; two in a test file."""
    rows = []
    (folder / "images").mkdir(parents=True, exist_ok=True)
    for number in range(10):
        Image.new("RGB", (160, 120)).save(folder / f"images/{number}.png")
        place = [80, 40, 140, 100, 110, 70, 10, 10, 50, 50]
        rows.append([f"{number}.png", number, "cup", "[]", *place])
    table = pd.DataFrame(rows, columns=COLUMNS, dtype=object)
    for column, values in changed.items():
        for row, value in values.items():
            table.loc[row, column] = value
    table[:8].to_csv(folder / "gazehoi-train.csv", index=False)
    table[8:].to_csv(folder / "gazehoi-test.csv", index=False)
    return read_dataset(recognise(folder))


def test_objects_are_checked_by_kind(tmp_path: Path) -> None:
    (tmp_path / "vocab2id.json").write_text(json.dumps({one: i for i, one in enumerate(NAMES)}))
    ends = zip(COLUMNS[4:8], (-1, -1, -1, -1), strict=True)
    dataset = write_hoi(
        tmp_path,
        **{column: {1: value} for column, value in ends},
        oc_x={2: 20},
        h_xmin={3: -1},
        object={8: "zebra"},
    )
    assert not dataset.problems.errors
    assert counts(dataset, fatal=False) == {
        "without an object's box, scored without it": 1,
        "centre outside its object's box, taken as it is": 1,
        "head box with a -1, taken as a place": 1,
        "object that the vocabulary has not, no name": 1,
    }
    people = dataset.manifest.set_index("image")
    assert np.isnan(people.loc["images/1.png", OBJECT].astype(float)).all()
    assert people.loc["images/8.png", "label"] == "zebra"


def test_objects_that_are_none_are_refused(tmp_path: Path) -> None:
    dataset = write_hoi(tmp_path, o_xmax={0: 20, 4: 80}, object={1: ""})
    assert counts(dataset, fatal=True) == {
        "object's box without area": 2,
        "object without a name": 1,
    }
    lines = [line for one in dataset.problems.errors for line in one.lines()]
    assert any(
        "line 2, o_xmin: found (80, 40, 20, 100); expected o_xmin < o_xmax" in x for x in lines
    )
    moved = write_hoi(tmp_path, oc_x=dict.fromkeys(range(8), 0.5))
    assert counts(moved, fatal=True) == {"centre outside its object's box": 8}, "of other units"
    heads = {column: dict.fromkeys(range(8), -1) for column in COLUMNS[-4:]}
    assert counts(write_hoi(tmp_path, **heads), fatal=True) == {"no head": 1}


@pytest.mark.parametrize(
    "text", ['{"cup": 1, "ball": 0}', '{"cup": 0, "ball": 1}', '{"a": 0, "a": 1}']
)
def test_a_bad_vocabulary_is_a_problem_once(tmp_path: Path, text: str) -> None:
    """Labels are not held to what is none; the first of these is one."""
    (tmp_path / "vocab2id.json").write_text(text)
    right = text.startswith('{"cup": 1')
    assert counts(write_hoi(tmp_path), fatal=True) == ({} if right else {"vocabulary": 1})
    assert counts(write_hoi(tmp_path), fatal=False) == {}


def test_predictions_of_nobody_and_second_ones_are_counted(tmp_path: Path) -> None:
    head = "path,pid,gp_pred_x,gp_pred_y\n"
    first = "0.png,0,0.6,0.5\n"
    (tmp_path / "gaze-predictions.csv").write_text(
        f"{head}{first}0.png,0,0.8,0.7\n9.png,77,0.5,0.5\nx.png,1,0.5,0.5\n"
    )
    dataset = write_hoi(tmp_path)
    assert not dataset.problems.errors
    assert counts(dataset, fatal=False) == {
        "second prediction of a person, left out": 1,
        "prediction of nobody with a head, left out": 2,
    }
    point = dataset.manifest.set_index("image").loc["images/0.png", ["gaze_x", "gaze_y"]]
    assert point.astype(float).tolist() == pytest.approx([0.6, 0.5]), "the first one"
    (tmp_path / "gaze-predictions.csv").write_text(f"{head}x.png,1,0.5,0.5\n")
    found = counts(write_hoi(tmp_path), fatal=True)
    assert found == {"prediction of nobody with a head, left out": 1}


def write_semgaze(folder: Path, labels: str, split: str = "train", names: object = None) -> Dataset:
    """A training person, and three test people of two annotators each, the first with these labels."""
    for name in ("train/0.png", *(f"test2/{number}.png" for number in range(3))):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (160, 120)).save(folder / name)
    place = "0,0,1,1,.2,.2,.6,.5,16,12,48,48"
    (folder / "train_annotations_new.txt").write_text(f"train/0.png,0,{place},1,s,m\n")
    tests = [f"test2/{number}.png,{number},{place},s,m\n" for number in (0, 0, 1, 1, 2, 2)]
    (folder / "test_annotations_release.txt").write_text("".join(tests))
    (folder / "gaze-labels-train.csv").write_text(
        f"path,id,split,gaze_pseudo_label,label_id\ntrain/0.png,0,{split},cup,2\n"
    )
    (folder / "gaze-labels-test.csv").write_text(
        "path,eyes_closed,outside_frame,uncertain,gaze_gt_labels,gaze_gt_label,label_id,test_label_id\n"
        f"test2/0.png,{labels},0\n"
        "test2/1.png,0,0,0,cup,cup,2,0\ntest2/2.png,0,0,1,cup-hat,cup,2,0\n"
    )
    content = {one: i for i, one in enumerate(NAMES)} if names is None else names
    (folder / "vocab2id.json").write_text(json.dumps(content))
    return read_dataset(recognise(folder))


@pytest.mark.parametrize(
    ("labels", "said", "fatal"),
    [
        ("0,0,0,cup-hat,ball,0", "label that is none of those accepted, taken as it is", False),
        ("0,0,0,cup-cup,cup,2", "accepted label twice, counted once", False),
        (
            "0,0,0,cup-cat-ball-dog-hat-pen,cup,2",
            "more accepted labels than the paper has, all accepted",
            False,
        ),
        ("2,0,0,cup,cup,2", "not a flag", True),
        ("0,0.3,0,cup,cup,2", "not a flag", True),
        ("0,0,-1,cup,cup,2", "not a flag", True),
    ],
)
def test_accepted_labels_and_flags_are_checked(
    tmp_path: Path, labels: str, said: str, fatal: bool
) -> None:
    dataset = write_semgaze(tmp_path, labels)
    assert counts(dataset, fatal) == {said: 1} and counts(dataset, not fatal) == {}
    (note,) = (line for line in dataset.notes if "test" in line)
    assert "3 of 3 people with a name" in note and "1 uncertain" in note, "people, not annotators"
    if "twice" in said:
        assert "cup" in dataset.manifest["accepted"].tolist()


def test_a_label_of_another_split_is_said(tmp_path: Path) -> None:
    dataset = write_semgaze(tmp_path, "0,0,0,cup,cup,2", split="val")
    assert counts(dataset, fatal=False) == {"label of another split, taken as of its file": 1}


def test_a_bad_vocabulary_does_not_flood(tmp_path: Path) -> None:
    dataset = write_semgaze(tmp_path, "0,0,0,cup,cup,2", names=["ball"])
    assert counts(dataset, fatal=True) == {"vocabulary": 1} and counts(dataset, False) == {}
