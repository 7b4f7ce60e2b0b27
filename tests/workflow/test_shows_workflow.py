"""What Snakemake plans for studies that adapt to shows."""

import re

from workflow_runs import SMOKE, Workspace, jobs_in

SHOWS = """
datasets:
  kitchen: &show {kind: world-show, seed: 1, style: kitchen, clips: 3, test_clips: 1, frames: 40, width: 320,
    height: 240}
  kitchen-2: {<<: *show, seed: 2}
  garden: {<<: *show, style: garden}
studies:
  kitchen-0: {dataset: kitchen, seed: 0, adapt: true, labels: {frames: 100}}
  kitchen-1: {dataset: kitchen-2, seed: 1, adapt: true, labels: {frames: 100}}
  garden-0: {dataset: garden, seed: 0, adapt: true, labels: {clips: ["003"]}, timestep: 300,
    lr: {vat: 0.00001, diffusion: 0.00002, student: 0.00003}}
report: {studies: [kitchen-0, kitchen-1, garden-0]}
"""


def test_plan_of_figure6(planning: Workspace) -> None:
    planning.write("shows.yaml", SHOWS)
    run = planning.snakemake("-n", "-p", "figure6", configs=(SMOKE, "shows.yaml"))
    assert run.returncode == 0, run.stdout
    planned = jobs_in(run.stdout)
    made = {"table_s1": 1, "show": 3, "split": 3, "hidden_points": 3, "train_diffusion": 3}
    made |= {"train_teacher": 6, "train_student": 9, "evaluate": 12, "make_labels": 9}
    assert {name: planned.get(name) for name in made} == made
    garden = "results/garden-0/labelschosen-seed0"
    assert f"{garden}/students/gcdr-t300-n2-k1+ofa-world-body+vat" in run.stdout
    assert "results/kitchen-1/labelschosen-seed1/students/gcdr-t250-n2" in run.stdout
    told = [line for line in run.stdout.splitlines() if line.startswith("Shell command")]
    (table,) = (line for line in told if "table_s1.py" in line)
    assert re.findall(r'"show": "(\w+)"', table) == ["kitchen", "garden"]  # seeds are of one show
    # the evaluation alone is given what the split hides
    readers = {
        re.search(r"scripts/(\w+)\.py", line)[1] for line in told if "hidden.parquet" in line
    }
    assert readers == {"hidden_points", "evaluate"}

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
