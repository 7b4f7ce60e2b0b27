"""What a job asks a machine for: memory, time and threads, by a table of figures and how much there is to do.

The table is ``workflow/resources.yaml``, which says where its figures are from. No torch: planning asks.
"""

import math
import mmap
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from gcdr.base.jsonconfig import JsonConfig
from gcdr.base.plain import Config
from gcdr.config.pools import members_of
from gcdr.config.yamlfiles import read_yaml
from gcdr.datasets.layout import annotation_files, picture_names
from gcdr.datasets.published import PUBLISHED
from gcdr.refine.options import RefineSettings
from gcdr.settings.learning import TeacherTraining
from gcdr.training.recipes import (
    GazeMeanTeacher,
    GazeModelSettings,
    GazeTraining,
    OnlineTraining,
    TokenTraining,
)

OTHER = "other"  # row of a model that the table does not list
ASSUMED = 20_000  # people of a data set that nobody has counted yet
SMALL = 10**8  # bytes
FOUND_A_JOB = 8_000  # people whose bodies one job of a data set's finds, where nothing else is said
IN_A_PICTURE = 2  # people of one's own pictures whose heads are yet to be found
IN_A_FRAME = 3  # people of the demo world's shows, at the most


@dataclass(frozen=True)
class RuleFigures(JsonConfig):
    """A rule's own share, without that of the model which it asks or trains.

    Attributes:
        mb: memory of a job in MB.
        mb_person: what each of its people adds.
        seconds: of one core.
        seconds_person: what each of its people adds.
        threads: cores of a job.
    """

    mb: float
    seconds: float
    mb_person: float = 0.0
    seconds_person: float = 0.0
    threads: int = 1


@dataclass(frozen=True)
class ModelFigures(JsonConfig):
    """A model's share, in float32 on one core; figures of MB are beside the interpreter and its libraries.

    Attributes:
        mb: memory in which it is asked about a block of people.
        mb_learn: memory in which it is trained, without what people in a batch add.
        mb_batch: what each person of a training's batch adds.
        ask: seconds in which it says all about a person; of the denoiser what its steps have in common.
        step: seconds of one step of the denoiser, for a person.
        learn: seconds in which it learns from a person once.
    """

    mb: float
    ask: float
    mb_learn: float = 0.0
    mb_batch: float = 0.0
    step: float = 0.0
    learn: float = 0.0


@dataclass(frozen=True)
class GpuFigures(JsonConfig):
    """A GPU beside a core.

    Attributes:
        faster: how many times as fast it computes a model.
        mb: what its libraries take of the machine's memory, in MB, beside what a model takes that is asked:
            what training adds lies on the GPU.
    """

    faster: float
    mb: float


@dataclass(frozen=True)
class Margin(JsonConfig):
    """How far above the figures a job asks.

    Attributes:
        memory, time: factors.
        minutes: the least time.
        engine_mb: memory of Snakemake, which runs inside a cluster's job.
        again_memory, again_time: factors of each further attempt.
    """

    memory: float
    time: float
    minutes: int
    engine_mb: float
    again_memory: float
    again_time: float


@dataclass(frozen=True)
class ResourceTable(JsonConfig):
    """The table, by rules and by models.

    Attributes:
        start: CPU seconds in which an interpreter has imported what a training imports, where the rules'
            seconds were measured; :mod:`gcdr.forecast.machine_rates` compares a machine by it.
    """

    start: float
    margin: Margin
    gpu: GpuFigures
    models: dict[str, ModelFigures]
    rules: dict[str, RuleFigures]


@dataclass(frozen=True)
class Work:
    """What one model has to do in a job.

    Attributes:
        model: its row in the table; empty for none.
        asked: people whom it is asked about.
        steps: steps of the denoiser for each of them, over all draws and visits.
        learned: people whom it learns from, counted as often as it does.
        batch: people in a batch of its training.
    """

    model: str = ""
    asked: float = 0
    steps: int = 0
    learned: float = 0
    batch: int = 0


