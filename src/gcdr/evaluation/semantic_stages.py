"""What a model says is looked at, against the names of the test people; from files to files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch

from gcdr.base.files import write_sealed
from gcdr.base.plain import JsonTable
from gcdr.base.seeds import numpy_rng
from gcdr.data.folds import resampled
from gcdr.data.heatmaps import resize
from gcdr.data.label_space import read_label_space
from gcdr.data.manifest import ACCEPTED, JOINER, OBJECT, people_digest, read_meant, read_people
from gcdr.data.shown import read_shown, shown_names
from gcdr.data.split import LABELLED
from gcdr.data.tokens import open_cache
from gcdr.data.vocabulary import MISSING, label_ids
from gcdr.evaluation.metrics import bootstrap_interval
from gcdr.evaluation.semantic import (
    CENTRE,
    GRID,
    SEMANTIC_DEFINITIONS,
    accepted_guesses,
    boxed_points,
    dark_points,
    semantic_auc,
    semantic_distances,
)
from gcdr.evaluation.stages import Tested, test_people
from gcdr.models.build import read_card
from gcdr.models.learned_names import check_learned_names
from gcdr.predictor.predictor import Predictor, load_gaze_model
from gcdr.priors.named_people import read_names

Guess = Literal["random", "majority", "answers"]


def evaluate_semantics(
    model: Path,
    samples: Path,
    manifest: Path,
    annotated: Path,
    annotations: Path,
    space: Path,
    about: JsonTable,
    device: torch.device,
    out: Path,
) -> None:
    """Score where and what of the test people who look into the frame.

    Args:
        model: folder of a model with label embeddings.
        samples: the picture cache.
        manifest: the manifest.
        annotated: the same with labels, of which those of test people are read.
        annotations: the test annotators.
        space: the vocabulary, embedded by the tower that the model learned from.
        about: what is scored.
        device: where to compute.
        out: JSON of ``metrics`` with intervals, as :func:`semantic_summary` makes them.

    Raises:
        InputError: the model has learned no names, or those of another tower.
    """
    tested = test_people(manifest, annotations, samples).looking_inside()
    vocabulary = read_label_space(space)
    check_learned_names(model, vocabulary)
    said = Predictor(load_gaze_model(model), device).of_people(
        open_cache(samples), tested.ids, None
    )
    assert said.label_embedding is not None  # of a kind that names
    similarity = vocabulary.similarity(said.label_embedding.numpy())
    heatmap = resize(said.heatmap, GRID).numpy()
    # What was trained here has centres of cells at the points; a released model has their corners there.
    point = dark_points(heatmap, within=CENTRE if "settings" in read_card(model) else 0.0)
    areas = [semantic_auc(one, known) for one, known in zip(heatmap, tested.points, strict=True)]
    scores = semantic_distances(point, tested.points) | {"semantic_auc": np.array(areas)}
    meant = meant_of(annotated, tested)
    scores |= name_scores(np.argsort(-similarity, axis=1, kind="stable"), meant, vocabulary.names)
    if set(OBJECT) <= set(meant):
        box = meant[OBJECT].to_numpy(float) / np.tile(tested.people[["width", "height"]], 2)
        scores["gaze_acc"] = boxed_points(point, box)
    write_sealed(out, about | {"tower": vocabulary.tower} | semantic_summary(scores, tested))


def evaluate_guesses(
    samples: Path,
    manifest: Path,
    annotated: Path,
    annotations: Path,
    labels: Path,
    space: Path,
    guess: Guess,
    named: Path | None,
    about: JsonTable,
    out: Path,
) -> None:
    """Score names that no gaze model says: random ones, the most frequent one, or the VQA model's answers.

    Args:
        samples, manifest, annotated, annotations, space, about: as in :func:`evaluate_semantics`.
        labels: the label split, whose shown names tell the most frequent one.
        guess: whose names are scored.
        named: table of :func:`gcdr.priors.named_people.name_people`, for ``answers``.
        out: the JSON.
    """
    tested = test_people(manifest, annotations, samples).looking_inside()
    vocabulary, meant = read_label_space(space), meant_of(annotated, tested)
    names, digest = vocabulary.names, people_digest(read_people(manifest))
    if guess == "answers":
        assert named is not None
        told = read_names(named, digest, names, 0.0).set_index("sample_id")["place"]
        ranked = told.reindex(tested.ids).fillna(MISSING).to_numpy(int)[:, None]
        about = about | {"tower": vocabulary.tower}  # by which answers became names
    elif guess == "majority":
        shown = read_shown(labels, digest)
        known = shown_names(shown[shown["role"] == LABELLED], names)
        frequent = np.bincount(known[known != MISSING], minlength=len(names))
        ranked = np.tile(np.argsort(-frequent, kind="stable"), (len(tested.ids), 1))
    else:
        everything = np.tile(np.arange(len(names)), (len(tested.ids), 1))
        ranked = numpy_rng(0, "random names").permuted(everything, axis=1)
    write_sealed(out, about | semantic_summary(name_scores(ranked, meant, names), tested))


def meant_of(annotated: Path, tested: Tested) -> pd.DataFrame:
    """What the test people look at, a row each."""
    return read_meant(annotated).set_index("sample_id").loc[tested.ids]


def name_scores(
    ranked: np.ndarray, meant: pd.DataFrame, names: tuple[str, ...]
) -> dict[str, np.ndarray]:
    """Whether names are right, each (N,): 1 or 0, NaN of who has no name of the vocabulary.

    Args:
        ranked: (N, K) places in the vocabulary from the most likely on, ``MISSING`` for no guess; of fewer
            than three nothing is said about the first three.
        meant: with ``label``, and ``accepted`` where several names are right.
        names: the vocabulary.
    """
    label = label_ids(meant["label"].tolist(), names)[:, None]
    scores = {
        f"acc_{top}": accepted_guesses(ranked[:, :top], label)
        for top in (1, 3)
        if top <= ranked.shape[1]
    }
    if ACCEPTED in meant:
        several = accepted_places(meant[ACCEPTED].tolist(), names)
        scores["multi_acc_1"] = accepted_guesses(ranked[:, :1], several)
    return scores


def accepted_places(accepted: Sequence[Any], names: Sequence[str]) -> np.ndarray:
    """Places (N, L) int64 of names that are joined by ``JOINER``, ``MISSING`` for those that are none.

    Args:
        accepted: N texts, or None (or NaN) where there is no name.
        names: the vocabulary.
    """
    lists = [label_ids(str(t).split(JOINER) if pd.notna(t) else [], names) for t in accepted]
    places = np.full((len(lists), max([1, *map(len, lists)])), MISSING)
    for row, known in zip(places, lists, strict=True):
        row[: len(known)] = known
    return places


def semantic_summary(scores: Mapping[str, np.ndarray], tested: Tested) -> dict[str, Any]:
    """Means over people with 95 % bootstrap intervals over images (or clips, or shows), and what they are."""
    groups, _ = resampled(tested.people)
    metrics = {}
    for name, values in scores.items():
        known = np.isfinite(values)
        if known.any():
            low, high = bootstrap_interval(values[known], groups[known], numpy_rng(0, "bootstrap"))
            mean, people = float(values[known].mean()), int(known.sum())
            metrics[name] = {"value": mean, "low": low, "high": high, "people": people}
    definitions = {name: SEMANTIC_DEFINITIONS[name] for name in metrics}
    return {"metrics": metrics, "people": len(tested.people), "definitions": definitions}
