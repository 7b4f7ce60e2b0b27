"""GazeFollow with names and GazeHOI: reference items, and what is wrong with files in one line each."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from golden_rule import assert_near
from PIL import Image
from semgaze_rule import SemgazeGoldens, annotators_map, semgaze_targets

from gcdr.base.errors import InputError
from gcdr.data.manifest import BOX, OBJECT
from gcdr.data.semgaze_items import (
    SemanticItem,
    context_heads,
    grown_boxes,
    semantic_item,
    squared_boxes,
)
from gcdr.data.vocabulary import label_ids, parted_names, read_vocabulary
from gcdr.datasets.assemble import Dataset
from gcdr.datasets.layout import recognise
from gcdr.datasets.read import read_dataset
from gcdr.models.semgaze_config import SemgazeConfig
from gcdr.models.semgaze_loss import gaze_vectors

PIXELS = (640, 480)
FILES = (
    *("val_annotations_new.txt", "test_annotations_release.txt"),
    *("gaze-labels-val.csv", "gaze-labels-test.csv"),
)
VOCABULARY = {"ball": 0, "cat": 1, "cup": 2, "person": 3}


@pytest.fixture(scope="module")
def reference(goldens: Callable[[str], Path]) -> SemgazeGoldens:
    return SemgazeGoldens(goldens)


def write_named(folder: Path, inputs: dict[str, Any], picture: Callable[[str], np.ndarray]) -> None:
    """The folder that the reference values were made from."""
    for name in FILES:
        (folder / name).write_text(inputs[name])
    (folder / "vocab2id.json").write_text(json.dumps(inputs["vocab"]))
    for name in ("train/00000000/a.png", "train/00000000/b.png", "test2/00000000/c.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture(name)).save(folder / name)


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory, reference: SemgazeGoldens) -> Path:
    folder = tmp_path_factory.mktemp("named")
    inputs = reference.arrays("data")["meta"]["inputs"]
    write_named(folder, inputs, lambda name: reference.picture(f"data.{name}", 480, 640))
    return folder


def read(folder: Path) -> Dataset:
    found = read_dataset(recognise(folder))
    assert not found.problems.errors, found.problems.errors
    return found


def check_item(content: dict[str, Any], name: str, item: SemanticItem, told: dict) -> None:
    config = SemgazeConfig()
    image, heads = item.normalised(config.mean, config.std)
    assert_near(torch.from_numpy(image[:, ::8, ::8].copy()), content[f"{name}.image"], 1e-5)
    assert_near(torch.from_numpy(heads[:, :, ::8, ::8].copy()), content[f"{name}.heads"], 1e-5)
    assert item.boxes == pytest.approx(np.array(told["head_bboxes"]), abs=1e-6)
    assert int(item.present.sum()) == len([box for box in told["head_bboxes"] if any(box)])


@pytest.mark.golden
def test_items_equal_the_reference(reference: SemgazeGoldens, named: Path) -> None:
    content = reference.arrays("data")
    meta = content["meta"]
    detected = np.array(meta["inputs"]["head_detections_of_every_image"])
    people = read(named).manifest
    val = people[people["split"] == "val"]
    assert len(val) == meta["val_length"]
    gaze = val["gaze_x"].to_numpy()
    rows = {
        "val0": val[val["label"] == "cat"].iloc[0],
        "val1": val[(val["label"] != "cat") & np.isfinite(gaze)].iloc[0],
        "val2": val[~np.isfinite(gaze)].iloc[0],
    }
    for name, told in meta["items"].items():
        if name.startswith("test"):
            continue
        row, places = rows[name[:4]], int(name[-1])
        image = Image.open(named / row["image"])
        head = grown_boxes(row[BOX].to_numpy(float)[None], PIXELS)
        heads = np.concatenate([context_heads(detected, head[0]), head])
        item = semantic_item(image, heads[-places:] if places == 1 else heads, places)
        check_item(content, name, item, told)
        assert row["image"] == told["path"]
        assert ("" if pd.isna(row["label"]) else row["label"]) == told["gaze_label"]
        assert bool(row["in_frame"]) == (told["inout"] == 1)
        assert label_ids([row["label"]], tuple(meta["inputs"]["vocab"])) == told["gaze_label_id"]
        point = row[["gaze_x", "gaze_y"]].to_numpy(float)
        sentinel = np.nan_to_num(point, nan=-1.0)
        box = torch.from_numpy(item.boxes[-1:])
        vector = gaze_vectors(torch.tensor(sentinel[None], dtype=torch.float32), box)
        assert vector[0].tolist() == pytest.approx(told["gaze_vec"], abs=1e-6)
        maps = semgaze_targets(torch.tensor(point[None]))[0]
        assert_near(maps, content[f"{name}.heatmap"], 1e-6)


@pytest.mark.golden
def test_a_test_item_equals_the_reference(reference: SemgazeGoldens, named: Path) -> None:
    content = reference.arrays("data")
    told = content["meta"]["items"]["test0"]
    dataset = read(named)
    (row,) = dataset.manifest[dataset.manifest["split"] == "test"].to_dict("records")
    assert row["label"] == "cup" and row["accepted"] == "cup|ball"
    ids = label_ids(row["accepted"].split("|"), tuple(content["meta"]["inputs"]["vocab"]))
    assert ids.tolist() == [one for one in told["gaze_label_ids"] if one >= 0]
    points = dataset.annotations[["gaze_x", "gaze_y"]].to_numpy()
    assert points == pytest.approx(np.array(told["gaze_pt"])[:6], abs=1e-7)
    head = grown_boxes(np.array([[row[name] for name in BOX]]), PIXELS)
    item = semantic_item(Image.open(named / row["image"]), head)
    check_item(content, "test0", item, told)
    assert_near(annotators_map(torch.tensor(points)), content["test0.heatmap"], 1e-6)
    said = "gaze-labels-test.csv: 1 of 1 people with a name, 0 eyes_closed, 0 outside_frame, 0 uncertain"
    assert said in dataset.notes


@pytest.mark.golden
def test_boxes_equal_the_reference(reference: SemgazeGoldens) -> None:
    content = reference.arrays("data")
    size = content["meta"]["boxes_image_wh"]
    grown = grown_boxes(content["boxes"].astype(float), size)
    assert grown == pytest.approx(content["boxes_expanded"], abs=1e-4)
    squared = squared_boxes(grown)
    assert squared == pytest.approx(content["boxes_squared"], abs=1e-4)
    assert np.array_equal(squared.astype(int), content["boxes_crop_ints"])


@pytest.mark.golden
def test_objects_equal_the_reference(reference: SemgazeGoldens, tmp_path: Path) -> None:
    told = reference.arrays("data")["meta"]["gazehoi"]
    (tmp_path / "images").mkdir()
    picture = Image.fromarray(reference.picture("data.train/00000000/a.png", 480, 640))
    picture.save(tmp_path / "images/a.png")
    (tmp_path / "gaze-predictions.csv").write_text(told["gaze-predictions.csv"])
    for split in ("val", "train"):
        for old in tmp_path.glob("gazehoi*.csv"):
            old.unlink()
        (tmp_path / f"gazehoi-{split}.csv").write_text(told["annotations"])
        dataset = read(tmp_path)
        people = dataset.manifest.sort_values("label", ascending=False)
        assert len(people) == told[f"{split}_length"]
        (warning,) = dataset.problems.warnings
        assert warning.kind == "without a head, left out" and warning.count == 1
        for number, row in enumerate(people.to_dict("records")):
            item = told["items"][f"{split}{number}"]
            point = np.array([row["gaze_x"], row["gaze_y"]])
            assert point == pytest.approx(item["gaze_pt"], abs=1e-6)
            assert row["label"] == item["gaze_label"]
            box = np.array([row[name] for name in OBJECT]) / np.tile(PIXELS, 2)
            assert box == pytest.approx(item["obj_bbox"], abs=1e-6)
            head = grown_boxes(np.array([[row[name] for name in BOX]]), PIXELS)
            boxes = torch.from_numpy(semantic_item(picture, head).boxes)
            assert boxes[0].tolist() == pytest.approx(item["head_bboxes"][0], abs=1e-6)
            vector = gaze_vectors(torch.tensor(point[None], dtype=torch.float32), boxes)
            assert vector[0].tolist() == pytest.approx(item["gaze_vec"], abs=1e-6)


def plain(name: str) -> np.ndarray:
    return np.full((480, 640, 3), len(name), np.uint8)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A folder of labels with hyphens in their names."""
    names = ["ball", "cup", "shirt", "t-shirt"]
    inputs = {
        "vocab": {name: number for number, name in enumerate(names)},
        "val_annotations_new.txt": "train/00000000/a.png,7,0,0,1,1,.5,.2,.5,.5,10,10,50,50,1,s,m\n",
        "test_annotations_release.txt": "test2/00000000/c.png,0,0,0,1,1,.5,.2,.5,.5,10,10,50,50,s,m\n",
        "gaze-labels-val.csv": "path,id,split,gaze_pseudo_label,label_id\n"
        "train/00000000/a.png,7,val,t-shirt,3\n",
        "gaze-labels-test.csv": "path,eyes_closed,outside_frame,uncertain,gaze_gt_labels,"
        "gaze_gt_label,label_id,test_label_id\ntest2/00000000/c.png,0,0,1,t-shirt-cup,t-shirt,3,0\n",
    }
    write_named(tmp_path, inputs, plain)
    return tmp_path


