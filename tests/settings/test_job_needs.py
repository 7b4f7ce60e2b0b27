"""What jobs ask for: by the table, by how much there is to do, and more the next time."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from snakemake.utils import update_config

from gcdr.base.errors import InputError
from gcdr.config.pools import add_pools
from gcdr.methods import TEACHERS
from gcdr.settings.job_needs import (
    OTHER,
    JobNeeds,
    Work,
    needs,
    read_figures,
    refining,
    training_works,
)
from gcdr.settings.learning import (
    at_rate,
    refine_settings,
    student_training,
    teacher_training,
)
from gcdr.settings.people_counts import people_in
from gcdr.variants import parse_variant

ROOT = Path(__file__).parents[2]
TABLE = read_figures(ROOT / "workflow/resources.yaml")
GCDR = parse_variant("gcdr-t250-n2-k1+ofa-world-body+vat")
VAT = TEACHERS["vat"]


def configuration(*names: str) -> dict[str, Any]:
    config: dict[str, Any] = {}
    for name in ("config.yaml", *names):
        update_config(config, yaml.safe_load((ROOT / name).read_text()))
    add_pools(config)
    return config


PAPER, SMOKE = (configuration(f"configs/{name}.yaml") for name in ("gazefollow", "smoke"))


def training_needs(config: dict[str, Any], gpu: int, attempt: int = 1) -> dict[str, JobNeeds]:
    """Of a student and two teachers of a configuration's only study."""
    people = people_in(config, next(iter(reversed(config["datasets"]))))
    made = {
        "train_student": student_training(config, 10, GCDR, 1),
        "train_teacher": teacher_training(config, 10, VAT, "vat", 1),
        "train_diffusion": teacher_training(config, 10, TEACHERS["diffusion"], None, 1),
    }
    return {
        rule: needs(TABLE, rule, people, training_works(one, people, people / 10), gpu, attempt)
        for rule, one in made.items()
    }


def test_sizes_of_the_paper_ask_for_what_was_measured_and_smoke_for_little() -> None:
    large = needs(TABLE, "gradcam", 2000, [Work("vqa large", 2000)], 0)
    assert large.mem_mb > 3080 and large.runtime > 2000 * 10.26 / 60
    for asked in training_needs(PAPER, gpu=0).values():
        assert asked.mem_mb > large.mem_mb
    for asked in training_needs(SMOKE, gpu=0).values():
        assert asked.mem_mb < 2500 and asked.runtime == TABLE.margin.minutes


def test_a_gpu_takes_time_and_the_memory_of_training_away() -> None:
    with_gpu, without = training_needs(PAPER, gpu=1), training_needs(PAPER, gpu=0)
    for rule, asked in with_gpu.items():
        assert asked.gpu == 1 and without[rule].gpu == 0
        assert asked.runtime < without[rule].runtime / 30
        assert 3100 < asked.mem_mb < without[rule].mem_mb
    assert needs(TABLE, "split", 100, [], 1).gpu == 0  # nothing to compute there


def test_processes_share_the_time_and_ask_for_a_gpu_each() -> None:
    works = training_works(student_training(PAPER, 10, GCDR, 1), 120_000, 12_000)
    one, two = (needs(TABLE, "train_student", 120_000, works, 1, 1, count) for count in (1, 2))
    assert (one.gpu, two.gpu) == (1, 2) and two.mem_mb > one.mem_mb
    assert two.runtime == pytest.approx(one.runtime / 2, rel=0.01)


def test_each_attempt_asks_for_more() -> None:
    first, second, third = (training_needs(PAPER, 1, attempt) for attempt in (1, 2, 3))
    for rule in first:
        assert first[rule].mem_mb < second[rule].mem_mb < third[rule].mem_mb
        same = {first[rule].runtime, second[rule].runtime, third[rule].runtime}
        assert len(same) == 1, "a training goes on where it was"
    once, twice = (
        needs(TABLE, "gradcam", 2000, [Work("vqa large", 2000)], 0, attempt) for attempt in (1, 2)
    )
    assert twice.runtime == 2 * once.runtime


def test_no_attempt_asks_for_more_than_there_may_be() -> None:
    bound = replace(TABLE, margin=replace(TABLE.margin, most_mb=13_000, most_minutes=900))
    for attempt in (1, 2, 3):
        asked = needs(bound, "gradcam", 2000, [Work("vqa large", 2000)], 0, attempt)
        free = needs(TABLE, "gradcam", 2000, [Work("vqa large", 2000)], 0, attempt)
        assert asked.mem_mb == min(free.mem_mb, 13_000)
        assert asked.runtime == min(free.runtime, 900)
    assert free.mem_mb > 13_000 and free.runtime > 900


