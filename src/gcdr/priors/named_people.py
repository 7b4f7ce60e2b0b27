"""The noun of a VQA model's answer as a name of a vocabulary: mapped by text embedding, with a confidence."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from gcdr.base.errors import InputError
from gcdr.base.files import write_sealed
from gcdr.base.plain import JsonTable
from gcdr.data.label_space import read_label_space
from gcdr.data.lookup import places
from gcdr.data.manifest import people_digest, read_people
from gcdr.data.parquet import read_table, write_table
from gcdr.data.shown import read_shown, shown_names
from gcdr.data.split import UNLABELLED
from gcdr.data.stores import read_columns
from gcdr.data.vocabulary import MISSING
from gcdr.priors.text_towers import text_tower

SHOWN_AT = (0.0, 0.25, 0.5, 0.75, 0.9)
"""Confidences from which on the accuracy of names is told."""


def names_of_nouns(
    nouns: Sequence[str], folder: Path, space: Path
) -> tuple[np.ndarray, np.ndarray]:
    """The most similar name of a vocabulary for each noun.

    Args:
        nouns: N texts; empty where there is no answer.
        folder: of the text tower that embedded the vocabulary.
        space: the vocabulary.

    Returns:
        (N,) int64 places in the vocabulary, ``MISSING`` for no noun, and (N,) float64 confidences: the
        name's share by a softmax over the vocabulary.
    """
    tower, _ = text_tower(folder)
    said = np.array([bool(noun) for noun in nouns])
    best, share = np.full(len(nouns), MISSING), np.zeros(len(nouns))
    if said.any():
        different, at = np.unique(np.array(nouns, object)[said].astype(str), return_inverse=True)
        place, confidence = read_label_space(space).nearest(tower(different.tolist()))
        best[said], share[said] = place[at], confidence[at]
    return best, share


def name_people(
    prior: Path, manifest: Path, labels: Path, tower: Path, space: Path, out: Path
) -> None:
    """Name what everybody looks at by the answers of a prior store; say how often it is right.

    Args:
        prior: the store, with the nouns of a VQA model's answers.
        manifest: the manifest.
        labels: the label split: names are compared with those that it shows.
        tower: folder of the text tower.
        space: the vocabulary.
        out: Parquet of ``sample_id``, ``name``, ``place`` in the vocabulary and ``confidence``; beside it a
            JSON with the accuracy on the people who show a name, from several confidences on.

    Raises:
        InputError: the store is of other people, or says of nobody what they look at.
    """
    people = read_people(manifest)
    ids, digest = people["sample_id"].to_numpy(), people_digest(people)
    held = read_columns(prior)
    nouns = held["noun"][places(held["sample_id"], ids, prior)]
    names = read_label_space(space).names
    if not any(nouns):
        raise InputError(
            f"{prior}: says where {len(nouns):,} people look and of nobody at what; expected a store of a "
            "model that answers, or of a table with labels"
        )
    place, confidence = names_of_nouns([str(noun) for noun in nouns], tower, space)
    told = [names[at] if at >= 0 else None for at in place]
    table = pd.DataFrame({"sample_id": ids, "name": told, "place": place, "confidence": confidence})
    shown = read_shown(labels, digest)
    shown = shown[shown["role"] != UNLABELLED]
    true = shown_names(shown, names)
    own = table.set_index("sample_id").loc[shown["sample_id"]]
    write_sealed(
        out.with_suffix(".json"),
        {
            "people": len(shown),
            **accuracy_of_names(own["place"].to_numpy(), own["confidence"].to_numpy(), true),
        },
    )
    write_table(table, out, digest)


def accuracy_of_names(place: np.ndarray, confidence: np.ndarray, true: np.ndarray) -> JsonTable:
    """How often names are right, of the people (N,) whose name is known.

    Args:
        place: (N,) places of names in the vocabulary.
        confidence: (N,) of each.
        true: (N,) the right places; ``MISSING`` where nobody knows.

    Returns:
        ``known``, how many are, and ``from``: by least confidence, how many have a name then and which share
        of those is right.
    """
    known = true != MISSING
    rows = []
    for least in SHOWN_AT:
        named = known & (place != MISSING) & (confidence >= least)
        right = float((place[named] == true[named]).mean()) if named.any() else None
        rows.append({"confidence": least, "people": int(named.sum()), "right": right})
    return {"known": int(known.sum()), "from": rows}


def read_names(path: Path, people: str, names: Sequence[str], least: float) -> pd.DataFrame:
    """``sample_id`` and ``place`` of the people whose name has at least a confidence.

    Args:
        path: table of :func:`name_people`.
        people: digest of the people that it must be of.
        names: the vocabulary that it must be of.
        least: that confidence, 0 to 1.

    Raises:
        InputError: the table is damaged, of other people or of another vocabulary.
    """
    table = read_table(path, ["sample_id", "name", "place", "confidence"], (), people)
    named = table["place"] != MISSING
    meant = table["place"].map(dict(enumerate(names)))
    if len(other := table[named & (meant != table["name"])]):
        name, place = other.iloc[0][["name", "place"]]
        raise InputError(
            f"{path}: found the name {name!r} as number {place}, which is none of the vocabulary's; name the "
            "people again"
        )
    return table.loc[named & (table["confidence"] >= least), ["sample_id", "place"]]
