"""What is wrong with names, objects and their boxes: a kind and a number each."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from gcdr.base.errors import InputError
from gcdr.data.manifest import OBJECT
from gcdr.datasets.assemble import Dataset
from gcdr.datasets.check import summary
from gcdr.datasets.gazehoi import COLUMNS, training_points
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
    refused = write_hoi(tmp_path)
    assert counts(refused, fatal=True) == {"prediction of nobody with a head, left out": 1}
    (line,) = refused.problems.errors[0].lines()
    assert "line 2, path, pid: found ('images/x.png', '1'); expected file_name and pair_id" in line


def test_an_object_is_large_beside_the_shorter_side_of_its_picture() -> None:
    """Three tenths of 120 pixels are 36, of 160 they are 48; the longer side of an object counts."""
    box = np.array(
        [[80, 40, 80 + wide, 40 + high] for wide, high in ((40, 20), (20, 40), (35, 35))]
    )
    predicted, size = np.tile([0.52, 0.45], (3, 1)), np.tile([160, 120], (3, 1))
    found = training_points(np.zeros((3, 2)), box, size, predicted)
    assert found == pytest.approx(np.array([[83.2, 54]] * 2 + [[0, 0]]))
    predicted[:, 1] = 0.9
    assert not training_points(np.zeros((3, 2)), box, size, predicted).any(), "outside the boxes"


def test_predictions_in_pixels_are_refused(tmp_path: Path) -> None:
    """One that lies beyond the picture is left out, unlike most of a file."""
    file = tmp_path / "gaze-predictions.csv"
    lines = ["path,pid,gp_pred_x,gp_pred_y", "0.png,0,96,60", "1.png,1,0.6,0.5", "2.png,2,0.6,0.5"]
    file.write_text("\n".join(lines[:2]))
    kind = "prediction outside the image, left out"
    assert counts(write_hoi(tmp_path), fatal=True) == {kind: 1}
    file.write_text("\n".join(lines))
    dataset = write_hoi(tmp_path)
    assert not dataset.problems.errors and counts(dataset, fatal=False) == {kind: 1}
    points = dataset.manifest.set_index("image")["gaze_x"]
    assert points["images/0.png"] == pytest.approx(110 / 160) and points["images/1.png"] == 0.6


def test_objects_that_leave_their_pictures_are_said(tmp_path: Path) -> None:
    """The pictures have 160 x 120 pixels."""
    dataset = write_hoi(tmp_path, o_xmax={0: 165}, o_ymin={8: -3})
    assert counts(dataset, fatal=False) == {"object's box beyond the image, kept": 2}
    assert not dataset.problems.errors and len(dataset.manifest) == 10
    away = {"o_xmin": {0: 900}, "o_xmax": {0: 950}, "oc_x": {0: 925, 1: 170}}
    problems = write_hoi(tmp_path, **away).problems
    (box,), (centre,) = (problem.lines() for problem in problems.errors)
    assert "line 2, o_xmin to o_ymax and image size: found (900, 40, 950, 100, 160, 120)" in box
    assert "line 3, oc_x, oc_y and image size: found (170, 70, 160, 120)" in centre
    assert not problems.warnings, "each is said once"


def test_objects_in_fractions_of_their_pictures_are_refused(tmp_path: Path) -> None:
    places = dict(zip(COLUMNS[4:10], (0.5, 0.3, 0.9, 0.8, 0.7, 0.5), strict=True))
    dataset = write_hoi(
        tmp_path, **{name: dict.fromkeys(range(10), x) for name, x in places.items()}
    )
    assert counts(dataset, fatal=True) == {"object's boxes look like fractions of the image": 10}
    assert "o_xmin (all are within 0..1" in dataset.problems.errors[0].lines()[0]


def test_people_without_an_object_anywhere_are_left_out(tmp_path: Path) -> None:
    nothing = {name: {1: -1, 8: -1} for name in COLUMNS[4:10]}
    dataset = write_hoi(tmp_path, **nothing)
    assert not dataset.problems.errors and len(dataset.manifest) == 8
    assert counts(dataset, fatal=False) == {"without an object's box and centre, left out": 2}
    everybody = {name: dict.fromkeys(range(10), -1) for name in nothing}
    found = counts(write_hoi(tmp_path, **everybody), fatal=True)
    assert found == {"without an object's box and centre, left out": 10}


def test_objects_of_which_the_vocabulary_has_none_are_refused(tmp_path: Path) -> None:
    (tmp_path / "vocab2id.json").write_text(json.dumps({one: i for i, one in enumerate(NAMES)}))
    found = write_hoi(tmp_path, object=dict.fromkeys(range(8), "Cup"))
    assert counts(found, fatal=True) == {"object that the vocabulary has not, no name": 8}


@pytest.mark.parametrize("both", [True, False])
def test_a_table_of_objects_in_another_encoding_is_refused(tmp_path: Path, both: bool) -> None:
    write_hoi(tmp_path)
    broken = ["test", "train"] if both else ["train"]
    for split in broken:
        path = tmp_path / f"gazehoi-{split}.csv"
        path.write_text(path.read_text(), encoding="utf-16")
    dataset = read_dataset(recognise(tmp_path))
    assert dataset.kind == "gazehoi"
    lines = [line for problem in dataset.problems.errors for line in problem.lines()]
    said = "found UTF-16 text; expected UTF-8 text"
    assert lines == [f"{tmp_path / f'gazehoi-{split}.csv'}: {said}" for split in broken]


def test_no_table_of_objects_vanishes(tmp_path: Path) -> None:
    """A misspelt header is refused, capitals are read, what has no split in its name is said."""
    write_hoi(tmp_path)
    train, test = (tmp_path / f"gazehoi-{split}.csv" for split in ("train", "test"))
    test.write_text(test.read_text().replace("h_xmin", "hxmin", 1))
    train.rename(train := tmp_path / "GazeHOI_Train.CSV")
    problems = read_dataset(recognise(tmp_path)).problems
    assert "no column 'h_xmin' in line 1 (is 'hxmin' meant?)" in problems.errors[0].lines()[0]
    test.write_text(test.read_text().replace("hxmin", "h_xmin", 1))
    dataset = read_dataset(recognise(tmp_path))
    assert not dataset.problems.found
    assert dataset.manifest["split"].value_counts().to_dict() == {"train": 8, "test": 2}
    (copy := tmp_path / "train (1).csv").write_bytes(train.read_bytes())
    (line,) = read_dataset(recognise(tmp_path)).problems.errors[0].lines()
    assert f"{copy}: found the split train again, after GazeHOI_Train.CSV; expected one" in line
    copy.unlink()
    train.rename(tmp_path / "gazehoitrain.csv")
    (warning,) = read_dataset(recognise(tmp_path)).problems.found
    assert warning.kind == "CSV of no split, left out" and not warning.fatal
    test.rename(tmp_path / "objects.csv")
    with pytest.raises(InputError, match="no annotations; expected CSVs with pair_id"):
        read_dataset(recognise(tmp_path))


def test_a_missing_first_picture_hides_no_folder(tmp_path: Path) -> None:
    write_hoi(tmp_path)
    (tmp_path / "images/8.png").unlink()  # the first of the test file, which comes first
    (problem,) = read_dataset(recognise(tmp_path)).problems.found
    assert problem.count == 1 and "'images/8.png'" in problem.lines()[0]


def test_a_file_is_no_folder_of_a_data_set(tmp_path: Path) -> None:
    file = tmp_path / "vocab2id.json"
    file.write_text("{}")
    with pytest.raises(InputError, match=r"json: a file; expected the folder of a data set"):
        recognise(file)


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
        ("yes,0,0,cup,cup,2", "not a number", True),
        ("0,0,0,cup-zebra,cup,2", "accepted label that the vocabulary has not, left out", False),
        ("0,0,0,cup,cup,", "label without a number", True),
    ],
)
def test_accepted_labels_and_flags_are_checked(
    tmp_path: Path, labels: str, said: str, fatal: bool
) -> None:
    dataset = write_semgaze(tmp_path, labels)
    assert counts(dataset, fatal) == {said: 1} and counts(dataset, not fatal) == {}
    (note,) = (line for line in dataset.notes if "test" in line)
    assert "3 of 3 people with a name" in note and "1 uncertain" in note, "people, not annotators"
    if "twice" in said or "zebra" in labels:
        assert "cup" in dataset.manifest["accepted"].tolist()


def test_a_label_of_another_split_is_said(tmp_path: Path) -> None:
    dataset = write_semgaze(tmp_path, "0,0,0,cup,cup,2", split="val")
    assert counts(dataset, fatal=False) == {"label of another split, taken as of its file": 1}


def test_a_bad_vocabulary_does_not_flood(tmp_path: Path) -> None:
    dataset = write_semgaze(tmp_path, "0,0,0,cup,cup,2", names=["ball"])
    assert counts(dataset, fatal=True) == {"vocabulary": 1} and counts(dataset, False) == {}


def test_flags_in_words_and_no_name_at_all_are_read(tmp_path: Path) -> None:
    dataset = write_semgaze(tmp_path, "True,FALSE,true,,,")
    assert not dataset.problems.found
    (note,) = (line for line in dataset.notes if "test" in line)
    assert "2 of 3 people with a name, 1 eyes_closed, 0 outside_frame, 2 uncertain" in note
    people = dataset.manifest.set_index("image")
    assert people.loc["test2/0.png", ["label", "accepted"]].isna().all()
    said = summary(dataset, 0)
    assert "  names       gaze-labels-train.csv: 1 of 1" in said and "films" not in said


def test_labels_that_the_vocabulary_has_not_are_counted(tmp_path: Path) -> None:
    dataset = write_semgaze(tmp_path, "0,0,0,zebra,zebra,7")
    assert not dataset.problems.errors
    assert counts(dataset, fatal=False) == {
        "label that the vocabulary has not, no name": 1,
        "accepted label that the vocabulary has not, left out": 1,
    }
    assert "2 of 3 people with a name" in dataset.notes[1]
    path = tmp_path / "gaze-labels-test.csv"
    path.write_text(path.read_text().replace("cup", "mug").replace("hat", "cap"))
    assert counts(read_dataset(recognise(tmp_path)), fatal=True) == {
        "label that the vocabulary has not, no name": 3,
        "accepted label that the vocabulary has not, left out": 3,
    }, "nobody has a name"
