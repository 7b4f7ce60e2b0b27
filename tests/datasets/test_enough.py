"""Whether a table's people are enough to learn from, and test people by a share of the labelled ones."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from small_data import HEADER, write

from gcdr.cli.commands import main
from gcdr.data.manifest import BOX, build_manifest, has_label
from gcdr.datasets.enough import Plan, people_findings
from gcdr.datasets.folder import people_of_table, read_folder

ROOT = Path(__file__).parents[2]
PLAN = Plan(None, 0, 0, "image", None, 4, 2, True, "gcdr")


def people_of(split: list[str], gaze: list[float | None], images: int = 0) -> pd.DataFrame:
    """People with a label where there is a number; -1 looks out of the frame. Each in an image, or in few."""
    number = range(len(split))
    point = pd.Series(gaze, dtype=float)
    frame = point.map(lambda value: None if pd.isna(value) else value >= 0).astype("boolean")
    rows = pd.DataFrame({"image": [f"{one % images if images else one}.jpg" for one in number]})
    rows = rows.assign(width=64, height=48, split=split, in_frame=frame, label=None)
    rows[["gaze_x", "gaze_y"]] = pd.concat([point.where(point >= 0)] * 2, axis=1).to_numpy()
    rows[BOX] = [[one, 2, one + 9, 11] for one in number]
    return build_manifest(rows, "people")


def found(people: pd.DataFrame, **changed) -> list[tuple[str, bool]]:
    return [(one.text, one.fatal) for one in people_findings(people, replace(PLAN, **changed))]


ENOUGH = people_of(["train"] * 8 + ["test"] * 2, [0.5] * 5 + [None] * 3 + [0.5] * 2)


def test_nothing_is_said_of_enough() -> None:
    assert found(ENOUGH) == []
    assert found(ENOUGH, validation=0.2, folds=0) == []


@pytest.mark.parametrize(
    ("people", "changed", "told", "fatal"),
    [
        (ENOUGH, {"batch": 8}, "5 people to learn from, fewer than the 8 of a batch", False),
        (ENOUGH, {"folds": 6}, "5 people in 5 images or films, fewer than the 6 folds", True),
        (ENOUGH, {"validation": 0.1}, "0.1 sets nobody of 5 labelled people aside", False),
        (people_of(["train"] * 8, [0.5] * 5 + [None] * 3), {}, "test people: found none", True),
        (people_of(["train"] * 8 + ["test"] * 2, [0.5] * 5 + [None] * 3 + [0.5, None]), {},
         "1 of 2 have no label", True),
        (people_of(["train"] * 8 + ["test"], [0.5] * 5 + [None] * 3 + [-1]), {},
         "all 1 look out of the frame", True),
        (people_of(["train"] * 5 + ["test"], [0.5] * 6), {}, "needed for gcdr", True),
        (people_of(["train"] * 5 + ["test"], [0.5] * 6), {"taught": ""}, "found none with split", False),
        (people_of(["train"] * 5 + ["test"], [-1] * 4 + [None, 0.5]), {}, "all 4 look out", True),
        (people_of(["test"] * 5, [0.5] * 5), {}, "and 5 with a label have another split", True),
        (people_of(["train"] * 8, [0.5, None] * 4, 2), {"judged": False, "folds": 0},
         "all 4 are in 0.jpg", False),
        (people_of(["train"] * 8, [0.5, None] * 4), {"judged": False, "share": 5},
         "label share 5 %", True),
    ],
)  # fmt: skip
def test_what_is_too_little_is_a_sentence(people, changed, told, fatal) -> None:
    said = found(people, **changed)
    assert [one[1] for one in said if told in one[0]] == [fatal], said
    assert all(";" in text or "label share" in text for text, _ in said)  # each says what to do


def table_of(rows: list[str]) -> str:
    return "\n".join([f"{HEADER},gaze_x,gaze_y,in_frame,split", *rows])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twenty images of two people; of twelve images the first one has a label. No row names a split."""
    rows = [f"{n}.jpg,{4 + 20 * m},5,{24 + 20 * m},25,{',,' if m or n >= 12 else '.5,.5,true'},"
            for n in range(20) for m in (0, 1)]  # fmt: skip
    write(tmp_path, {f"{n}.jpg": "picture" for n in range(20)} | {"heads.csv": table_of(rows)})
    return tmp_path


