"""What planning costs with many shards and settings, and what a study of many people costs.

    python benchmarks/scale.py plan --shards 1000 --detection 200 --settings 50
    python benchmarks/scale.py study --people 10000000 --labelled 10

The plan is that of a world of 100,000 people, which is not drawn: ``snakemake -n`` in an empty folder. A
study's hours are those of ``workflow/resources.yaml`` for configs/gazefollow.yaml, without margins, and its
disk is that of the formats (docs/data-formats.md).
"""

import argparse
import os
import re
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from snakemake.utils import update_config

from gcdr.methods import METHODS, TEACHERS
from gcdr.settings.job_needs import ResourceTable, Work, read_figures, refining, training_works
from gcdr.settings.learning import refine_settings, student_training, teacher_training
from gcdr.variants import variant

ROOT = Path(__file__).parents[1]
PARTS = ("Snakefile", "config.yaml", "configs", "workflow", "profiles", "src", "assets")
STORE = "ofa-large-body"


def overlay(shards: int, detection: int, settings: int) -> dict[str, Any]:
    """A study of 100,000 people whose method is tried at so many timesteps."""
    world = {
        "kind": "world",
        "seed": 3,
        "style": "gaze",
        "train_people": 90_000,
        "test_people": 10_000,
    }
    world |= {"annotators": 10, "width": 320, "height": 240}
    asked = {"name": "big", "studies": ["big"], "methods": ["vat", "semi-vat", "gcdr"]}
    return {
        "datasets": {"big": world},
        "studies": {"big": {"dataset": "big", "seed": 0}},
        "report": asked
        | {"student_timesteps": [400 - 5 * number for number in range(1, settings)]},
        "detect": {"shards": detection},
        "priors": {"ofa-world": {"shards": shards}},
        "refine": {"timestep": 400},
    }


def plan(options: argparse.Namespace) -> None:
    """Print jobs, CPU seconds and memory of a plan."""
    with tempfile.TemporaryDirectory() as folder:
        for name in PARTS:
            Path(folder, name).symlink_to(ROOT / name)
        config = overlay(options.shards, options.detection, options.settings)
        Path(folder, "big.yaml").write_text(yaml.safe_dump(config))
        command = [sys.executable, "-m", "snakemake", "-n", "--configfile", "big.yaml"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
        run = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if run.returncode:
        sys.exit(run.stdout[-3000:] + run.stderr[-3000:])
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    jobs = re.findall(r"^total\s+(\d+)", run.stdout + run.stderr, re.M)[-1]
    seconds, memory = used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
    print(f"{jobs} jobs planned in {seconds:.1f} CPU s and {memory:.0f} MiB")


def seconds_of(table: ResourceTable, works: Sequence[Work]) -> float:
    """Seconds of a core that models take."""
    known = [(work, table.models[work.model]) for work in works]
    return sum(
        work.asked * (one.ask + work.steps * one.step) + work.learned * one.learn
        for work, one in known
    )


def study(options: argparse.Namespace) -> None:
    """Print hours by stage of a study with the models of the paper."""
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    update_config(config, yaml.safe_load((ROOT / "configs/gazefollow.yaml").read_text()))
    table, people = read_figures(ROOT / "workflow/resources.yaml"), options.people
    labelled, share = people * options.labelled / 100, options.labelled
    gcdr = variant("gcdr", 250, 2, 1, "mean", STORE, "vat", None)
    stages = {
        "detection": [Work("detector paper", people)],
        "Grad-CAM of OFA-large": [Work("vqa large", people)],
        "diffusion teacher": training_works(
            teacher_training(config, share, TEACHERS["diffusion"], None, 1), people, labelled
        ),
        "supervised teacher": training_works(
            teacher_training(config, share, TEACHERS[METHODS["vat"].teacher or ""], "vat", 1),
            people,
            labelled,
        ),
        "refined labels": [refining("paper", people - labelled, refine_settings(config, gcdr))],
        "student": training_works(student_training(config, share, gcdr, 1), people, labelled),
    }
    print(f"{people:,} people, {share} % of them labelled")
    hours = {name: seconds_of(table, works) / 3600 for name, works in stages.items()}
    for name, core in {**hours, "together": sum(hours.values())}.items():
        print(f"{name:24s} {core:12,.0f} h of a core {core / table.gpu.faster:10,.1f} h of a GPU")
    side, cells = config["samples"]["size"], config["heatmap"]["size"]
    layers = len(config["priors"]["ofa-large"]["layers"])
    disk = {
        "picture cache": 2
        * 3
        * side**2,  # scene and head, a byte a channel; a scene once for all in it
        "prior store": layers * 30**2 * 4,  # of the grid of 480 pixels
        "label store": cells**2 * 2,
    }
    for name, size in disk.items():
        print(f"{name:24s} {size * people / 1e9:12,.0f} GB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    kinds = parser.add_subparsers(required=True)
    planned, costs = kinds.add_parser("plan"), kinds.add_parser("study")
    planned.set_defaults(run=plan)
    planned.add_argument("--shards", type=int, default=1000)
    planned.add_argument("--detection", type=int, default=200)
    planned.add_argument("--settings", type=int, default=1)
    costs.set_defaults(run=study)
    costs.add_argument("--people", type=int, default=130_339)
    costs.add_argument("--labelled", type=int, default=10, help="per cent")
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
