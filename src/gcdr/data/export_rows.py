"""What is exported: a table of rows, one an annotation. What a label split hides is never read here."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from gcdr.base.errors import InputError
from gcdr.data.heatmaps import entropy, peak_points
from gcdr.data.manifest import (
    BOX,
    CONTEXT,
    LABEL_SOURCE,
    people_digest,
    read_annotation_table,
    read_people,
)
from gcdr.data.shown import read_shown, split_identity
from gcdr.data.split import UNLABELLED
from gcdr.data.stores import Store, read_labels

BLOCK = 4096  # maps
GAZE = ["gaze_x", "gaze_y"]
ROWS = [
    "person",
    "image",
    "width",
    "height",
    *BOX,
    *GAZE,
    "in_frame",
    "label",
    "split",
    "annotator",
    "source",
]

SCORE, SCORE_FROM = "score", "score_from"
EXPECTED_ERROR, ENTROPY = "expected_error", "entropy"
IN_FRAME_PROBABILITY = "in_frame_probability"
FROM_MAP = [SCORE, SCORE_FROM, EXPECTED_ERROR, IN_FRAME_PROBABILITY]
"""Beside them where a row is from a map: how much it is to be trusted, 0 to 1, and what says so
(:func:`scores_of`); where labelled people could say it, how far off its point is expected to be, in units of
the image; and where the model tells in from out of the frame, how likely the former is."""


def collect_rows(
    manifest: Path,
    labels: Path | None = None,
    maps: Path | None = None,
    annotations: Path | None = None,
    decode: str = "centre",
) -> pd.DataFrame:
    """People of a data set with what is known or said about where they look.

    Args:
        manifest: the manifest; its own labels are not read.
        labels: what a label split shows.
        maps: label store of pseudo-labels or predictions; a person's point is the map's peak. Where a
            person has a label too, the label counts.
        annotations: the annotators' points of test people.
        decode: how a point is read off a map, see :func:`gcdr.data.heatmaps.peak_points`.

    Returns:
        the columns of ``ROWS`` by ``person``, which is the ``sample_id``, and annotator; ``source`` is
        ``label``, ``map`` or ``annotator``, and ``in_frame`` is nullable: a map alone does not tell it, the
        in/out logits beside it do; who is said to look out of the frame has no point. Behind them those of
        ``gcdr.data.manifest.CONTEXT`` that the manifest has, those of ``FROM_MAP`` that the maps have, and
        ``label_source`` where the labels have it: a map's point is ``predicted``, an annotator's ``given``.

    Raises:
        InputError: nothing to export is given or in it, or a store is of other people or another label split
            than ``labels``, or holds several maps of each.
    """
    people = read_people(manifest)
    digest = people_digest(people)
    parts = []
    if labels is not None:
        shown = read_shown(labels, digest)
        shown = shown[shown["role"] != UNLABELLED].assign(source="label")
        columns = ["sample_id", *GAZE, "in_frame", "label", "source", LABEL_SOURCE]
        parts.append(shown[[name for name in columns if name in shown]])
    if annotations is not None:
        points = read_annotation_table(annotations, digest)
        parts.append(points.assign(in_frame=points["gaze_x"].notna(), source="annotator"))
    if maps is not None:
        split = None if labels is None else split_identity(labels)["digest"]
        store = read_labels(maps, digest, split=split)
        if store.heatmap.ndim > 3:
            raise InputError(
                f"{maps}: found {store.heatmap.shape[1]} maps of each person, expected one; export those "
                "whose draws are averaged (a variant that ends in k and their number)"
            )
        predicted = _predicted(store, decode)
        known = np.concatenate([np.zeros(0, int), *(part["sample_id"] for part in parts)])
        parts.append(predicted[store.valid & ~predicted["sample_id"].isin(known)])
    rows = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    if rows.empty:
        raise InputError(
            f"{manifest}: nothing to export; give labels, maps or annotations of its people"
        )
    rows = rows.merge(people, on="sample_id", how="inner", validate="many_to_one")
    more = [name for name in (*CONTEXT, LABEL_SOURCE, *FROM_MAP) if name in rows]
    if LABEL_SOURCE in more:
        usual = rows["source"].map({"map": "predicted", "annotator": "given"})
        rows[LABEL_SOURCE] = rows[LABEL_SOURCE].where(rows[LABEL_SOURCE].notna(), usual)
    rows = rows.rename(columns={"sample_id": "person"}).reindex(columns=[*ROWS, *more])
    rows["annotator"] = rows["annotator"].fillna(0).astype(int)
    rows["in_frame"] = rows["in_frame"].astype("boolean")
    rows["split"] = rows["split"].replace({"labelled": "train", "unlabelled": "train"})  # of a pool
    return rows.sort_values(["person", "annotator"], ignore_index=True)


def statements_of(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """What formats keep beside box and point, as JSON has it, of each row: nothing known is None.

    Returns:
        ``person``, ``in_frame``, ``label``, ``split``, ``annotator``, ``source``, and those of ``CONTEXT``,
        ``LABEL_SOURCE`` and ``FROM_MAP`` that the rows have.
    """
    names = ["person", "in_frame", "label", "split", "annotator", "source"]
    names += [name for name in (*CONTEXT, LABEL_SOURCE, *FROM_MAP) if name in rows]
    said: list[dict[str, Any]] = json.loads(rows[names].to_json(orient="records"))
    return said


def scores_of(store: Store) -> tuple[np.ndarray, str]:
    """How much the maps of a label store are to be trusted.

    By the expected error, where the store holds it: 1 less that, not below 0. Else by the entropy of the
    maps: 1 less that, so that one cell is 1 and a flat map 0; a peak says nothing, as most maps are
    stretched to have 1. Scores of one kind are comparable with each other alone.

    Returns:
        (N,) float64 in [0, 1], higher where surer, and ``"expected_error"`` or ``"entropy"``.
    """
    if EXPECTED_ERROR in store.columns:
        doubt, name = store.columns[EXPECTED_ERROR], EXPECTED_ERROR
    else:
        blocks = torch.from_numpy(store.heatmap).split(
            BLOCK
        )  # in double precision: not all at once
        doubt, name = torch.cat([entropy(maps) for maps in blocks]).numpy(), ENTROPY
    return (1 - doubt.astype(float)).clip(0, 1).round(6), name


def _predicted(store: Store, decode: str) -> pd.DataFrame:
    """What the maps of a label store say, one row each."""
    rows = pd.DataFrame({"sample_id": store.sample_id, "in_frame": pd.NA, "source": "map"})
    rows[GAZE] = peak_points(torch.from_numpy(store.heatmap), decode).numpy()
    rows[SCORE], rows[SCORE_FROM] = scores_of(store)
    if EXPECTED_ERROR in store.columns:
        rows[EXPECTED_ERROR] = store.columns[EXPECTED_ERROR].astype(float).round(6)
    if "in_frame" in store.columns:
        logit = torch.from_numpy(store.columns["in_frame"].astype(float))
        rows[IN_FRAME_PROBABILITY] = logit.sigmoid().numpy().round(6)
        rows["in_frame"] = pd.array(logit.numpy() > 0, "boolean")
        rows.loc[logit.numpy() <= 0, GAZE] = np.nan
    return rows
