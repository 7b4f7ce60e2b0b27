"""The paper's tables as files that labs set beside one another."""

import json
from pathlib import Path

import pytest
from fake_gazefollow import write_gazefollow, write_training

from gcdr.base.errors import InputError
from gcdr.config.deciding import lists_used
from gcdr.data.manifest import people_alone, people_digest, write_table
from gcdr.datasets.read import read_dataset
from gcdr.evaluation.metrics import DEFINITIONS
from gcdr.report.paper_tables import PAPER_TABLES, Column, PaperRow
from gcdr.verification.collected import collected
from gcdr.verification.submission import differences, read_submission
from gcdr.verification.table_submission import table_result, write_table_submission


def metrics_file(folder: Path, row: PaperRow, column: Column, seed: int, value: float) -> str:
    of_others = {
        "dist_to_mean_reference": 0,
        "min_dist_reference": -0.06,
        "auc": 0.7,
        "auc_video": 0.6,
    }
    numbers = {name: value + of_others.get(name, 0.3) for name in DEFINITIONS}
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


def submitted(folder: Path, value: float, steps: int, manifest: Path, root: Path) -> Path:
    """The file of a run."""
    folder.mkdir()
    write_table_submission(
        "table1",
        cells(folder, "table1", [value, value + 0.004]),
        manifest,
        {"kind": "gazefollow", "root": str(root)},
        {"refine": {"steps": steps, "eta": 1.0}},
        {
            "gaze.models.vat.init": str(root / "train_annotations_release.txt"),
            "diffusion.init": "none",
        },
        ["s0-labels", "s1-labels", "gf-", "gf."],
        "cuda",
        folder.parent / "times",
        folder / "submission.json",
    )
    return folder / "submission.json"


@pytest.mark.slow
def test_two_labs_set_a_table_of_the_paper_side_by_side(tmp_path: Path) -> None:
    root, manifest = tmp_path / "gf", tmp_path / "data/gf/manifest.parquet"
    root.mkdir()
    manifest.parent.mkdir(parents=True)
    write_training(root, 2, (10,), size=(32, 24))
    write_gazefollow(root, 9, size=(32, 24))
    people = people_alone(read_dataset({"kind": "gazefollow", "root": str(root)}).manifest)
    write_table(people, manifest, people_digest(people))
    for name in (
        "s0-labels10-seed0-vat",
        "s1-labels10-seed0-vat",
        "other-labels10-seed0",
        "s0-2-labels10",
        "gf",
    ):
        record = tmp_path / f"times/train_student/{name}.tsv"
        record.parent.mkdir(parents=True, exist_ok=True)
        record.write_text("s\th:m:s\n12.5\t0:00:12\n")
    first = submitted(tmp_path / "first", 0.18, 2, manifest, root)
    second = submitted(tmp_path / "second", 0.197, 5, manifest, root)
    one, other = read_submission(first), read_submission(second)
    found = one["result"]["metrics"]
    assert len(found) == 3 * (3 * 6 + 1)  # all labels once, not in every column
    gcdr = found["GCDR, 10 % labels: AvgDist"]
    assert gcdr["published"] == 0.179 and gcdr["measured"] == pytest.approx(0.182)
    assert (gcdr["low"], gcdr["high"]) == pytest.approx((0.17, 0.194)) and gcdr["agrees"]
    assert gcdr["own"] == pytest.approx(0.482)
    assert not other["result"]["metrics"]["GCDR, 10 % labels: AvgDist"]["agrees"]
    assert found["GCDR, 10 % labels: MinDist"]["measured"] == pytest.approx(0.122)
    assert found["GCDR, 10 % labels: AUC"]["measured"] == pytest.approx(0.882)
    assert one["result"]["seed"] == [0, 1] and one["hardware"]["seconds"] == 37.5
    assert one["hardware"]["device"].startswith("cuda, as configured")
    tested = int((people["split"] == "test").sum())
    assert (one["result"]["people"], one["result"]["of"]) == (10, tested)
    assert {"annotations", "gaze.models.vat.init", "metrics"} == set(one["inputs"])
    agree, lines = differences(one, other)
    assert agree and lines[-1] == "settings: settings.refine.steps"
    assert any(line.startswith("GCDR, 10 % labels: AvgDist ") for line in lines)
    assert len(collected([first]).splitlines()) == 2 + len(found)


def test_films_have_one_distance_and_other_data_no_published_numbers(tmp_path: Path) -> None:
    table, made = PAPER_TABLES["table_s4"], cells(tmp_path, "table_s4", [0.14])
    found = table_result(table, "table_s4", made, "videoattentiontarget", 12)
    assert {name.rpartition(": ")[2] for name in found["metrics"]} == {"Dist", "AUC"}
    assert found["metrics"]["VAT (100 % labels): Dist"]["published"] == 0.134
    assert found["metrics"]["VAT (100 % labels): AUC"]["measured"] == pytest.approx(0.74)
    with pytest.raises(InputError, match="of others nothing is published"):
        table_result(table, "table_s4", made, "world", 12)


def test_rows_of_different_people_are_no_table(tmp_path: Path) -> None:
    made = cells(tmp_path, "table_s4", [0.14])
    file = Path(made[0][0][0])
    file.write_text(file.read_text().replace('"people": 10', '"people": 9'))
    with pytest.raises(InputError, match="found results of 9 and of 10 test people"):
        table_result(PAPER_TABLES["table_s4"], "table_s4", made, "videoattentiontarget", 12)


def test_the_authors_lists_are_among_what_is_told_by_digest(tmp_path: Path) -> None:
    """Two labs whose lists differ see it; a share without a list is let pass here."""
    for ratio in ("0.1", "0.2"):
        (tmp_path / f"train_annotations_weak_ratio{ratio}_use.txt").write_text("a")
    found = lists_used({"split": {"released": str(tmp_path)}}, [5, 10, 20, "own"])
    assert sorted(found) == [10, 20] and all(path.is_file() for path in found.values())
    assert lists_used({"split": {"released": None}}, [10]) == {}
