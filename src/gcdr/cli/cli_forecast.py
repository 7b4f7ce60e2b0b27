"""``gcdr forecast``: time, memory and disk of a run before it (:mod:`gcdr.cli`)."""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gcdr.base.errors import InputError

TABLE = Path("workflow/resources.yaml")
RESULTS = Path("results")

NOTICE = "Using workflow specific profile"


def add_forecast(commands: Any) -> None:
    """``gcdr forecast``: what a run will take here."""
    parser = commands.add_parser(
        "forecast",
        help="say how long a run will take on this machine, and what memory and disk",
        description="Plans the run, asks and trains the models in it for some seconds each on this machine "
        "(two minutes in all for the paper's), and adds up. Nothing is made. To be called in the top "
        "folder of the repository, where the jobs will run. Exit status: 1 if the disk is too small, or "
        "the GPU for a batch.",
    )
    parser.add_argument(
        "targets", nargs="*", metavar="TARGET", help="as for snakemake (default: all)"
    )
    parser.add_argument(
        "--configfile", type=Path, nargs="+", default=[], metavar="FILE", help="as for snakemake"
    )
    parser.add_argument("--cores", type=int, help="of this machine (default: all)")
    parser.add_argument(
        "--as-written",
        action="store_true",
        help="measure nothing and take the figures of workflow/resources.yaml, as on a login node",
    )
    parser.add_argument(
        "--table",
        type=Path,
        help="file to write the figures to, as they are here; GCDR_RESOURCES=FILE has jobs ask by them",
    )
    parser.set_defaults(run=forecast)


def forecast(args: argparse.Namespace) -> int:
    """Print stages and sums; 1 if the disk is too small."""
    from gcdr.config.own import read_checked
    from gcdr.datasets.images import processors
    from gcdr.forecast.sums import stages, state_bytes
    from gcdr.settings.job_needs import read_figures

    config = read_checked(args.configfile)
    if args.table is not None and args.table.exists():
        raise InputError(f"{args.table}: is there already; name a new file (--table)")
    if args.table is not None and args.as_written:
        raise InputError("--table with --as-written: nothing is measured, so there is no new table")
    if args.cores is not None and args.cores < 1:
        raise InputError(f"--cores: found {args.cores}, expected 1 or more")
    cores = args.cores or processors()
    with tempfile.TemporaryDirectory() as folder:
        fits = True
        jobs, told = (
            _planned(args, Path(folder, "first"), TABLE),
            ["the figures of the table, not of this machine"],
        )
        if jobs and not args.as_written:
            table, told, fits = _measured(config, {job.rule for job in jobs}, read_figures(TABLE))
            here = args.table or Path(folder, "here.yaml")
            _write(table, here)
            jobs = _planned(args, Path(folder, "second"), here)
    state = state_bytes(jobs, config)
    shared = config["device"] in ("auto", "cuda")
    lines, enough = forecast_lines(stages(jobs, config), jobs, cores, state, shared)
    print("\n".join([*lines, *told]))
    if args.table is not None and jobs:
        print(f"{args.table}: written; GCDR_RESOURCES={args.table} has jobs ask by it")
    return 0 if enough and fits else 1


def _planned(args: argparse.Namespace, file: Path, table: Path) -> list[Any]:
    """The jobs of a dry run, with what a table of figures says of them."""
    from gcdr.forecast.sums import read_jobs

    files = ["--configfile", *map(str, args.configfile)] if args.configfile else []
    command = ["-n", "--cores", "1", *files, "--logger", "gcdr", "--logger-gcdr-jobs", str(file)]
    run = subprocess.run(
        [sys.executable, "-m", "snakemake", *command, "--", *args.targets],
        env={**os.environ, "GCDR_RESOURCES": str(table.resolve())},
        capture_output=True,
        text=True,
    )
    if run.returncode:
        # Errors of a rule's input stand in stdout, those of the configuration in stderr, below a notice.
        said = f"{run.stderr}\n{run.stdout}".strip().splitlines()
        said = [line for line in said if line.strip() and not line.startswith(NOTICE)]
        raise InputError("\n  ".join(["the workflow cannot be planned:", *said[-12:]]))
    return read_jobs(file)


