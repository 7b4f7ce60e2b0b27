"""Whether the people of a table are enough for what is to be learned from them, before hours of work.

What a split shows is found by drawing it (:func:`gcdr.data.split.split_labels`), not guessed.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gcdr.base.errors import InputError
from gcdr.data.folds import clusters
from gcdr.data.manifest import has_label
from gcdr.data.split import LABELLED, UNLABELLED, VALIDATION, split_labels, targets


@dataclass(frozen=True)
class Plan:
    """What is to be learned from a data set's people, and how.

    Attributes:
        share, validation, seed, by, unlabelled: as for :func:`gcdr.data.split.split_labels`.
        batch: people in a training batch.
        folds: parts of the labelled people by which a timestep is chosen; 0 where it is given.
        judged: whether test people are measured on.
        taught: what needs people without a label, for messages; empty where nothing does.
    """

    share: float | None
    validation: float | None
    seed: int
    by: str
    unlabelled: float | None
    batch: int
    folds: int
    judged: bool
    taught: str


@dataclass(frozen=True)
class Finding:
    """A sentence with what was found and what to do; ``fatal`` where the run would end in an error."""

    text: str
    fatal: bool


def people_findings(people: pd.DataFrame, plan: Plan) -> list[Finding]:
    """What will fail, or mislead, when a plan is carried out with these people.

    Args:
        people: the manifest, or one without sizes (:func:`gcdr.datasets.folder.people_of_table`).
        plan: what is to be learned.
    """
    return [*_of_tests(people, plan), *_of_training(people, plan)]


def _of_tests(people: pd.DataFrame, plan: Plan) -> Iterator[Finding]:
    if not plan.judged:
        return
    test = people[people["split"] == "test"]
    bare = int((~has_label(test)).sum())
    if test.empty:
        yield Finding(
            "test people: found none, and a report measures on them; say split test of some labelled people, "
            "set datasets.NAME.test_share, or ask for no report (report.studies: [])",
            True,
        )
    elif bare:
        yield Finding(
            f"test people: {bare} of {len(test)} have no label, and nothing can be measured on them; label "
            "them, or say split train (a row that names no split is test)",
            True,
        )
    elif test["gaze_x"].isna().all():
        yield Finding(
            f"test people: all {len(test)} look out of the frame, so that no distance can be measured; say "
            "split test of some who look into it",
            True,
        )


def _of_training(people: pd.DataFrame, plan: Plan) -> Iterator[Finding]:
    train = people[people["split"] == "train"]
    known = train[has_label(train)]
    if plan.share is None and known.empty:
        elsewhere = int(has_label(people).sum())
        yield Finding(
            f"labels: of {len(train)} people with split train none has a label"
            + (f", and {elsewhere} with a label have another split" if elsewhere else "")
            + "; a row that names no split is test: say train of those to learn from",
            True,
        )
        return
    if plan.share is None and known["gaze_x"].isna().all():
        yield Finding(
            f"labels: all {len(known)} look out of the frame, and a heatmap is learned from points alone; "
            "label some who look into it",
            True,
        )
        return
    try:
        labels = split_labels(
            people, plan.share, plan.validation, plan.seed, plan.by, unlabelled=plan.unlabelled
        )
    except InputError as error:
        yield Finding(str(error), True)
        return
    yield from _of_labels(people, labels, plan)


def _of_labels(people: pd.DataFrame, labels: pd.DataFrame, plan: Plan) -> Iterator[Finding]:
    """The same of people whose labels a split has shown."""
    ids, _ = targets(labels, LABELLED)
    shown = people[people["sample_id"].isin(ids)]
    units = len(np.unique(clusters(shown)))
    if plan.folds > units:
        yield Finding(
            f"labels: {len(ids)} people in {units} images or films, fewer than the {plan.folds} folds "
            "by which labels choose the timestep; label people in more images, or say a number "
            "(refine.timestep)",
            True,
        )
    elif units == 1 and len(ids) > 1:
        yield Finding(
            f"labels: all {len(ids)} are in {shown['image'].iloc[0]}, so that one scene is learned; label "
            "people in other images",
            False,
        )
    if len(ids) < plan.batch:
        yield Finding(
            f"labels: {len(ids)} people to learn from, fewer than the {plan.batch} of a batch; each batch is "
            "all of them, which models soon know by heart: label more before you believe a figure",
            False,
        )
    if plan.validation and not (labels["role"] == VALIDATION).any():
        yield Finding(
            f"split.validation: {plan.validation:g} sets nobody of {len(ids)} labelled people aside; say 0, "
            f"or label people in {round(1 / plan.validation)} images or more",
            False,
        )
    if not (labels["role"] == UNLABELLED).any():
        yield Finding(
            "unlabelled people: found none with split train"
            + (f", and they are needed for {plan.taught}" if plan.taught else "")
            + "; leave some without a label, or add people (gcdr heads)",
            bool(plan.taught),
        )
