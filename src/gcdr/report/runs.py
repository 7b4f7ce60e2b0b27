"""What the runs of a report learned from, and how their trainings went."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from gcdr.data.shown import read_shown
from gcdr.data.split import LABELLED, UNLABELLED, VALIDATION
from gcdr.data.split_name import parse_split_folder, split_folder
from gcdr.methods import METHODS
from gcdr.report.rows import TRAINED_KINDS, row_title, titled_row
from gcdr.variants import parse_teacher, parse_variant

ROLES_SAID = {
    LABELLED: "trained with a label",
    VALIDATION: "set aside for validation",
    UNLABELLED: "picture and prior alone",
}
VALIDATION_LOSS = "validation_loss"


def people_counts(metrics: Sequence[Path], results: pd.DataFrame) -> list[tuple[str, str]]:
    """How many people trained, were set aside, gave no label, and were tested, for the head of the page.

    Args:
        metrics: metrics files, in whose study's folder the label split lies.
        results: of `tables.read_metrics`.

    Returns:
        what, and how many; from least to most where runs differ.
    """
    splits = sorted({Path(path).parents[1] / "labels.parquet" for path in metrics})
    roles = [read_shown(path)["role"].value_counts() for path in splits]
    counts = [
        (said, _range_text([int(found.get(role, 0)) for found in roles]))
        for role, said in ROLES_SAID.items()
    ]
    tested = results.loc[results["kind"].isin(TRAINED_KINDS), "people"]
    return [*counts, ("tested", _range_text(tested.tolist()))]


def _range_text(numbers: Sequence[int]) -> str:
    low, high = min(numbers, default=0), max(numbers, default=0)
    return f"{low:,}" if low == high else f"{low:,} to {high:,} a run"


def training_logs(study: Path, methods: Sequence[str], results: pd.DataFrame) -> dict[str, Path]:
    """Logs of a study's students and of the teachers behind them, by title; those that it trained.

    Args:
        study: folder of its split.
        methods: variants of the report's rows.
        results: of `tables.read_metrics`, for the titles.
    """
    teachers: dict[str, Path] = {}
    students: dict[str, Path] = {}
    rows = results.drop_duplicates("variant").set_index("variant", drop=False)
    gazes = dict(zip(results["gaze"], results["gaze_title"], strict=True))
    for name in methods:
        asked = parse_variant(name)
        if asked.model is not None:
            title = _teacher_title(asked.model, gazes, results)
            teachers[title] = _of_teacher(study, asked.model) / "log.csv"
        if asked.about.student and name in rows.index:
            title = titled_row(rows.loc[name], results)
            students[title] = study / f"students/{name}/log.csv"
    return {title: path for title, path in (teachers | students).items() if path.exists()}


def _of_teacher(study: Path, name: str) -> Path:
    """A teacher's folder; what sees no unlabelled people is the same for every amount of them."""
    if parse_teacher(name).about.labels_alone:
        split, seed = parse_split_folder(study.name)
        study = study.with_name(split_folder(split.labels_alone, seed))
    return study / "teachers" / name


def _teacher_title(name: str, gazes: dict[str, str], results: pd.DataFrame) -> str:
    first, about, prior, gaze = parse_teacher(name)
    if first in METHODS:
        prior = prior if results["prior"].nunique() > 1 else None
        several = results["gaze"].nunique() > 1
        return row_title(first, gazes.get(gaze, gaze), prior, several=several)
    title = {"diffusion": "Diffusion model", "mapping": "Direct mapping model"}[about.family]
    details = ["Mean Teacher"] * (about.unlabelled == "mean-teacher") + ["map alone"] * (
        not about.features
    )
    return f"{title} ({', '.join(details)})" if details else title


def training_text(logs: dict[str, Path], validated: int) -> str:
    """What the figure of training curves shows, and whose loss on validation people is not there.

    Args:
        logs: of :func:`training_logs`.
        validated: people who are set aside for validation.
    """
    text = "Teachers first, then students; thin as logged, thick a running mean."
    if not validated:
        return f"{text} Nobody was set aside for validation (split.validation): there is no validation loss."
    without = [
        title
        for title, path in logs.items()
        if VALIDATION_LOSS not in pd.read_csv(path, nrows=0).columns
    ]
    if len(without) == len(logs):
        return f"{text} No log holds a validation loss, though {validated} people were set aside."
    said = (
        f"{text} The validation loss is on the labels of the people set aside ({validated}, of whom at most "
        "256 are looked at), of the weights that would be kept: a running average of them lags at first."
    )
    return f"{said} Without one: {', '.join(without)}." if without else said
