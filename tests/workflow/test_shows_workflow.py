"""What Snakemake plans for studies that adapt to shows."""

import re

from workflow_runs import SMOKE, Workspace, jobs_in

SHOWS = """
datasets: {garden: {kind: world, seed: 12, style: gaze, train_people: 240, test_people: 80, annotators: 10,
  width: 320, height: 240}}
studies:
  kitchen-0: {dataset: smoke, seed: 0, adapt: true, labels: {frames: 100}}
  kitchen-1: {dataset: smoke, seed: 1, adapt: true, labels: {frames: 100}}
  garden-0: {dataset: garden, seed: 0, adapt: true, labels: {clips: ["3"]}, timestep: 300,
    lr: {vat: 0.00001, diffusion: 0.00002, student: 0.00003}}
report: {studies: [kitchen-0, kitchen-1, garden-0]}
"""


def test_plan_of_figure6(planning: Workspace) -> None:
    planning.write("shows.yaml", SHOWS)
    run = planning.snakemake("-n", "-p", "figure6", configs=(SMOKE, "shows.yaml"))
    assert run.returncode == 0, run.stdout
    planned = jobs_in(run.stdout)
    made = {"table_s1": 1, "world": 2, "split": 3, "hidden_points": 3, "train_diffusion": 3}
    made |= {"train_teacher": 6, "train_student": 9, "evaluate": 12, "make_labels": 9}
    assert {name: planned.get(name) for name in made} == made
    garden = "results/garden-0/labelschosen-seed0"
    assert f"{garden}/students/gcdr-t300-n2-k1+ofa-world-body+vat" in run.stdout
    assert "results/kitchen-1/labelschosen-seed1/students/gcdr-t250-n2" in run.stdout
    # the evaluation alone is given what the split hides
    told = [line for line in run.stdout.splitlines() if line.startswith("Shell command")]
    readers = {
        re.search(r"scripts/(\w+)\.py", line)[1] for line in told if "hidden.parquet" in line
    }
    assert readers == {"hidden_points", "evaluate", "table_s1"}

    def rates(script: str, study: str) -> set[str]:
        lines = [line for line in told if f"{script}.py" in line and f"/{study}/" in line]
        return {rate for line in lines for rate in re.findall(r'"lr": ([\d.e-]+)', line)}

    assert rates("train_diffusion", "garden-0") == {"2e-05"}
    assert rates("train_gaze", "garden-0") == {
        "1e-05",
        "3e-05",
        "0.003",
    }  # VAT-GC has no rate of its own
    assert rates("train_gaze", "kitchen-0") == {"0.003"}


def test_table_s1_of_a_study_that_does_not_adapt_is_refused(planning: Workspace) -> None:
    run = planning.snakemake("-n", "table_s1", configs=(SMOKE,))
    assert run.returncode != 0 and "study smoke does not adapt to its data set" in run.stdout
