"""What Snakemake plans for a study with several sources; test_workflow.py runs one."""

from workflow_runs import SMOKE, Workspace, jobs_in

SMALL_TRANSFER = """
datasets: {elsewhere: {train_people: 240, test_people: 40}, here: {train_people: 160, test_people: 60}}
report: {methods: [vat, gcdr]}
"""


def test_plan_of_a_study_with_several_sources(planning: Workspace) -> None:
    planning.write("small.yaml", SMALL_TRANSFER)
    run = planning.snakemake("-n", "-p", configs=(SMOKE, "configs/transfer.yaml", "small.yaml"))
    assert run.returncode == 0, run.stdout
    pool = "results/data/elsewhere--here--here"
    assert f"{pool}/priors/ofa-world-body.h5" in run.stdout
    assert "--init=results/source/labels25-seed0/teachers/vat+vat" in run.stdout
    planned = jobs_in(run.stdout)
    made = {"world": 2, "gradcam": 4, "merge": 2, "detect": 2, "split": 2, "train_teacher": 2}
    made |= dict.fromkeys(("pool", "pool_labels", "pool_bodies", "pool_priors", "pool_samples"), 1)
    made["samples"] = 2  # of each source; the pool's is copied from them
    assert {name: planned[name] for name in made} == made