def test_candidates_share_one_model() -> None:
    """Its memory once, the time of all."""
    works = [Work("denoiser paper", 1000, steps) for steps in (1, 2, 3)]
    alone, longest, all_ = (
        needs(TABLE, "choose_timestep", 1000, some, 0) for some in (works[:1], works[2:], works)
    )
    assert all_.mem_mb == alone.mem_mb == longest.mem_mb
    assert all_.seconds > alone.seconds + longest.seconds
    assert (
        needs(TABLE, "choose_timestep", 1000, [*works, Work("vat paper")], 0).mem_mb > all_.mem_mb
    )


def test_time_grows_with_steps_draws_people_and_epochs() -> None:
    refine = refine_settings(PAPER, GCDR)
    few = needs(TABLE, "make_labels", 1000, [refining("paper", 1000, refine)], 0)
    many = needs(
        TABLE, "make_labels", 1000, [refining("paper", 1000, replace(refine, draws=10))], 0
    )
    assert many.runtime > 3 * few.runtime
    (student,) = training_works(student_training(PAPER, 10, GCDR, 1), 120_000, 12_000)
    assert student.learned == pytest.approx(25 * 120_000 * 80 / 60, rel=1e-3)
    (teacher,) = training_works(teacher_training(PAPER, 10, VAT, "vat", 1), 120_000, 12_000)
    assert teacher.learned == pytest.approx(40 * 12_000, rel=1e-3)
    PAPER["studies"]["tried"] = {"lr": {"vat": [1e-4, 1e-5]}}
    twice = at_rate(teacher_training(PAPER, 10, VAT, "vat", 1), PAPER, "tried", "vat")
    assert training_works(twice, 120_000, 12_000)[0].learned == 2 * teacher.learned
    (mean,) = training_works(
        teacher_training(PAPER, 10, TEACHERS["vat-mt"], "vat", 1), 120_000, 12_000
    )
    assert mean.asked == mean.learned
    pi, ensemble, fix = (
        training_works(teacher_training(PAPER, 10, TEACHERS[name], "vat", 1), 120_000, 12_000)[0]
        for name in ("vat-pi", "vat-te", "vat-fixmatch")
    )
    assert (pi.learned, pi.asked, pi.batch) == (2 * mean.learned, 0, 2 * mean.batch), "two views"
    assert (ensemble.learned, ensemble.asked) == (mean.learned, 0)
    assert (fix.learned, fix.asked) == (mean.learned, mean.learned), "weakly changed views"
    online = training_works(
        student_training(PAPER, 10, replace(GCDR, redraw="online"), 1), 120_000, 12_000
    )
    assert [one.model for one in online] == ["vat paper", "denoiser paper"]


def test_a_model_that_nobody_measured_has_a_row() -> None:
    unknown, other = (needs(TABLE, "evaluate", 10, [Work(name, 10)], 0) for name in ("new", OTHER))
    assert unknown == other


def test_a_wrong_figure_is_named(tmp_path: Path) -> None:
    text = (ROOT / "workflow/resources.yaml").read_text()
    wrong = tmp_path / "resources.yaml"
    wrong.write_text(text.replace("  split: {mb: 250", "  split: {mg: 250"))
    with pytest.raises(InputError, match=r"resources\.yaml, rules\.split: unknown key 'mg'"):
        read_figures(wrong)


def test_a_student_of_tokens_learns_as_often_as_its_teacher_is_asked() -> None:
    config = configuration("configs/tokens.yaml")
    asked = parse_variant("token-student+gazelle+tower")
    training = student_training(config, 10, asked, 1)
    assert (training.model.kind, training.teacher.kind) == ("gazelle-tower", "gazelle")
    assert (
        at_rate(training, {"studies": {"a": {"lr": {"student": 0.5}}}}, "a", "student").recipe.lr
        == 0.5
    )
    student, teacher = training_works(training, 2400, 240)
    assert (student.model, teacher.model) == ("gazelle-tower world", "gazelle world")
    recipe = config["gaze"]["recipe"]
    assert student.learned == teacher.asked == recipe["steps"] * recipe["batch"]
