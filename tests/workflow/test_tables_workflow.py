"""What Snakemake plans for the paper's tables and figures."""

import pytest
from workflow_runs import SMOKE, Workspace

from gcdr.report.paper_tables import PAPER_TABLES

EVALUATED = {
    # 6 methods at 3 shares, and all labels; VAT-GC is a teacher at 3 of them
    "table1": {"evaluate": 19, "train_teacher": 7, "split": 4},
    "table2": {"evaluate": 5, "train_diffusion": 1, "split": 1},
    "table3": {"evaluate": 4, "train_diffusion": 1, "split": 1},
    "table4": {"evaluate": 6, "evaluate_labels": 6, "train_diffusion": 3, "split": 3},
    # supervised VAT once, five methods at three amounts of unlabelled people; what learns from labels
    # alone is trained once for all of them
    "table_s2": {
        "evaluate": 16,
        "split": 3,
        "train_teacher": 2,
        "train_diffusion": 1,
        "train_consistency": 6,
    },
    "table_s3": {"evaluate": 7, "split": 2},
    # labels of the study, as many as it has, and all
    "table_s4": {"evaluate": 5, "train_teacher": 3, "split": 2},
    # 20 % are labels alone, and a split of their own; three gaze teachers, and their Mean Teachers
    "table_s5": {
        "evaluate": 7,
        "train_teacher": 3,
        "train_consistency": 2,
        "train_student": 4,
        "deep_samples": 1,
        "drawn_depth": 1,
        "samples": None,
        "split": 2,
    },
    "table_s6": {"evaluate": 7, "split": 1},
    # averaged and sampled draws are labels made before, a new draw in each batch reads the raw maps
    "table_draws": {"evaluate": 4, "train_student": 3, "train_online_student": 1, "make_labels": 4},
    # at 3 shares a frozen backbone's teacher and its student of tokens, that student's model by itself, VAT
    # and GCDR; the diffusion model starts from no teacher
    "table_tokens": {
        "evaluate": 15,
        "train_teacher": 9,
        "train_token_student": 3,
        "train_student": 3,
        "train_online_student": None,
        "make_labels": 3,
        "tokens": 1,
        "samples": 1,
        "split": 3,
    },
    "label_savings": {"evaluate": 13, "train_diffusion": 4, "split": 5},
    # two parts of the labels and all of them, each a split of its own
    "label_advice": {"label_curve": 1, "train_diffusion": 3, "train_student": 3, "split": 3},
    "suggestions": {"predict_unlabelled": 1, "train_student": 1, "make_labels": 1, "split": 1},
}


OVERLAYS = {
    "table_s5": ("configs/depth.yaml", "one.yaml"),
    "table_tokens": ("configs/tokens.yaml", "one.yaml"),
}

DRAWN = {
    "figure1b": {"make_labels": 1, "step_maps": None, "train_teacher": None},
    "figure4": {"make_labels": 4, "step_maps": None, "train_teacher": 2},
    "figure5": {"make_labels": None, "step_maps": 1, "train_teacher": None},
    "figure_s2": {"make_labels": 2, "step_maps": None, "train_teacher": 1},
    "figure_s3": {"make_labels": None, "step_maps": 1, "train_teacher": None},
}


@pytest.mark.parametrize("figure", DRAWN)
def test_plan_of_a_figure(planning: Workspace, figure: str) -> None:
    planned = planning.planned(figure)
    expected = DRAWN[figure] | {"paper_figure": 1, "evaluate_prior": 1, "train_student": None}
    assert {rule: planned.get(rule) for rule in expected} == expected


def test_direct_mapping_is_trained_where_the_report_has_it(planning: Workspace) -> None:
    planning.write("mapped.yaml", "report: {methods: [vat, direct-mapping, gcdr]}\n")
    planned = planning.planned("figure4", configs=(SMOKE, "mapped.yaml"))
    assert (planned["train_mapping"], planned["make_labels"]) == (1, 5)


def test_a_figure_without_a_study_says_so(planning: Workspace) -> None:
    planning.write("none.yaml", "report: {studies: []}\n")
    run = planning.snakemake("-n", "figure5", configs=(SMOKE, "none.yaml"))
    assert run.returncode != 0 and "figure5: report.studies is empty" in run.stdout


def test_a_report_without_diffusion_plans_none(planning: Workspace) -> None:
    """Neither the model, its folds, nor refined maps and sweep, unless a row asks for it."""
    diffused = {"train_diffusion", "train_fold", "choose_timestep", "sweep", "evaluate_labels"}
    planning.write("plain.yaml", "report: {methods: [vat, semi-vat]}\nrefine: {timestep: auto}\n")
    planned = planning.planned(configs=(SMOKE, "plain.yaml"))
    assert not diffused & planned.keys() and "page" not in planned
    assert (planned["tables"], planned["train_teacher"], planned["train_student"]) == (1, 1, 1)
    planning.write("late.yaml", "report: {methods: [vat], student_timesteps: [100]}\n")
    planned = planning.planned(configs=(SMOKE, "late.yaml"))
    assert (planned["train_diffusion"], planned["sweep"]) == (1, 1)


def test_a_curve_of_labels_takes_people_to_judge_by(planning: Workspace) -> None:
    """Said before the trainings, not by the last job."""
    planning.write("none.yaml", "split: {validation: 0}\n")
    run = planning.snakemake("-n", "label_advice", configs=(SMOKE, "none.yaml"))
    assert run.returncode and "found split.validation 0, expected a share" in run.stdout


@pytest.mark.parametrize("target", [*PAPER_TABLES, "label_savings", "label_advice", "suggestions"])
def test_plan_of_a_table(planning: Workspace, target: str) -> None:
    one = "studies: {smoke: {dataset: smoke, seed: 0}}\nreport: {name: smoke, studies: [smoke]}\n"
    planning.write("one.yaml", one)
    planned = planning.planned(target, configs=(SMOKE, *OVERLAYS.get(target, ())))
    expected = EVALUATED[target] | {"gradcam": 2, "world": 1, "merge": 1}
    assert {rule: planned.get(rule) for rule in expected} == expected
    assert "page" not in planned and "tables" not in planned


@pytest.mark.parametrize(
    ("overlay", "said"),
    [
        (
            "",
            "found no gaze model of kind gazelle-tower in gaze.models; expected one, as configs/tokens.yaml",
        ),
        (
            "gaze: {models: {tower: {kind: gazelle-tower, size: world}}}",
            "gaze.models.tower.labeller: missing; expected the gaze model whose tokens tower learns",
        ),
        (
            "gaze: {model: gazelle}",
            "found gaze.model gazelle, of kind gazelle; expected one of kind vat",
        ),
    ],
)
def test_a_table_without_its_gaze_models_says_so(
    planning: Workspace, overlay: str, said: str
) -> None:
    planning.write("without.yaml", f"{overlay}\nnotice: a\n")
    run = planning.snakemake("-n", "table_tokens", configs=(SMOKE, "without.yaml"))
    assert run.returncode != 0 and said in run.stdout