def test_names_with_hyphens_survive(small: Path) -> None:
    dataset = read(small)
    people = dataset.manifest.set_index("split")
    assert people.loc["val", "label"] == "t-shirt"
    assert people.loc["test", "accepted"] == "t-shirt|cup"
    assert any("1 uncertain" in line for line in dataset.notes)
    names = ["ball", "cup", "shirt", "t", "t-shirt"]
    assert parted_names("cup-shirt-ball", names) == (("cup", "shirt", "ball"), False)
    assert parted_names("cup-t-shirt", names) == (("cup", "t-shirt"), False), (
        "as few as there can be"
    )
    assert parted_names("sofa-t-shirt-cup-", names) == (("t-shirt", "cup"), True)
    assert parted_names("cup-t", ["cup"]) == (("cup",), True)
    assert parted_names("", ["cup"]) == ((), True)


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        (
            "vocab2id.json",
            ('"ball": 0, "cup": 1', '"ball": 1, "cup": 0'),
            "json: found 'ball' as number 1; expected 0: numbers must follow the alphabetical order",
        ),
        (
            "vocab2id.json",
            ('"cup": 1', '"cup": "1"'),
            "json: found JSON of another form; expected an",
        ),
        ("vocab2id.json", ('"cup": 1', '"ball": 1'), "json: found 'ball' 2 times; expected once"),
        ("vocab2id.json", ("{", "["), "no readable JSON"),
        ("vocab2id.json", ('"cup"', '"c\udce9p"'), "expected UTF-8 text"),
        ("gaze-labels-val.csv", ("t-shirt,3", "t-shirt,2"), "the place of its name"),
        (
            "gaze-labels-val.csv",
            ("t-shirt,3", "sofa,3"),
            "found 'sofa'; expected a name of the vocab",
        ),
        ("gaze-labels-val.csv", (",7,", ",8,"), "line 2, id: found '8'; expected a person of the"),
        ("gaze-labels-val.csv", ("png,7", "jpg,7"), "a.jpg'; expected a person of the annotation"),
        ("gaze-labels-test.csv", ("t-shirt-cup", "t-c"), "'t-c'; expected names of the vocab"),
        ("gaze-labels-test.csv", ("eyes_closed", "eyes_shut"), "no column 'eyes_closed'"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(
    small: Path, name: str, change: tuple[str, str], said: str
) -> None:
    text = (small / name).read_text()
    assert change[0] in text
    (small / name).write_bytes(text.replace(*change, 1).encode("utf-8", "surrogateescape"))
    problems = read_dataset(recognise(small)).problems
    lines = [line for problem in problems.errors for line in problem.lines()]
    assert any(said in line and name in line and "\n" not in line for line in lines), lines


def test_labels_of_nobody_are_counted_by_kind(small: Path) -> None:
    with (small / "gaze-labels-val.csv").open("a") as file:
        file.write("train/00000000/a.png,9,val,cup,1\ntrain/00000000/x.png,7,val,cup,1\n")
        file.write("train/00000000/y.png,7,val,cup,1\n")
    dataset = read(small)
    counts = {problem.kind: problem.count for problem in dataset.problems.warnings}
    assert counts == {
        "label of nobody in its image, left out": 1,
        "label of an image without people, left out": 2,
    }


def test_a_vocabulary_is_a_text_too(tmp_path: Path) -> None:
    file = tmp_path / "words.txt"
    file.write_text("zebra\nt-shirt\n\ncup\n")
    assert read_vocabulary(file) == ("zebra", "t-shirt", "cup")
    for content, said in (
        (b"", "found no name"),
        (b"cup\ncup\n", "found 'cup' 2 times"),
        ("caf\u00e9\ncafe\u0301\n".encode(), "which look the same, expected each name once"),
        ("cup\ncu\u200dp\n".encode(), "which look the same, expected each name once"),
        ("cup\nc\u200bup\n".encode(), r"'c\\u200bup', expected names without signs that nobody"),
        ("\u200b\n".encode(), "expected names without signs that nobody sees"),
        ("\u202ecup\n".encode(), "expected names without signs that nobody sees"),
        (
            b"Cup\nball\ncup\n",
            "'Cup' and 'cup', which differ by capitals alone, expected each name once",
        ),
        (
            b"ball,0\ncup,1\n",
            r"found a table \('ball,0' first\), expected a text with a name a line, or",
        ),
        ("tasse à thé".encode("latin-1"), "expected UTF-8 text"),
    ):
        file.write_bytes(content)
        with pytest.raises(InputError, match=said):
            read_vocabulary(file)
    with pytest.raises(InputError, match="no such file"):
        read_vocabulary(tmp_path / "none.txt")
    file.write_text("\u0645\u06cc\u200c\u0632", "utf-8")  # Persian is written with one
    assert len(read_vocabulary(file)[0]) == 4
    file.write_text("salt, pepper\nroute 66\n")
    assert read_vocabulary(file) == ("salt, pepper", "route 66"), (
        "a name may have a comma or a number"
    )
    table = tmp_path / "words.csv"
    table.write_text("name\nball\n")
    with pytest.raises(InputError, match=r"words.csv: found a table \('name' first\)"):
        read_vocabulary(table)
    numbered = tmp_path / "vocab2id.json"
    for content in ('{"": 0, "a": 1}', '{" a": 0, "a": 1}', '{" ": 0, "a": 1}'):
        numbered.write_text(content)
        with pytest.raises(InputError, match="expected names without blanks at their ends"):
            read_vocabulary(numbered)
