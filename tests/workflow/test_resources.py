"""What jobs ask of this machine, as Snakemake plans it."""

import re
from argparse import Namespace
from pathlib import Path

import pytest
import yaml
from workflow_runs import SMOKE, Workspace

from gcdr.base.errors import InputError
from gcdr.cli.cli_forecast import _planned
from gcdr.config.preflight import machine_memory

DETECTED = "results/data/smoke/bodies.parquet"


def asked(plan: str) -> dict[str, dict[str, str]]:
    """What the jobs of a plan ask for, by rule."""
    jobs = re.findall(r"^(?:local)?rule (\w+):$(.*?)^    resources: (.*?)$", plan, re.M | re.S)
    return {
        rule: dict(one.split("=", 1) for one in resources.split(", ")) | {"about": about}
        for rule, about, resources in jobs
    }


def test_figures_of_the_table_and_those_that_outrank_them(planning: Workspace) -> None:
    """A job that asks for more than this machine has gets all of it, or it would wait for ever."""
    own = ("world:mem=90TB", "world:runtime=77", "world:gpu=99", "detect:mem_mb=1234")
    run = planning.snakemake(
        *("-n", "--verbose", DETECTED, "--set-resources", *own, "--set-threads", "detect=2"),
        configs=(SMOKE,),
    )
    assert run.returncode == 0, run.stdout[-3000:]
    jobs = asked(run.stdout)
    assert int(jobs["world"]["mem_mb"]) == machine_memory()
    assert (jobs["world"]["runtime"], jobs["world"]["gpu"]) == ("77", "1")
    assert "threads: 2" in jobs["world"]["about"] and "threads: 2" in jobs["detect"]["about"]
    assert (jobs["detect"]["mem_mb"], jobs["detect"]["runtime"]) == ("1234", "10")


MUCH_TO_DO = (
    *("pool_samples", "pool_deep_samples", "pool_priors", "own_manifest", "gallery", "page"),
    *("export_folder", "export_pseudo"),
)
DEVICES = """include: "Snakefile"
for one in workflow.rules:
    script = getattr(one.input, "script", None)
    text = Path(script).read_text() if isinstance(script, str) else ""
    print("local:", one.name, one.name in workflow._localrules)
    if '"device"' in text or "TRAINING" in text:
        print("computes:", one.name, one.name in WORKS)
"""


def test_whoever_computes_on_a_device_asks_for_one(planning: Workspace) -> None:
    """The table knows a model's work in every rule whose script takes a device."""
    planning.write("devices.smk", DEVICES)
    run = planning.snakemake("-n", "--snakefile", "devices.smk", configs=(SMOKE,))
    assert run.returncode == 0, run.stdout[-3000:]
    known = dict(re.findall(r"^computes: (\w+) (\w+)$", run.stdout, re.M))
    assert len(known) > 20
    assert [rule for rule, listed in known.items() if listed != "True"] == []
    local = dict(re.findall(r"^local: (\w+) (\w+)$", run.stdout, re.M))
    assert local["split"] == "True"
    assert {local[rule] for rule in MUCH_TO_DO} == {"False"}, "beside others, on a login node"


def test_a_plan_is_noted_for_gcdr_forecast_by_another_table(
    planning: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = yaml.safe_load((planning.folder / "workflow/resources.yaml").read_text())
    table["rules"]["detect"]["seconds"] = 5000
    planning.write("own.yaml", yaml.safe_dump(table))
    monkeypatch.chdir(planning.folder)
    monkeypatch.setenv("PYTHONPATH", str(planning.folder / "src"))
    asked = Namespace(configfile=[Path(SMOKE)], targets=[DETECTED])
    jobs = {job.rule: job for job in _planned(asked, Path("jobs.txt"), Path("own.yaml"))}
    assert list(jobs) == ["world", "detect", "bodies"]
    assert 5000 < jobs["detect"].seconds < 5100 and jobs["detect"].wildcards["dataset"] == "smoke"
    assert jobs["world"].mb > 0
    asked.targets = ["no-such-target"]
    with pytest.raises(InputError, match="the workflow cannot be planned"):
        _planned(asked, Path("others.txt"), Path("own.yaml"))


def test_no_rule_or_profile_walks_into_a_trap_of_clusters(planning: Workspace) -> None:
    """docs/cluster.md lists them."""
    rules = "\n".join(path.read_text() for path in (planning.folder / "workflow").rglob("*.smk"))
    assert not re.search(r"^ *retries:", rules, re.M)
    for profile in ("default", "slurm"):
        (path,) = (planning.folder / "profiles" / profile).glob("*.yaml")
        settings = yaml.safe_load(path.read_text())
        assert settings["rerun-incomplete"] and "keep-incomplete" not in settings
        assert not settings.get("slurm-no-requeue")
    run = planning.snakemake("-n", "--verbose", configs=(SMOKE,))
    jobs = {rule: job for rule, job in asked(run.stdout).items() if "mem_mb" in job}
    assert len(jobs) > 15
    for rule, job in jobs.items():
        assert int(job["mem_mb"]) >= 250 and int(job["runtime"]) >= 10, (rule, job)
