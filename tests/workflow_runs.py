"""Running the workflow in a copy of the project, and reading what Snakemake plans."""

import contextlib
import os
import re
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
import yaml
from preloaded import run_snakemake
from snakemake.utils import update_config

ROOT = Path(__file__).parents[1]
SMOKE = "configs/smoke.yaml"
FEWER = (
    "report: {methods: [vat, gcdr]}\nsweep: {timesteps: [250]}\npriors: {ofa-world: {shards: 1}}\n"
)
"""For a run to its end beside the smoke run: the same stages in fewer jobs."""
PARTS = ("Snakefile", "config.yaml", "configs", "workflow", "profiles", "envs", "src", "assets")


def jobs_in(plan: str) -> dict[str, int]:
    """Jobs by rule of what Snakemake said it would run, without the target itself."""
    if "Nothing to be done" in plan:
        return {}
    table = plan.split("Job stats:", 1)[1].split("total", 1)[0]
    jobs = {name: int(count) for name, count in re.findall(r"^(\w+)\s+(\d+)\s*$", table, re.M)}
    jobs.pop("all", None)
    return jobs


def check_overlay(overlay: str, folder: Path) -> None:
    """What the workflow does with smoke's configuration and an overlay before anything is planned.

    In this process and in an empty ``folder``: a start of Snakemake takes seconds.
    """
    for name in PARTS:
        (folder / name).symlink_to(ROOT / name)
    (folder / "wrong.yaml").write_text(overlay)
    checked = (ROOT / "workflow/rules/checked.smk").read_text()
    # jobs would inherit what the check sets in the environment
    with contextlib.chdir(folder), mock.patch.dict(os.environ):
        files = [Path(name).resolve() for name in ("config.yaml", SMOKE)] + [folder / "wrong.yaml"]
        config: dict[str, Any] = {}
        for file in files:
            update_config(config, yaml.safe_load(file.read_text()))
        started = {"TOP": ROOT, "MODULE": False, "workflow": SimpleNamespace(configfiles=files)}
        exec(compile(checked, "checked.smk", "exec"), {"config": config, **started})


class Workspace:
    """A copy of the project in which Snakemake runs, with its own results."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in PARTS:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, folder / name, symlinks=True)
            else:
                shutil.copy2(source, folder / name)

    def snakemake(
        self, *arguments: str, configs: tuple[str, ...] = (SMOKE,)
    ) -> subprocess.CompletedProcess[str]:
        """Run Snakemake with overlays; stdout and stderr together."""
        chosen = ["--configfile", *configs] if configs else []
        return run_snakemake(
            self.folder, self.folder / "src", ["--cores", "2", *arguments, *chosen]
        )

    def planned(self, *arguments: str, configs: tuple[str, ...] = (SMOKE,)) -> dict[str, int]:
        """Jobs that Snakemake would run, by rule, without the target itself."""
        run = self.snakemake("-n", *arguments, configs=configs)
        assert run.returncode == 0, run.stdout
        return jobs_in(run.stdout)

    def write(self, name: str, text: str) -> str:
        """Write an overlay or another file; returns its name."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return name


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace for one test."""
    return Workspace(tmp_path)


@pytest.fixture(scope="session")
def planning(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace in which nothing has run and nothing shall, for plans."""
    return Workspace(tmp_path_factory.mktemp("planning"))


def logs_that_name(text: str, folder: Path) -> set[str]:
    """Logs in which something is named, without their ending."""
    found = (path for path in folder.rglob("*.log") if text in path.read_text())
    return {str(path.relative_to(folder).with_suffix("")) for path in found}
