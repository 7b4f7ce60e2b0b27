"""What runs learned from, and how their trainings went."""

from pathlib import Path

import pandas as pd

from gcdr.data.manifest import LABELS
from gcdr.data.parquet import write_table
from gcdr.report.runs import people_counts, training_logs, training_text

RESULTS = pd.DataFrame(
    [
        ("vat", "vat+vat", None, "vat", "VAT", "teacher", 80),
        ("gcdr", "gcdr-t250-n2-k1+ofa+vat", "ofa", "vat", "VAT", "student", 80),
        ("gcdr", "gcdr-t250-n2-k1+ofa+gazelle", "ofa", "gazelle", "Gaze-LLE", "student", 80),
        ("gcdr-mt", "gcdr-mt-t250-n2-k1+ofa+vat", "ofa", "vat", "VAT", "student", 79),
        ("human", "human", None, None, None, "baseline", 12),
    ],
    columns=["method", "variant", "prior", "gaze", "gaze_title", "kind", "people"],
).assign(labeller_title=None)


def split(folder: Path, roles: dict[str, int]) -> None:
    named = [role for role, count in roles.items() for _ in range(count)]
    table = pd.DataFrame({"sample_id": range(len(named)), "role": named})
    for name in LABELS:
        table[name] = None
    write_table(table, folder / "labels.parquet")


def test_people_are_counted_over_runs(tmp_path: Path) -> None:
    for name, labelled in (("a", 1200), ("b", 1300)):
        roles = {"labelled": labelled, "validation": 40, "unlabelled": 2}
        split(tmp_path / name / "labels10-seed0", roles)
    files = [tmp_path / name / "labels10-seed0/metrics/vat.json" for name in "ab"]
    assert people_counts(files, RESULTS) == [
        ("trained with a label", "1,200 to 1,300 a run"),
        ("set aside for validation", "40"),
        ("picture and prior alone", "2"),
        ("tested", "79 to 80 a run"),
    ]


def test_curves_are_of_teachers_and_students_that_were_trained(tmp_path: Path) -> None:
    alone, study = tmp_path / "labels10-seed0", tmp_path / "labels10-unlabelled50-seed0"
    variants = [name for name in RESULTS["variant"] if name != "human"]
    logs = [
        alone / "teachers/vat+vat",
        alone / "teachers/diffusion",
        study / "teachers/diffusion-mt",
    ]
    logs += [study / "students" / name for name in variants[1:3]]
    for number, folder in enumerate(logs):
        folder.mkdir(parents=True)
        head = "step,loss,lr,validation_loss" if number else "step,loss,lr"
        (folder / "log.csv").write_text(f"{head}\n")
    found = training_logs(study, variants, RESULTS)
    assert list(found) == [
        "Supervised VAT",
        "Diffusion model",
        "Diffusion model (Mean Teacher)",
        "GCDR, student VAT",
        "GCDR, student Gaze-LLE",
    ]
    assert "people set aside (40, of" in training_text(found, 40)
    assert training_text(found, 40).endswith("lags at first. Without one: Supervised VAT.")
    assert "Nobody was set aside for validation" in training_text(found, 0)
    del found["Diffusion model"], found["Diffusion model (Mean Teacher)"]
    only = {"Supervised VAT": found["Supervised VAT"]}
    assert "No log holds a validation loss" in training_text(only, 40)