def _measured(config: Any, rules: set[str], table: Any) -> tuple[Any, list[str], bool]:
    """The table as it is on this machine, what there is to say of the measuring, and whether batches fit."""
    from gcdr.base.device import pick_device
    from gcdr.forecast.machine_rates import measure_rates

    device = pick_device(config["device"])
    rates = measure_rates(config, rules, table, device)
    where = "a GPU" if rates.on_gpu else "a core"
    told = [f"measured here, seconds of {where} for a person:"]
    for name, row in rates.models.items():
        parts = {"asked": row.ask, "a step": row.step, "learned from": row.learn}
        seconds = ", ".join(f"{what} {value:.3g}" for what, value in parts.items() if value)
        told.append(f"  {name}: {seconds}")
    told.append(f"  an interpreter starts in {rates.start:.1f} s")
    told += [*rates.notes, *rates.too_large]
    return rates.laid_over(table), told, not rates.too_large


def _write(table: Any, file: Path) -> None:
    import yaml

    from gcdr.base.files import atomic

    with atomic(file) as temporary:
        text = yaml.safe_dump(table.to_json(), sort_keys=False)
        temporary.write_text(f"# Written by gcdr forecast.\n{text}")


def forecast_lines(
    found: Sequence[Any], jobs: Sequence[Any], cores: int, state: float = 0.0, shared: bool = True
) -> tuple[list[str], bool]:
    """What is printed of stages, and whether the disk is large enough, with the states of trainings.

    Args:
        found: of :func:`gcdr.forecast.sums.stages`.
        jobs: the jobs.
        cores: of the machine.
        state: bytes that a training keeps beside its model while it runs.
        shared: whether jobs may take any GPU of the machine, and not a named one alone.
    """
    from gcdr.config.preflight import machine_memory
    from gcdr.forecast.sums import wall

    if not jobs:
        return ["nothing to do: all of it is there"], True
    gpus = max(1, gpus_here() if shared else 1) if any(job.gpu for job in jobs) else 0
    lines = [f"{'':24}{'jobs':>6}{'core':>12}{'GPU':>12}{'memory':>11}{'disk':>11}"]
    for one in found:
        core, gpu = ("", _clock(one.seconds)) if one.gpu else (_clock(one.seconds), "")
        size = f"{one.bytes / 1e9:.2f} GB" if one.bytes >= 5e6 else ""
        lines.append(f"{one.rule:24}{one.jobs:>6}{core:>12}{gpu:>12}{one.mb:>8} MB{size:>11}")
    sums = [sum(one.seconds for one in found if one.gpu == on_gpu) for on_gpu in (False, True)]
    made = sum(one.bytes for one in found)
    lines.append(
        f"{'together':24}{len(jobs):>6}{_clock(sums[0]):>12}{_clock(sums[1]) if sums[1] else '':>12}"
        f"{max(one.mb for one in found):>8} MB{made / 1e9:>8.2f} GB"
    )
    if state >= 5e6:
        lines.append(f"and {state / 1e9:.2f} GB of state for each training that runs")
    on = f"{cores} cores" + (f" and {gpus} GPU{'s' * (gpus > 1)}" if gpus else "")
    lines.append(f"at least {_clock(wall(jobs, cores, gpus))} of the clock on {on}")
    largest = max(found, key=lambda one: one.mb)
    if largest.mb > machine_memory():
        lines.append(
            f"{largest.rule} asks for {largest.mb} MB; this machine has {machine_memory()} MB, so that "
            "such jobs run alone and may not fit"
        )
    at_a_time = min(gpus or cores, sum(one.jobs for one in found if one.rule.startswith("train_")))
    needed = made + state * at_a_time
    free = shutil.disk_usage(RESULTS if RESULTS.is_dir() else Path.cwd()).free
    if needed > free:
        lines.append(
            f"the disk is too small: results need about {needed / 1e9:.1f} GB, {free / 1e9:.1f} GB are free"
        )
    return lines, needed <= free


def gpus_here() -> int:
    """GPUs of this machine."""
    import torch

    return torch.cuda.device_count()


def _clock(seconds: float) -> str:
    """Seconds, minutes or hours, as fits."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
