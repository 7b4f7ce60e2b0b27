"""Settings of training and labelling out of the shipped configurations."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml
from snakemake.utils import update_config

from gcdr.base.errors import InputError
from gcdr.base.jsonconfig import JsonConfig
from gcdr.methods import METHODS, TEACHERS
from gcdr.models.kinds import GAZE_MODELS
from gcdr.refine.options import LabelSettings, SamplerSettings
from gcdr.report.paper_tables import PAPER_TABLES
from gcdr.settings import learning
from gcdr.settings.reporting import gaze_of_row
from gcdr.training.recipes import CONSISTENCY
from gcdr.variants import AUTO, variant

ROOT = Path(__file__).parents[2]


def configuration(*overlays: str) -> dict[str, Any]:
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    for name in overlays:
        update_config(config, yaml.safe_load((ROOT / "configs" / name).read_text()))
    return config


def every_setting(config: dict[str, Any], share: int) -> list[JsonConfig]:
    """What every teacher, student and label of the methods is made with."""
    made: list[JsonConfig] = [
        learning.prediction_settings(config),
        learning.sweep_settings(config, 2),
    ]
    for method in METHODS:
        asked = variant(method, 250, 2, 3, "mean", "prior", config["gaze"]["model"])
        made.append(learning.label_settings(config, asked, 2))
        made.append(learning.student_training(config, share, asked, 2))
    made += [
        learning.teacher_training(config, share, about, None, 2) for about in TEACHERS.values()
    ]
    return made


def test_each_sort_of_training_has_settings_of_its_own() -> None:
    config = configuration()
    sorts = {
        name: type(learning.teacher_training(config, 10, about, None, 1)).__name__
        for name, about in TEACHERS.items()
    }
    expected = {
        "vat": "GazeTraining",
        "vat-mt": "GazeConsistency",
        "vat-te": "GazeConsistency",
        "diffusion": "DenoiserTraining",
        "diffusion-mt": "DiffusionConsistency",
        "mapping": "MappingTraining",
    }
    assert {name: sorts[name] for name in expected} == expected
    for redraw, sort in (("mean", "GazeTraining"), ("online", "OnlineTraining")):
        asked = variant("gcdr", 250, 2, 3, redraw, "prior", "vat")
        assert type(learning.student_training(config, 10, asked, 1)).__name__ == sort


@pytest.mark.parametrize("overlays", [(), ("gazefollow.yaml",), ("smoke.yaml",)], ids=str)
@pytest.mark.parametrize("share", [5, 10, 100])
def test_settings_are_built_and_survive_the_command_line(
    overlays: tuple[str, ...], share: int
) -> None:
    """A rule writes them as JSON, its script reads them back."""
    for settings in every_setting(configuration(*overlays), share):
        assert type(settings).from_json(settings.to_json()) == settings


def test_values_by_share_are_those_of_the_share() -> None:
    config = configuration("gazefollow.yaml")
    epochs = [
        learning.gaze_training(config, share, None, student=True).recipe.epochs
        for share in (10, 50)
    ]
    assert epochs == [25, 40]


def test_an_entry_of_gaze_models_is_laid_over_what_holds_for_all() -> None:
    config = configuration()
    other = {"kind": "vat", "size": "paper", "recipe": {"lr": 0.5}, "labelled_per_batch": 7}
    config["gaze"]["models"]["large"] = other | {
        "teacher": {"batch": 3},
        "in_frame": 2.0,
        "in_frame_rate": 5,
    }
    student = learning.gaze_training(config, 10, "large", student=True)
    assert (student.model.size, student.recipe.lr, student.labelled_per_batch) == ("paper", 0.5, 7)
    assert student.recipe.batch == config["gaze"]["recipe"]["batch"] and student.in_frame == 2.0
    assert student.in_frame_rate == 5.0
    teacher = learning.gaze_training(config, 10, "large", student=False)
    assert (teacher.recipe.batch, teacher.recipe.lr, teacher.labelled_per_batch) == (3, 0.5, None)
    usual = learning.gaze_training(config, 10, None, student=True)
    assert (usual.model.size, usual.in_frame, usual.in_frame_rate) == ("world", None, 1.0)
    assert usual.recipe.lr == config["gaze"]["recipe"]["lr"] != 0.5


def test_a_variant_with_a_sampler_of_its_own_takes_that_alone() -> None:
    config = configuration()
    config["refine"] |= {"sampler": "reference", "eta": 0.3, "noise_offset": 0}

    def sampling(method: str) -> SamplerSettings:
        asked = variant(method, 250, 2, 1, "mean", "prior", "vat")
        return learning.refine_settings(config, asked).sampling

    assert (sampling("gcdr").sampler, sampling("gcdr").eta) == ("reference", 0.3)
    assert sampling("gcdr-consistent") == SamplerSettings(500, "linear", "consistent")


@pytest.mark.parametrize("stretch", [True, False])
def test_a_choice_judges_labels_as_they_are_made(stretch: bool) -> None:
    config = configuration()
    config["refine"] |= {"stretch": stretch, "start": "stretched"}
    made = learning.refine_settings(config, variant("gcdr", AUTO, None, 1, "mean", "prior", "vat"))
    assert learning.choice_settings(config, None, 1, 1).refine == made


def test_what_a_variant_is_named_after_is_how_it_refines() -> None:
    asked = variant("gcdr", 320, 4, 6, "sampled", "prior", "vat")
    found = learning.refine_settings(configuration(), asked)
    assert (found.timestep, found.steps, found.draws, found.redraw) == (320, 4, 6, "sampled")
    raw = learning.label_settings(
        configuration(), variant("raw", 320, 4, 6, "mean", "prior", "vat")
    )
    assert raw == LabelSettings(raw.maps) and raw.refine is None


def test_teachers_with_unlabelled_people_are_read_by_the_family_that_a_rule_names() -> None:
    config = configuration()
    for about in TEACHERS.values():
        if not about.labels_alone:
            made = learning.consistency_training(config, 10, about, None)
            assert CONSISTENCY[about.family] is type(made)
            assert type(made).from_json(made.to_json()) == made
            assert getattr(made.unlabelled, "strategy", "mean-teacher") == about.unlabelled


@pytest.mark.parametrize("name", GAZE_MODELS)
def test_every_key_that_says_what_a_model_is_has_its_setting(name: str) -> None:
    config = configuration()
    entry = {"kind": name, "size": "world", "init": None, "backbone": None}
    config["gaze"]["models"]["mine"] = entry
    made = learning.gaze_model(config, "mine")
    assert (made.kind, made.size) == (name, "world")
    assert {field.name for field in fields(made)} - {"options", "depth"} <= entry.keys()
    entry["options"] = {"patch_weight": 0.5}
    assert learning.gaze_model(config, "mine").options == {"patch_weight": 0.5}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({}, None),
        ({"options": {"patch_weight": 0}}, "options patch_weight"),
        ({"depth": "shuffled"}, "shuffled depth"),
        ({"keep": 0.5}, "keep 0.5"),
        ({"size": "world-nodepth"}, "size world-nodepth"),
    ],
)
def test_table_s5_is_of_the_published_model_alone(change: dict, told: str | None) -> None:
    config, table = configuration("depth.yaml"), PAPER_TABLES["table_s5"]
    config["gaze"]["models"]["pdp"] |= change
    if told is None:
        assert gaze_of_row(config, table, table.rows[0]) == "pdp"
        return
    with pytest.raises(InputError, match=f"found gaze.model pdp with {told}; expected the model"):
        gaze_of_row(config, table, table.rows[0])
