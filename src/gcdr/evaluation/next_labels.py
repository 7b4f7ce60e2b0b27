"""From a study's files to a list of people to label next: what ``gcdr suggest`` calls.

Read are the split's roles and shown labels, the label store, the student's predictions and reduced pictures;
what the split hides is never read.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F

from gcdr.base.errors import InputError
from gcdr.data.cache import Samples
from gcdr.data.heatmaps import peak_points
from gcdr.data.lookup import places
from gcdr.data.manifest import BOX, CONTEXT, people_digest, read_people
from gcdr.data.parquet import table_about
from gcdr.data.shown import read_shown, split_identity
from gcdr.data.split import UNLABELLED
from gcdr.data.stores import Store, read_labels
from gcdr.evaluation.suggestions import (
    DOUBTS,
    check_count,
    choose_people,
    mean_rank,
    scaled_features,
)
from gcdr.refine.trust import distance
from gcdr.variants import parse_variant, pseudo_variant

TARGET = "snakemake --cores all suggestions --configfile YOURS.yaml"
"""What makes the files that are not there yet."""
PIXELS = 8  # side of the reduced pictures that people are compared by
TO_FILL = ["gaze_x", "gaze_y", "in_frame", "label"]


@dataclass(frozen=True)
class StudyFiles:
    """Where a study's files lie.

    Attributes:
        manifest: the people.
        samples: the picture cache.
        labels: the label split.
        pseudo: the label store.
        predicted: label store of what the student says of the unlabelled people.
    """

    manifest: Path
    samples: Path
    labels: Path
    pseudo: Path
    predicted: Path


def find_study(split: Path, data: Path | None = None, student: str | None = None) -> StudyFiles:
    """The files of a study by the folder of its label split.

    Args:
        split: such as ``results/demo/labels10-seed0``.
        data: folder of the data set; None looks beside the study (``results/data``) for the same people.
        student: variant of the student; None takes the only one of GCDR whose predictions are there.

    Raises:
        InputError: something is not there; where a target makes it, that is said.
    """
    labels = split / "labels.parquet"
    if not labels.is_file():
        raise InputError(
            f"{split}: found no labels.parquet, expected the folder of a label split such as "
            "results/demo/labels10-seed0"
        )
    predicted = _predictions(split / "predicted", student)
    asked = parse_variant(predicted.stem)
    pseudo = split / f"pseudo/{pseudo_variant(asked)}.h5"
    folder = data or _data_of(labels, split.parent.parent / "data")
    caches = sorted(folder.glob("samples-*.h5"), key=lambda path: (path.stat().st_size, path))
    wanted = (folder / "manifest.parquet", pseudo, *(caches[:1] or [folder / "samples-*.h5"]))
    for path in wanted:
        if not path.is_file():
            raise InputError(f"{path}: no such file; {TARGET} makes it")
    return StudyFiles(wanted[0], wanted[2], labels, pseudo, predicted)


def _predictions(folder: Path, student: str | None) -> Path:
    """The store of a student's predictions."""
    if student is not None:
        found = [folder / f"{parse_variant(student)}.h5"]
    else:
        stores = sorted(folder.glob("*.h5"))
        found = [path for path in stores if parse_variant(path.stem).method == "gcdr"]
    if len(found) > 1:
        names = ", ".join(path.stem for path in found)
        raise InputError(f"{folder}: found several students, name one by --student: {names}")
    if not found or not found[0].is_file():
        missing = found[0] if found else f"{folder}/gcdr-*.h5"
        raise InputError(
            f"{missing}: no predictions for the unlabelled people; {TARGET} makes them"
        )
    return found[0]


def _data_of(labels: Path, root: Path) -> Path:
    """The data set of the people that a label split is of."""
    digest = table_about(labels)["people"]
    for manifest in sorted(root.glob("*/manifest.parquet")):
        if people_digest(read_people(manifest)) == digest:
            return manifest.parent
    raise InputError(
        f"{root}: no data set in it has the people of {labels}; expected the folder of theirs by --data"
    )


