"""What a job asks a machine for: memory, time and threads, by a table of figures and how much there is to do.

The table is ``workflow/resources.yaml``, which says where its figures are from. No torch: planning asks.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gcdr.base.jsonconfig import JsonConfig
from gcdr.config.yamlfiles import read_yaml
from gcdr.refine.options import RefineSettings
from gcdr.settings.learning import TeacherTraining
from gcdr.training.recipes import (
    GazeConsistency,
    GazeModelSettings,
    GazeTraining,
    MeanTeacher,
    OneModel,
    OnlineTraining,
    TokenTraining,
)

OTHER = "other"  # row of a model that the table does not list
SMALL = 10**8  # bytes


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
        again_memory, again_time: factors of each further attempt; a training goes on where it was, in the
            same time.
        most_mb, most_minutes: what no job asks for more than, such as the limits of a partition, beyond
            which it would wait for ever; None for no limit.
    """

    memory: float
    time: float
    minutes: int
    engine_mb: float
    again_memory: float
    again_time: float
    most_mb: int | None = None
    most_minutes: int | None = None


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
    seconds = row.seconds + row.seconds_person * people
    held: dict[str, float] = {}  # by model: one that has several works is there once
    for work in works:
        figures = table.models.get(work.model, table.models[OTHER])
        taken = (
            work.asked * (figures.ask + work.steps * figures.step) + work.learned * figures.learn
        )
        training = figures.mb_learn * processes + work.batch * figures.mb_batch if work.batch else 0
        seconds += taken / processes / (table.gpu.faster if gpu else 1)
        mb = (table.gpu.mb + figures.mb) * processes if gpu else max(figures.mb, training)
        held[work.model] = max(held.get(work.model, 0), mb)
    memory = row.mb * processes + row.mb_person * people + sum(held.values())
    more = margin.again_memory ** (attempt - 1)
    goes_on = any(work.learned for work in works)
    longer = 1 if goes_on else margin.again_time ** (attempt - 1)
    minutes = max(margin.minutes, math.ceil(margin.time * seconds / 60))
    asked_minutes = math.ceil(minutes * longer)
    asked_mb = math.ceil((margin.memory * memory + margin.engine_mb) * more / 100) * 100
    return JobNeeds(
        min(asked_mb, margin.most_mb or asked_mb),
        min(asked_minutes, margin.most_minutes or asked_minutes),
        gpu * processes if works else 0,
        math.ceil(seconds),
    )


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
    held = getattr(training, "unlabelled", None)
    own = getattr(held or training, "labelled_per_batch", None)
    in_pass = people if held else labelled
    if own:  # the others have places of their own in a batch, and a pass is one over them
        in_pass = people * recipe.batch / (recipe.batch - own)
    draws = getattr(recipe, "draws", 1)
    rates = len(recipe.lr) if isinstance(recipe.lr, Sequence) else 1  # a training for each
    learned = recipe.length(max(1, in_pass / recipe.batch)) * recipe.batch * draws * rates
    steps = 0
    if isinstance(training, GazeTraining | GazeConsistency):
        model = gaze_row(training.model)
    else:
        model, steps = f"denoiser {training.network.size}", held.steps if held else 0
    views, asked = _of_each_person(held)
    return [Work(model, asked * learned, steps, views * learned, views * recipe.batch * draws)]


def _of_each_person(held: MeanTeacher | OneModel | None) -> tuple[int, int]:
    """Views of a person in a batch that are learned from, and others that a model is asked about.

    Mean Teacher asks the running average, FixMatch and FreeMatch the model; a Π-Model learns from both.
    """
    strategy = getattr(held, "strategy", "mean-teacher")
    if held is None or strategy == "temporal-ensembling":
        return 1, 0
    return (2, 0) if strategy == "pi-model" else (1, 1)