@dataclass(frozen=True)
class JobNeeds:
    """What a job asks for: memory in MB, whole minutes, GPUs; and the seconds it is thought to take, bare."""

    mem_mb: int
    runtime: int
    gpu: int = 0
    seconds: int = 0


def read_figures(path: Path) -> ResourceTable:
    """The table of a file.

    Raises:
        InputError: it cannot be read, or a row lacks a figure or has one that is unknown.
    """
    return ResourceTable.from_json(read_yaml(path), str(path))


def needs(
    table: ResourceTable,
    rule: str,
    people: float,
    works: Sequence[Work],
    gpu: int,
    attempt: int = 1,
    processes: int = 1,
) -> JobNeeds:
    """What a job of a rule asks for.

    Args:
        table: the figures.
        rule: its name.
        people: whom the job goes through.
        works: what models do in it.
        gpu: GPUs on which each process does it.
        attempt: how often the job was started, counted from 1.
        processes: among which it shares a batch.
    """
    row, margin = table.rules[rule], table.margin
    memory = row.mb * processes + row.mb_person * people
    seconds = row.seconds + row.seconds_person * people
    for work in works:
        figures = table.models.get(work.model, table.models[OTHER])
        taken = (
            work.asked * (figures.ask + work.steps * figures.step) + work.learned * figures.learn
        )
        training = figures.mb_learn * processes + work.batch * figures.mb_batch if work.batch else 0
        seconds += taken / processes / (table.gpu.faster if gpu else 1)
        memory += (table.gpu.mb + figures.mb) * processes if gpu else max(figures.mb, training)
    more, longer = margin.again_memory ** (attempt - 1), margin.again_time ** (attempt - 1)
    minutes = max(margin.minutes, math.ceil(margin.time * seconds / 60))
    asked_mb = (margin.memory * memory + margin.engine_mb) * more
    gpus = gpu * processes if works else 0
    memory_asked, time_asked = math.ceil(asked_mb / 100) * 100, math.ceil(minutes * longer)
    return JobNeeds(memory_asked, time_asked, gpus, math.ceil(seconds))


def people_in(config: Config, dataset: str, results: Path = Path("results")) -> int:
    """How many people a data set has: by its manifest, else as many as it is said to have."""
    if (counted := rows_of(results / "data" / dataset / "manifest.parquet")) is not None:
        return counted
    return people_expected(config, dataset, partial(people_in, config, results=results))


def people_expected(
    config: Config, dataset: str, member: Callable[[str], int] | None = None
) -> int:
    """How many people a data set is said to have, whether it was read or not: by its entry, table or authors.

    Args:
        config: the configuration.
        dataset: its name.
        member: what counts a data set of a pool; None: this.
    """
    source = config["datasets"][dataset]
    if source["kind"] == "pool":
        count = member or partial(people_expected, config)
        return sum(count(name) for name in members_of(source))
    if "train_people" in source:
        return int(source["train_people"] + source["test_people"])
    if "clips" in source:
        return int((source["clips"] + source["test_clips"]) * source["frames"] * IN_A_FRAME)
    table = source.get("table" if source["kind"] == "folder" else "annotations")
    if table is not None and (lines := lines_of(Path(table))) is not None:
        return max(1, lines - 1)
    if source["kind"] == "folder" and (pictures := pictures_in(Path(source["images"]))):
        return IN_A_PICTURE * pictures
    if source["kind"] == "gazelle" or source.get("shows"):  # a file's entries, a track's rows
        files = annotation_files(source) if Path(source["root"]).is_dir() else []
        entries = mentions_of if source["kind"] == "gazelle" else lines_of
        if found := sum(entries(file) or 0 for file in files):
            return found
    published = PUBLISHED.get(source["kind"], {})
    parts = published.get("train people", 0) + published.get("test people", 0)
    return published.get("people", parts) or ASSUMED


def detection_jobs(config: Config, dataset: str) -> int:
    """How many jobs share the pictures of a data set in which bodies are found."""
    return config["detect"]["shards"] or math.ceil(people_expected(config, dataset) / FOUND_A_JOB)


