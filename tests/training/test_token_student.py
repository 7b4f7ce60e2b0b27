"""A student of a frozen backbone's tokens: trained from files to files, and without any label."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from tiny_study import CPU, GAZE, Study, make_study, pictures_of

from gcdr.base.errors import InputError
from gcdr.base.files import read_json
from gcdr.data.cache import write_samples
from gcdr.data.manifest import LABELS, read_annotated, read_people, write_table
from gcdr.data.shown import read_shown
from gcdr.data.split import split_labels
from gcdr.models.build import load_model, save_model
from gcdr.models.description import GazeModelSettings
from gcdr.models.encoding import write_tokens
from gcdr.models.gazelle import Gazelle
from gcdr.models.gazelle_config import GazelleConfig
from gcdr.models.named import initial_gaze_model
from gcdr.models.tower_gazelle import TowerGazelle
from gcdr.training.gaze import train_gaze_model
from gcdr.training.recipes import Recipe, TokenTraining
from gcdr.training.token_student import train_token_student

FROZEN = GazeModelSettings("gazelle", "world", "assets/world/frozen")
TOWER = GazeModelSettings("gazelle-tower", "world")
INIT = Path("assets/world/backbone")
SETTINGS = TokenTraining(TOWER, FROZEN, Recipe(steps=4, batch=8, lr=0.003))

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """With a teacher on the labels, and what it is shown: tokens, and pictures of its size."""
    study = make_study(tmp_path_factory.mktemp("study"))
    people, images = read_people(study.manifest), study.folder / "images"
    model = initial_gaze_model(FROZEN, False, None, 0)
    write_tokens(people, images, model, FROZEN.backbone, CPU, study.folder / "tokens.h5", 0)
    write_samples(people, images, 112, study.folder / "samples-112.h5", failures=0)
    labels = study.folder / "labels.parquet"
    write_table(split_labels(read_annotated(study.manifest), 40, 0.2, 0), labels)
    settings = replace(GAZE, model=FROZEN, labelled_per_batch=None)
    _, larger, _ = pictures_of(study, labels)
    given = (study.folder / "tokens.h5", larger, labels)
    train_gaze_model(*given, None, None, None, settings, 0, CPU, study.folder / "teacher")
    return study


def train(
    study: Study,
    out: Path,
    settings: TokenTraining = SETTINGS,
    labels: Path | None = None,
    teacher: str | Path = "teacher",
    shown: str = "tokens.h5",
) -> dict[str, torch.Tensor]:
    given = pictures_of(study, labels or study.folder / "labels.parquet")
    folder = study.folder / teacher
    train_token_student(*given, folder, study.folder / shown, INIT, settings, 0, CPU, out)
    return load_model(out).state_dict()


def test_training_lowers_the_loss_and_leaves_the_heads(study: Study, tmp_path: Path) -> None:
    longer = replace(SETTINGS, recipe=Recipe(steps=60, batch=8, lr=0.003))
    state = train(study, tmp_path / "student", longer)
    loss = pd.read_csv(tmp_path / "student/log.csv")["loss"]
    assert loss.iloc[-1] < 0.7 * loss.iloc[0]
    assert "validation_loss" not in pd.read_csv(tmp_path / "student/log.csv").columns
    student, teacher = load_model(tmp_path / "student"), load_model(study.folder / "teacher")
    assert isinstance(student, TowerGazelle) and isinstance(teacher, Gazelle)
    for name, value in teacher.output_heads["heatmap_head"].state_dict().items():
        assert torch.equal(student.output_heads["heatmap_head"].state_dict()[name], value)
    first = initial_gaze_model(TOWER, False, INIT, 0).state_dict()
    moved = [n for n, v in state.items() if v.is_floating_point() and not torch.equal(v, first[n])]
    assert any(name.startswith("gazelle.backbone.") for name in moved)
    card = read_json(tmp_path / "student/model.json")
    shown = read_shown(study.folder / "labels.parquet")
    assert card["people"] == {"pictured": int((shown["role"] != "validation").sum())}
    assert "backbone" not in card, "its own file has all of it"


def test_the_same_again_and_from_pictures_another(study: Study, tmp_path: Path) -> None:
    once = train(study, tmp_path / "once")
    again = train(study, tmp_path / "again")
    pictures = train(study, tmp_path / "pictures", shown="samples-112.h5")
    assert all(torch.equal(once[name], again[name]) for name in once)
    assert not torch.equal(once["gazelle.linear.weight"], pictures["gazelle.linear.weight"]), (
        "recoloured, as the student sees them"
    )


def test_no_label_is_read(study: Study, tmp_path: Path) -> None:
    """Whatever the labelled and the validation people are said to look at, the weights are the same."""
    shown, moved = read_shown(study.folder / "labels.parquet"), tmp_path / "labels.parquet"
    known = shown["gaze_x"].notna()
    mixed = np.random.default_rng(0).permutation(np.flatnonzero(known))
    shown.loc[known, list(LABELS)] = shown[list(LABELS)].to_numpy()[mixed]
    write_table(shown, moved)
    teacher = tmp_path / "teacher"  # of no split, which is compared else
    card = read_json(study.folder / "teacher/model.json")
    save_model(teacher, load_model(study.folder / "teacher"), {"backbone": card["backbone"]})
    once = train(study, tmp_path / "once", teacher=teacher)
    other = train(study, tmp_path / "other", labels=moved, teacher=teacher)
    assert all(torch.equal(once[name], other[name]) for name in once)
    with pytest.raises(InputError, match="teacher"):
        train(study, tmp_path / "refused", labels=moved)


def test_teachers_that_do_not_fit_are_named_in_one_line(study: Study, tmp_path: Path) -> None:
    card = read_json(study.folder / "teacher/model.json")
    wide = Gazelle(replace(GazelleConfig.world(), width=128))
    save_model(tmp_path / "wide", wide, {"backbone": card["backbone"]})
    with pytest.raises(InputError) as error:
        train(study, tmp_path / "out", teacher=tmp_path / "wide")
    assert "heatmap_head.0.weight: found [128, 128, 4, 4]" in str(error.value)
    assert len(str(error.value).splitlines()) == 1
    tower = tmp_path / "tower"
    save_model(tower, TowerGazelle(replace(GazelleConfig.world(), input_size=56)))
    with pytest.raises(InputError, match="found a gazelle-tower, expected a gazelle whose tokens"):
        train(study, tmp_path / "out", teacher=tower)
