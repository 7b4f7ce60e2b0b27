"""The table of where and what: means over studies, and of whom a number is not."""

import math
from pathlib import Path

import pandas as pd

from gcdr.base.files import write_sealed
from gcdr.report.table_semantic import (
    row_titles,
    semantic_markdown,
    semantic_table,
    write_table_semantic,
)


def scored(folder: Path, name: str, tower: str = "", **metrics: tuple[float, int]) -> str:
    """A file of ten people: of each metric its value, and of how many it is."""
    of_each = {key: {"value": value, "people": count} for key, (value, count) in metrics.items()}
    about = {"tower": tower} if tower else {}
    write_sealed(folder / f"{name}.json", {"metrics": of_each, "people": 10, **about})
    return str(folder / f"{name}.json")


def test_a_metric_of_fewer_people_or_studies_is_said_to_be(tmp_path: Path) -> None:
    one = scored(tmp_path, "one", semantic_auc=(0.8, 10), acc_1=(0.5, 7), gaze_acc=(0.4, 10))
    two = scored(tmp_path, "two", semantic_auc=(0.9, 10), acc_1=(0.6, 9))
    table = semantic_table([{"title": "a model", "files": [one, two]}])
    (row,) = table.to_dict("records")
    assert row["people"] == 20 and row["acc_1_people"] == 16 and row["gaze_acc_studies"] == 1
    assert "semantic_auc_people" not in row, "of all"
    text = semantic_markdown(table)
    assert "Means over 2 studies, ± one standard deviation." in text
    assert "Acc@1 is of 16 of 20 people" in text and "AUC is of" not in text
    line = next(line for line in text.splitlines() if "a model" in line)
    assert line.count("(1 of 2 studies)") == 1


def test_one_study_is_no_mean(tmp_path: Path) -> None:
    files = [scored(tmp_path, "one", acc_1=(0.5, 10))]
    table = semantic_table([{"title": "a model", "files": files}])
    text = semantic_markdown(table)
    assert "A row is of one study." in text and "Means over" not in text
    assert math.isclose(table.loc[0, "acc_1"], 0.5)


def test_rows_are_called_as_in_table_1_and_told_apart() -> None:
    """By gaze model and prior, by what a second stage sees, and by study."""
    named = "gcdr-tauto-k1+{}+{}"
    of_a, of_b = named.format("a-body", "semgaze"), named.format("b-body", "semgaze")
    student = named.format("a-body", "semgaze-answers")
    called = {"semgaze": "Semgaze (semgaze)", "semgaze-answers": "Semgaze (semgaze-answers)"}
    rows = [
        {"guess": "majority"},
        {"variants": ["vat+semgaze"] * 2},
        {"variants": [of_a] * 2},
        {"variants": [of_b] * 2},
        {"variants": [student] * 2},
        {"variants": [student] * 2, "how": "tuned-crop"},
        {"variants": [student], "study": "other"},
    ]
    titles = row_titles(rows, called)
    assert len(set(titles)) == len(rows)
    assert titles[:4] == [
        "majority",
        "Supervised Semgaze (semgaze)",
        "GCDR, student Semgaze (semgaze), prior a-body",
        "GCDR, student Semgaze (semgaze), prior b-body",
    ]
    assert titles[5] == f"two stages (tuned-crop), {titles[4]}"
    assert titles[6] == f"{titles[4]} (other)"
    (alone,) = row_titles([{"variants": [of_a]}], called)
    assert alone == "GCDR, student Semgaze (semgaze)", "one prior goes without saying"


def test_the_page_has_both_tables_and_says_by_which_tower(tmp_path: Path) -> None:
    demo = "word embeddings of a VQA model, in place of CLIP's text tower"
    model = scored(
        tmp_path, "m", demo, semantic_dist_to_mean=(0.2, 10), semantic_mean_dist=(0.345, 10)
    )
    majority = scored(tmp_path, "majority", acc_1=(0.1, 10))
    rows = [{"guess": "majority", "files": [majority]}, {"variants": ["vat+s"], "files": [model]}]
    write_table_semantic(rows, {}, tmp_path / "t.csv", tmp_path / "t.md")
    text = (tmp_path / "t.md").read_text()
    short, longer = text.split("The supplement's longer table:")
    assert "Mean Dist." not in short and "0.345" not in short and "0.200" in short
    assert "Mean Dist. ↓" in longer and "0.345" in longer and "0.200" in longer
    assert text.count(f"Names lie in the space of: {demo}.") == 1
    assert "majority: the most frequent one" in text
    assert "answers:" not in text and "random:" not in text, "rows that there are not"
    table = pd.read_csv(tmp_path / "t.csv").set_index("title")
    assert table.loc["Supervised s", "tower"] == demo and pd.isna(table.loc["majority", "tower"])
