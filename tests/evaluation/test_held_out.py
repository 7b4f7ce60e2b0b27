"""Models of parts of the labels, judged on people whom none has learned from."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tiny_study import CPU, GAZE, Study, make_study, pictures_of

from gcdr.base.errors import InputError
from gcdr.data.manifest import people_digest, read_annotated, write_table
from gcdr.data.split import LABELLED, UNLABELLED, VALIDATION, split_labels
from gcdr.evaluation.held_out import judge_parts
from gcdr.training.gaze import train_gaze_model

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return make_study(tmp_path_factory.mktemp("study"), train=40)


@pytest.fixture(scope="module")
def parts(study: Study) -> list[dict]:
    """Half of the labels and all of them, each with a model."""
    annotated, made = read_annotated(study.manifest), []
    for part in (50, None):
        labels = study.folder / f"part{part}.parquet"
        split = split_labels(annotated, 60, 0.2, 0, part=part)
        write_table(split, labels, people_digest(annotated), share=60, seed=0)
        folder = study.folder / f"vat{part}"
        train_gaze_model(*pictures_of(study, labels), None, None, None, GAZE, 0, CPU, folder)
        made.append({"labels": str(labels), "methods": {"vat": str(folder)}})
    return made


def judge(study: Study, parts: list[dict], out: Path) -> dict:
    about = {"study": "tiny", "seed": 0, "share": 60, "variant": "gcdr"}
    whole = Path(parts[-1]["labels"])
    judge_parts(parts, study.samples, study.manifest, whole, about, CPU, out)
    return json.loads(out.read_text())


def test_all_are_judged_on_the_same_people(study: Study, parts: list[dict], tmp_path: Path) -> None:
    content = judge(study, parts, tmp_path / "curve.json")
    half, whole = (pd.read_parquet(part["labels"]) for part in parts)
    people = len(content["unit"])
    assert people == whole["role"].eq(VALIDATION).sum()  # everybody of this world looks into it
    assert [row["labelled"] for row in content["rows"]] == [
        table["role"].eq(LABELLED).sum() for table in (half, whole)
    ]
    errors = np.array([row["errors"]["vat"] for row in content["rows"]])
    assert errors.shape == (2, people) and (errors >= 0).all()
    assert (errors[0] != errors[1]).any()


def test_a_person_who_is_learned_from_is_not_judged(
    study: Study, parts: list[dict], tmp_path: Path
) -> None:
    whole = pd.read_parquet(parts[1]["labels"])
    whole["role"] = whole["role"].replace({VALIDATION: LABELLED})
    seen = tmp_path / "seen.parquet"
    write_table(whole, seen, people_digest(read_annotated(study.manifest)))
    with pytest.raises(InputError, match="sets aside"):
        judge(study, [{**parts[0], "labels": str(seen)}, parts[1]], tmp_path / "curve.json")


def test_a_model_of_another_split_is_refused(
    study: Study, parts: list[dict], tmp_path: Path
) -> None:
    mixed = [{**parts[0], "methods": parts[1]["methods"]}, parts[1]]
    with pytest.raises(InputError, match="another label split"):
        judge(study, mixed, tmp_path / "curve.json")


def test_without_people_set_aside_nothing_is_said(
    study: Study, parts: list[dict], tmp_path: Path
) -> None:
    whole = pd.read_parquet(parts[1]["labels"])
    whole["role"] = whole["role"].replace({VALIDATION: UNLABELLED})
    none = tmp_path / "none.parquet"
    write_table(whole, none, people_digest(read_annotated(study.manifest)))
    with pytest.raises(InputError, match="set aside to judge"):
        judge(study, [{**parts[1], "labels": str(none)}], tmp_path / "curve.json")
