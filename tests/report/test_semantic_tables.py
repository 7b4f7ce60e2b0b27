"""The table of where and what: means over studies, and of whom a number is not."""

import math
from pathlib import Path

from gcdr.base.files import write_sealed
from gcdr.report.table_semantic import semantic_markdown, semantic_table


def scored(folder: Path, name: str, **metrics: tuple[float, int]) -> str:
    """A file of ten people: of each metric its value, and of how many it is."""
    of_each = {key: {"value": value, "people": count} for key, (value, count) in metrics.items()}
    write_sealed(folder / f"{name}.json", {"metrics": of_each, "people": 10})
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