@cache
def pictures_in(folder: Path) -> int:
    """Pictures below a folder; 0 where there is none."""
    return len(picture_names(folder)) if folder.is_dir() else 0


@cache
def mentions_of(file: Path, key: bytes = b'"bbox"') -> int | None:
    """How often a key stands in a JSON file; None of what cannot be read."""
    try:
        with (
            file.open("rb") as opened,
            mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as text,
        ):
            return len(re.findall(re.escape(key), text))
    except (OSError, ValueError):  # an empty file cannot be mapped
        return None


@cache
def lines_of(table: Path) -> int | None:
    """Lines of a text file; None of what cannot be read."""
    try:
        with table.open("rb") as file:
            return sum(1 for _ in file)
    except OSError:
        return None


@cache
def rows_of(table: Path) -> int | None:
    """Rows of a Parquet file by its last bytes; None of what is not there or cannot be read."""
    try:
        return int(parquet.read_metadata(table).num_rows)
    except (OSError, pa.ArrowException):
        return None


def people_of_job(config: Config, wildcards: Mapping[str, str]) -> float:
    """How many people a job goes through: of its shard, data set or study, or of all studies of a report.

    Args:
        config: the configuration.
        wildcards: of the job.
    """
    if dataset := wildcards.get("dataset"):
        return people_in(config, dataset) / int(wildcards.get("shards", 1))
    study = wildcards.get("study")
    studies = [study] if study else config["report"]["studies"]
    return sum(people_in(config, config["studies"][name]["dataset"]) for name in studies)


def gaze_row(model: GazeModelSettings) -> str:
    """The table's row of a gaze model."""
    return f"{model.kind} {model.size}"


def vqa_row(weights: Path, size: str | None) -> str:
    """The table's row of a VQA model; one whose weights are small is of the demo world's size.

    Args:
        weights: the file of its weights, which need not be there.
        size: which of the released sizes it is said to be.
    """
    small = weights.is_file() and weights.stat().st_size < SMALL
    return f"vqa {'world' if small else size}"


def refining(size: str, people: float, refine: RefineSettings) -> Work:
    """Maps of people refined by the denoiser of a size."""
    return Work(f"denoiser {size}", people, (refine.steps or 1) * refine.draws)


def training_works(
    training: TeacherTraining | OnlineTraining | TokenTraining, people: float, labelled: float
) -> list[Work]:
    """What a training takes.

    Args:
        training: its settings.
        people: of its data set.
        labelled: those with a label.
    """
    if isinstance(training, OnlineTraining):
        (student,) = training_works(training.student, people, labelled)
        return [student, refining(training.student.model.size, student.learned, training.refine)]
    recipe = training.recipe
    if isinstance(training, TokenTraining):
        learned = recipe.length(max(1, people / recipe.batch)) * recipe.batch * len(recipe.rates)
        student = Work(gaze_row(training.model), learned=learned, batch=recipe.batch)
        return [student, Work(gaze_row(training.teacher), asked=learned)]
    teacher = getattr(training, "mean_teacher", None)
    own = getattr(teacher or training, "labelled_per_batch", None)
    in_pass = people if teacher else labelled
    if own:  # the others have places of their own in a batch, and a pass is one over them
        in_pass = people * recipe.batch / (recipe.batch - own)
    draws = getattr(recipe, "draws", 1)
    rates = len(recipe.lr) if isinstance(recipe.lr, Sequence) else 1  # a training for each
    learned = recipe.length(max(1, in_pass / recipe.batch)) * recipe.batch * draws * rates
    steps = 0
    if isinstance(training, GazeTraining | GazeMeanTeacher):
        model = gaze_row(training.model)
    else:
        model, steps = f"denoiser {training.network.size}", teacher.steps if teacher else 0
    asked = learned if teacher else 0  # the running average of Mean Teacher, about the same people
    return [Work(model, asked, steps, learned, recipe.batch * draws)]