def suggestions(
    files: StudyFiles,
    count: int,
    per_image: int = 2,
    seed: int = 0,
    by: tuple[bool, bool] = (True, True),
) -> tuple[pd.DataFrame, int]:
    """The people to label next, best first.

    Args:
        files: the study's.
        count: how many.
        per_image: at most so many of an image.
        seed: decides between equal ones.
        by: whether doubt counts, and whether novelty does; for comparison.

    Returns:
        one row a person: ``rank`` from 1, ``image``, head box, the columns of ``TO_FILL``, empty, ``split``,
        those of ``CONTEXT`` that are known, ``person`` (the ``sample_id``), ``score``, ``novelty``, and the
        doubts by the names of ``DOUBTS``; and how many people they were chosen from.

    Raises:
        InputError: nobody or too few are unlabelled, or a store is damaged, of other people or another split.
    """
    people = read_people(files.manifest)
    digest = people_digest(people)
    shown = read_shown(files.labels, digest)
    ids = shown.loc[shown["role"] == UNLABELLED, "sample_id"].to_numpy()
    split = split_identity(files.labels)["digest"]
    if not len(ids):
        check_count(count, ids, per_image)
    student = read_labels(files.predicted, digest, ids, split)
    pseudo = read_labels(files.pseudo, digest, ids, split)
    seen = student.valid  # nobody labels a picture that cannot be read
    rows = people.iloc[places(people["sample_id"].to_numpy(), ids[seen], files.manifest)]
    check_count(count, rows["image"].to_numpy(), per_image)
    point = peak_points(torch.from_numpy(student.heatmap))
    doubts = {name: part[seen] for name, part in doubts_of(pseudo, point).items()}
    score = mean_rank(doubts)
    known = shown[shown["role"] != UNLABELLED]
    features, labelled = _features(files.samples, digest, rows, point[seen].numpy(), known)
    image = rows["image"].to_numpy()
    counted = score if by[0] else np.ones_like(score)
    limits = (count, per_image, seed)
    chosen, novelty = choose_people(counted, features, labelled, image, *limits, novel=by[1])
    table = pd.DataFrame({"rank": np.arange(1, count + 1)})
    taken = rows.iloc[chosen].reset_index(drop=True)
    table[["image", *BOX]] = taken[["image", *BOX]]
    table[TO_FILL] = None
    table["split"] = "train"
    table[[name for name in CONTEXT if name in taken]] = taken[[n for n in CONTEXT if n in taken]]
    table["person"] = taken["sample_id"]
    table["score"], table["novelty"] = score[chosen].round(4), novelty.round(4)
    for name, part in doubts.items():
        table[name] = np.asarray(part[chosen], float).round(4)
    return table, len(rows)


def doubts_of(pseudo: Store, point: torch.Tensor) -> dict[str, np.ndarray]:
    """What speaks against the labels of people, by the names of ``DOUBTS``.

    Args:
        pseudo: their N pseudo-labels.
        point: (N, 2) where the student says that they look, in 0..1.

    Returns:
        (N,) each, NaN where it is not known.
    """
    maps = torch.from_numpy(pseudo.heatmap)
    draws = maps[:, None] if maps.ndim == 3 else maps
    apart = torch.stack([distance(peak_points(draw), point) for draw in draws.unbind(1)], 1).mean(1)
    found = {
        "draws": pseudo.columns.get("draw_spread"),
        "prior": pseudo.columns.get("prior_distance"),
        "student": apart.numpy(),
        "entropy": pseudo.columns.get("entropy"),
    }
    unknown = np.full(len(point), np.nan)
    assert found.keys() == DOUBTS.keys()
    return {
        name: unknown if part is None else np.where(pseudo.valid, part, np.nan)
        for name, part in found.items()
    }


def _features(
    samples: Path, digest: str, rows: pd.DataFrame, point: np.ndarray, known: pd.DataFrame
) -> tuple[np.ndarray, np.ndarray]:
    """Features of unlabelled and of labelled people: reduced picture, head box, and where they look.

    Args:
        samples: the picture cache.
        digest: of the people.
        rows: the N unlabelled people.
        point: (N, 2) where the student says that they look.
        known: the M labelled ones, with their labels.
    """
    cache = Samples.open(samples, digest)
    gaze = known[["gaze_x", "gaze_y"]].to_numpy(float)
    middle = point.mean(0) if len(point) else np.full(2, 0.5)
    points = np.concatenate([point, np.where(np.isfinite(gaze), gaze, middle)])
    place = cache.rows(np.concatenate([rows["sample_id"], known["sample_id"]]))
    found = scaled_features([_reduced(cache, place), cache.head_box[place], points])
    return found[: len(rows)], found[len(rows) :]


def _reduced(cache: Samples, rows: np.ndarray) -> np.ndarray:
    """(N, 3 x PIXELS x PIXELS) pictures of people, averaged over squares, in 0..1."""
    scenes, member = np.unique(cache.scene_index[rows], return_inverse=True)
    parts = [
        F.adaptive_avg_pool2d(torch.from_numpy(cache.scene[part]).float().div_(255), PIXELS)
        for part in np.array_split(scenes, -(-len(scenes) // 256))
    ]
    return torch.cat(parts).flatten(1).numpy()[member]
