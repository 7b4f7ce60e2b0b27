"""What a plan costs: jobs with their seconds and memory, by rule, and the disk of what they make."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gcdr.base.plain import Config
from gcdr.forecast.model_bytes import token_values, trained_bytes
from gcdr.priors.kinds.registry import all_stores, read_priors
from gcdr.priors.kinds.vqa_kind import VqaPrior
from gcdr.settings.people_counts import people_of_job

LARGEST_GRID = 30  # rows of OFA's maps at 480 pixels
DEPTH_MAP = 1.5  # bytes of a pixel of depth, as 16-bit PNG
KEPT = 1.3  # what columns and tables add to maps


@dataclass(frozen=True)
class Job:
    """A job of a plan.

    Attributes:
        rule: its name.
        wildcards: by name.
        seconds: that it is thought to take of one core, or of one GPU with ``gpu``.
        mb: of memory that it asks for.
        gpu: how many GPUs.
    """

    rule: str
    wildcards: Mapping[str, str]
    seconds: int
    mb: int
    gpu: int


@dataclass(frozen=True)
class Stage:
    """All jobs of a rule: how many, their seconds in all, the most memory of one, GPUs or not, bytes made."""

    rule: str
    jobs: int
    seconds: int
    mb: int
    gpu: bool
    bytes: float


def read_jobs(file: Path) -> list[Job]:
    """The jobs that Snakemake's logger noted (``--logger-gcdr-jobs``)."""
    lines = file.read_text().splitlines() if file.is_file() else []
    return [_job(json.loads(line)) for line in lines]


def _job(told: Mapping[str, object]) -> Job:
    asked, wildcards = told["resources"], told["wildcards"]
    assert isinstance(asked, dict) and isinstance(wildcards, dict)
    named = {name: str(value) for name, value in wildcards.items()}
    seconds, mb, gpu = (int(asked.get(name) or 0) for name in ("seconds", "mem_mb", "gpu"))
    return Job(str(told["rule"]), named, seconds, mb, gpu)


def stages(jobs: Sequence[Job], config: Config) -> list[Stage]:
    """The jobs by rule, in the order in which rules first come."""
    found = []
    for rule in dict.fromkeys(job.rule for job in jobs):
        of_rule = [job for job in jobs if job.rule == rule]
        found.append(
            Stage(
                rule,
                len(of_rule),
                sum(job.seconds for job in of_rule),
                max(job.mb for job in of_rule),
                any(job.gpu for job in of_rule),
                sum(bytes_of(job, config) for job in of_rule),
            )
        )
    return found


def state_bytes(jobs: Sequence[Job], config: Config) -> float:
    """Disk of the largest state of a training, which lies beside its model until it is done."""
    return max((trained_bytes(config, job.wildcards)[1] for job in jobs), default=0.0)


def wall(jobs: Sequence[Job], cores: int, gpus: int) -> float:
    """Seconds of the clock at the least: all of it shared out, and no less than the longest job."""
    on_gpu = sum(job.seconds for job in jobs if job.gpu)
    others = sum(job.seconds for job in jobs if not job.gpu)
    longest = max((job.seconds for job in jobs), default=0)
    return max(on_gpu / max(gpus, 1) + others / max(cores, 1), longest)


def bytes_of(job: Job, config: Config) -> float:
    """Disk of what a job makes, as far as it counts: pictures, tokens, maps and models, no films."""
    if job.wildcards.get("kind") in ("teachers", "students"):
        return trained_bytes(config, job.wildcards)[0]
    people = people_of_job(config, job.wildcards)
    cells = 2 * config["heatmap"]["size"] ** 2  # half precision
    side = int(job.wildcards.get("size", config["samples"]["size"]))
    if job.rule in (
        "samples",
        "pool_samples",
    ):  # scene and head, a byte a channel, before compression
        return 2 * 3 * side**2 * people
    if job.rule in ("deep_samples", "pool_deep_samples"):
        return (2 * 3 + 4) * side**2 * people  # depth in single precision
    if job.rule in (
        "tokens",
        "pool_tokens",
    ):  # half precision, as it is and flipped
        return 2 * 2 * token_values(config) * people
    if job.rule in ("drawn_depth", "estimate_depth"):  # at most: a map is of a picture
        source = config["datasets"][job.wildcards["dataset"]]
        return DEPTH_MAP * source.get("width", 640) * source.get("height", 480) * people
    if job.rule == "originals":
        return 3 * (2 * side) ** 2 * people * 0.1
    if job.rule in ("gradcam", "merge", "pointing", "import_prior"):
        return _maps(job, config) * people
    if job.rule in (
        "make_labels",
        "refine_folder",
        "predict_folder",
        "predict_unlabelled",
        "sweep",
    ):
        return KEPT * cells * people
    if job.rule == "world":
        source = config["datasets"][job.wildcards["dataset"]]
        return 0.25 * source["width"] * source["height"] * people  # a drawn picture as JPEG
    return 0.0


def _maps(job: Job, config: Config) -> float:
    """Bytes of a person's raw maps; a store that is put together has views of its shards and no maps."""
    if job.rule == "merge":
        return 0.0
    prior = all_stores(read_priors(config))[job.wildcards["store"]].prior
    layers = len(prior.layers) if isinstance(prior, VqaPrior) else 1
    return KEPT * layers * LARGEST_GRID**2 * 4
