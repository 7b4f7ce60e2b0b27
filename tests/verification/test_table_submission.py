"""The paper's tables as files that labs set beside one another."""

import json
from pathlib import Path

import pytest
import torch
from fake_gazefollow import write_gazefollow, write_training

from gcdr.base.errors import InputError
from gcdr.evaluation.metrics import DEFINITIONS
from gcdr.report.paper_tables import PAPER_TABLES, Column, PaperRow
from gcdr.verification.collected import collected
from gcdr.verification.submission import differences, read_submission
from gcdr.verification.table_submission import table_result, write_table_submission


def metrics_file(folder: Path, row: PaperRow, column: Column, seed: int, value: float) -> str:
    numbers = {name: value for name in DEFINITIONS if name.startswith(("dist", "min_dist", "auc"))}
    share, bounds = row.share or column.share or 4, {"low": -0.01, "high": 0.01}
    path = folder / f"{row.method}-{share}-{seed}.json"
    content = {
        "format": 1, "study": f"s{seed}", "dataset": "gf", "share": share, "seed": seed,
        "variant": row.method, "method": row.method, "kind": "student", "timestep": None, "people": 10,
        "metrics": {
            name: {"value": number, **{bound: number + off for bound, off in bounds.items()}}
            for name, number in numbers.items()
        },
    }  # fmt: skip
    path.write_text(json.dumps(content))
    return str(path)


def cells(folder: Path, name: str, values: list[float]) -> list:
    table = PAPER_TABLES[name]
    return [
        [
            [metrics_file(folder, row, column, n, v) for n, v in enumerate(values)]
            for row in table.rows
        ]
        for column in table.columns
    ]


@pytest.mark.slow
def test_two_labs_set_a_table_of_the_paper_side_by_side(tmp_path: Path) -> None:
    root = tmp_path / "gf"
    root.mkdir()
    write_training(root, 2, (10,), size=(32, 24))
    write_gazefollow(root, 2, size=(32, 24))
    (tmp_path / "times/train_student").mkdir(parents=True)
    (tmp_path / "times/train_student/a.tsv").write_text("s\th:m:s\n12.5\t0:00:12\n")
    (tmp_path / "vat.pt").write_bytes(b"weights")
    for number, value in enumerate((0.18, 0.2)):
        (tmp_path / str(number)).mkdir()
        write_table_submission(
            "table1",
            cells(tmp_path / str(number), "table1", [value, value + 0.004]),
            {"kind": "gazefollow", "root": str(root)},
            {"gaze.models.vat.init": str(tmp_path / "vat.pt")},
            torch.device("cpu"),
            tmp_path / "times",
            tmp_path / f"{number}.json",
        )
    one, other = (read_submission(tmp_path / f"{number}.json") for number in range(2))
    found = one["result"]["metrics"]
    assert len(found) == 3 * (3 * 6 + 1)  # all labels once, not in every column
    gcdr = found["GCDR, 10 % labels: AvgDist"]
    assert gcdr["published"] == 0.179 and gcdr["measured"] == pytest.approx(0.182)
    assert (gcdr["low"], gcdr["high"]) == pytest.approx((0.17, 0.194)) and gcdr["agrees"]
    assert one["result"]["seed"] == [0, 1] and one["hardware"]["seconds"] == 12.5
    assert {"annotations", "gaze.models.vat.init", "metrics"} == set(one["inputs"])
    agree, lines = differences(one, other)
    assert agree and any(line.startswith("metrics: ") for line in lines)
    assert any(line.startswith("GCDR, 10 % labels: AvgDist ") for line in lines)
    assert len(collected([tmp_path / "0.json"]).splitlines()) == 2 + len(found)


def test_films_have_one_distance_and_other_data_no_published_numbers(tmp_path: Path) -> None:
    made = cells(tmp_path, "table_s4", [0.14])
    found = table_result(PAPER_TABLES["table_s4"], "table_s4", made, "videoattentiontarget")
    assert {name.rpartition(": ")[2] for name in found["metrics"]} == {"Dist", "AUC"}
    assert found["metrics"]["VAT (100 % labels): Dist"]["published"] == 0.134
    with pytest.raises(InputError, match="of others nothing is published"):
        table_result(PAPER_TABLES["table_s4"], "table_s4", made, "world")