def split_of(folder: Path, share: float) -> pd.DataFrame:
    return read_folder(folder, folder / "heads.csv", share).manifest


def test_a_share_of_the_labelled_people_is_set_aside_for_test(folder: Path) -> None:
    data = read_folder(folder, folder / "heads.csv", 0.25)
    people = data.manifest
    test = people[people["split"] == "test"]
    assert len(test) == 3 and has_label(test).all()
    assert len(data.annotations) == 3 and set(data.annotations["sample_id"]) == set(
        test["sample_id"]
    )
    others = people[people["image"].isin(test["image"]) & ~has_label(people)]
    assert set(others["split"]) == {"val"} and len(others) == 3
    rest = people[~people["image"].isin(test["image"])]
    assert set(rest["split"]) == {"train"} and has_label(rest).sum() == 9
    assert data.note.startswith("3 of 12 labelled people, in 3 of 12 images, set aside")
    planned = people_of_table(folder, folder / "heads.csv", 0.25)
    assert planned["split"].tolist() == people["split"].tolist()


def test_who_is_test_stays_so_when_labels_are_added(folder: Path) -> None:
    first = split_of(folder, 0.25)
    table = (folder / "heads.csv").read_text()
    (folder / "heads.csv").write_text(
        table.replace("13.jpg,4,5,24,25,,,,", "13.jpg,4,5,24,25,.5,.5,true,")
    )
    second = split_of(folder, 0.25)
    moved = (first["split"] != second["split"]) & (first["image"] != "13.jpg")
    assert first.loc[moved, "image"].nunique() <= 1
    assert (second["split"] == "test").sum() in (3, 4)


def test_a_share_gives_way_to_test_people_by_name_and_to_a_single_image(folder: Path) -> None:
    table = (folder / "heads.csv").read_text()
    (folder / "heads.csv").write_text(
        table.replace("0.jpg,4,5,24,25,.5,.5,true,", "0.jpg,4,5,24,25,.5,.5,true,test", 1)
    )
    people = read_folder(folder, folder / "heads.csv", 0.5)
    assert (people.manifest["split"] == "test").sum() == 1 and not people.note
    rows = [f"0.jpg,{4 + m},5,24,25,.5,.5,true," for m in range(3)]
    (folder / "heads.csv").write_text(table_of(rows))
    assert set(split_of(folder, 0.5)["split"]) == {"train"}


@pytest.mark.slow
def test_check_says_what_will_fail_and_how_it_was_split(folder: Path, capsys, monkeypatch) -> None:
    monkeypatch.chdir(ROOT)
    assert main(["check", str(folder)]) == 0  # it may be for test alone
    assert "to learn from: labels: of 0 people with split train" in capsys.readouterr().out
    overlay = folder / "my.yaml"
    overlay.write_text(
        f"datasets: {{mine: {{images: {folder}, table: {folder}/heads.csv, test_share: 0.25, "
        "drawn: true}}\nreport: {studies: [mine]}\n"
    )
    files = ["--configfile", "configs/own-labels.yaml", str(overlay)]
    assert main(["check", str(folder), *files]) == 0
    said = capsys.readouterr().out
    assert "3 of 12 labelled people, in 3 of 12 images, set aside (test_share 0.25)" in said
    assert "9 people to learn from, fewer than the 32 of a batch" in said and "ERROR" not in said
    overlay.write_text(overlay.read_text().replace("test_share: 0.25, ", ""))
    assert main(["check", str(folder), *files]) == 1
    assert "ERROR: test people: 28 of 40 have no label" in capsys.readouterr().out
    assert main(["check", str(folder / ".."), *files]) == 2
    assert "no entry of datasets" in capsys.readouterr().err
