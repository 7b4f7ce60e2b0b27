"""The test people of the study that a report shows: their files, and what is shown of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gcdr.data.lookup import places
from gcdr.data.manifest import BODY, BOX, people_digest, read_annotations, read_people
from gcdr.data.parquet import read_rows
from gcdr.data.pictures import open_image
from gcdr.data.shown import split_identity
from gcdr.data.stores import Store, read_labels, read_prior
from gcdr.methods import LABELS_ALONE
from gcdr.report.overlays import Example
from gcdr.report.person_errors import distribution_text, person_traits, read_distances
from gcdr.report.picked_people import (
    BY_ANNOTATORS,
    BY_METHODS,
    PersonShown,
    person_pictures,
    pick_people,
    pick_track,
)
from gcdr.report.slices import RunErrors, Sliced, slice_runs, slice_table
from gcdr.report.tables import name_in
from gcdr.settings.reporting import ShownStudy
from gcdr.variants import averaged, parse_variant, variant

PEOPLE = 4  # in each group of those who are shown by their error
FRAMES = 8  # of a track


@dataclass(frozen=True)
class StudyPeople:
    """Test people who look into the frame, all in one order.

    Attributes:
        people: the whole manifest.
        rows: N rows of it, those of these people.
        digest: of the manifest's people.
        split: digest of the label split.
        annotations: (N, A, 2) in 0..1, padded with NaN.
        prior: the prior store's rows of them, heatmaps (N, G, G).
        raw: (N,) distance of the prior's peak.
    """

    people: pd.DataFrame
    rows: pd.DataFrame
    digest: str
    split: str
    annotations: np.ndarray
    prior: Store
    raw: np.ndarray

    @property
    def sample_id(self) -> np.ndarray:
        """(N,) int64."""
        return self.prior.sample_id


def read_tested(shown: ShownStudy) -> StudyPeople:
    """Read once what several parts of the report take.

    Raises:
        InputError: a file is absent, damaged or of other people.
    """
    study, people = Path(shown.study), read_people(Path(shown.manifest))
    digest = people_digest(people)
    asked = parse_variant(shown.variant)
    raw = read_distances(study / f"metrics/gradcam+{asked.prior}.parquet")
    ids = raw["sample_id"].to_numpy()
    at = places(people["sample_id"].to_numpy(), ids, shown.manifest)
    return StudyPeople(
        people,
        people.iloc[at],
        digest,
        split_identity(study / "labels.parquet")["digest"],
        read_annotations(Path(shown.annotations), ids, digest),
        read_prior(shown.prior, digest, ids, shown.layer, shown.prior_made_by),
        raw["dist_to_mean"].to_numpy(),
    )


def choose_examples(shown: ShownStudy, tested: StudyPeople, count: int) -> list[Example]:
    """Test people whose raw Grad-CAM map is good, dispersed or wrong, ``count`` in all.

    "Good" peaks within 0.1 of the annotators' mean; "wrong" is a concentrated map that peaks beyond
    0.3; "dispersed" maps are the widest. Among those, people are taken by the order of their ids.
    """
    store, study = tested.prior, Path(shown.study)
    mass = store.heatmap.reshape(len(store.heatmap), -1)
    highest = np.sort(mass, 1)[:, -6:].sum(1)
    share = highest / np.maximum(mass.sum(1), 1e-12)  # in the six highest cells
    middle = np.median(share)
    groups = {
        "good": (tested.raw < 0.1) & (share > middle),
        "dispersed": share <= np.quantile(share, 0.15),
        "wrong": (tested.raw > 0.3) & (share > middle),
    }
    chosen: list[tuple[str, int]] = []
    for number, (group, members) in enumerate(groups.items()):
        quota, fitting = (count + 2 - number) // 3, np.flatnonzero(members & store.valid)
        rows = fitting[:: max(1, len(fitting) // max(1, quota))][:quota]
        chosen += [(group, int(row)) for row in rows]
    ids = tested.sample_id[[row for _, row in chosen]]
    of = (tested.digest, ids, tested.split)
    refined = read_labels(study / f"test/{averaged(parse_variant(shown.variant))}.h5", *of)
    predicted = read_labels(study / f"metrics/{shown.variant}.h5", *of)
    body = read_rows(Path(shown.bodies), tested.digest, ids, [*BODY, "detected"])
    examples = []
    for place, (group, row) in enumerate(chosen):
        person, found = tested.rows.iloc[row], body.iloc[place]
        examples.append(
            Example(
                np.asarray(open_image(Path(shown.images, person["image"]))),
                tuple(person[BOX].to_numpy(float)),
                tuple(found[BODY].to_numpy(float)) if found["detected"] else None,
                store.heatmap[row],
                refined.heatmap[place],
                predicted.heatmap[place],
                tested.annotations[row],
                _column(store, "question")[row],
                _column(store, "answer")[row],
                group,
            )
        )
    return examples


def _column(store: Store, column: str) -> np.ndarray:
    """A text column of a store; empty where a store from elsewhere does not have it."""
    return store.columns.get(column, np.full(len(store.sample_id), "", object))


@dataclass(frozen=True)
class Compared:
    """The shown student beside the supervised model, or the prior where that is no row.

    Attributes:
        distances: of each, and of rulers, (N,) by title.
        text: the distances in a sentence.
        sliced: their errors by slice.
        people: those who are shown.
    """

    distances: dict[str, np.ndarray]
    text: str
    sliced: Sliced
    people: list[PersonShown]


def compare_people(
    shown: ShownStudy, tested: StudyPeople, table: pd.DataFrame, others: Sequence[ShownStudy] = ()
) -> Compared:
    """Errors of the study's test people.

    Args:
        shown: the study.
        tested: its test people.
        table: of `tables.table1`, for the titles.
        others: further runs of the same variant, whose errors the slices are of as well.

    Raises:
        InputError: the metrics of a person are absent.
    """
    study, asked = Path(shown.study), parse_variant(shown.variant)
    supervised = str(variant(LABELS_ALONE, 1, 1, 1, "mean", gaze=asked.gaze))
    raw = f"gradcam+{asked.prior}"
    known = set(table["variant"])
    other = supervised if supervised in known else raw
    names = [shown.variant, *dict.fromkeys([other, raw]), *(["human"] if "human" in known else [])]
    read = {name: read_distances(study / f"metrics/{name}.parquet") for name in names}
    distances = {name_in(table, name): one["dist_to_mean"].to_numpy() for name, one in read.items()}
    distances = {title: one for title, one in distances.items() if len(one)}
    ids = tested.sample_id
    both = [read[name].set_index("sample_id").loc[ids] for name in (shown.variant, other)]
    own = _run_errors(tested, *(read[name] for name in (shown.variant, other)))
    traits, student, against = own.traits, own.student, own.other
    titles = name_in(table, shown.variant), name_in(table, other)
    runs = [own, *(_errors_of_run(one, other) for one in others)]
    whose = f"{len(ids):,} test people of {study.parent.name}"
    if others:
        whose = f"test people of {len(runs)} runs"
    note = (
        f"Errors of {titles[0]} and {titles[1]} on the same {whose}, by what is known of a person "
        "beforehand. Sizes and distances are in widths and heights of the image."
    )
    cut = slice_runs(runs) if others else slice_table(traits, student, against)
    sliced = Sliced(cut, *titles, note, len(runs))
    errors = traits[["spread", "noun"]].assign(student=student, other=against)
    several = bool((np.isfinite(tested.annotations).all(2).sum(1) > 1).any())
    apart = np.linalg.norm(
        np.subtract(*(one[["pred_x", "pred_y"]].to_numpy() for one in both)), axis=1
    )
    disputed = traits["spread"].to_numpy() if several else apart
    picked = pick_people(student, disputed, traits["image"].to_numpy(str), PEOPLE)
    picked |= pick_track(tested.rows, student, FRAMES)
    heatmap = _maps(study / f"metrics/{shown.variant}.h5", tested, picked)
    drawn: dict[str, Any] = {"images": Path(shown.images), "other": titles[1]}
    people = person_pictures(
        picked,
        errors,
        tested.rows,
        tested.annotations,
        heatmap,
        disputed_rule=BY_ANNOTATORS if several else BY_METHODS,
        **drawn,
    )
    text = distribution_text(distances, len(ids), study.parent.name)
    return Compared(distances, text, sliced, people)


def _errors_of_run(shown: ShownStudy, other: str) -> RunErrors:
    """Errors of a further run's student, and of the other method's metrics file."""
    metrics = Path(shown.study) / "metrics"
    read = (read_distances(metrics / f"{name}.parquet") for name in (shown.variant, other))
    return _run_errors(read_tested(shown), *read)


def _run_errors(tested: StudyPeople, student: pd.DataFrame, other: pd.DataFrame) -> RunErrors:
    """Errors of test people, in their order, with what is known of each."""
    ids, noun = tested.sample_id, _column(tested.prior, "noun").astype(str)
    traits = person_traits(tested.people, ids, tested.annotations, noun)
    both = (
        one.set_index("sample_id").loc[ids, "dist_to_mean"].to_numpy() for one in (student, other)
    )
    return RunErrors(traits, *both)


def _maps(path: Path, tested: StudyPeople, picked: dict[str, np.ndarray]) -> dict[int, np.ndarray]:
    """Maps of the picked people alone, by their row."""
    rows = np.unique(np.concatenate(list(picked.values())))
    store = read_labels(path, tested.digest, tested.sample_id[rows], tested.split)
    return dict(zip(rows.tolist(), store.heatmap, strict=True))
