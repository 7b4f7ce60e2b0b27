"""Folds of the labelled people, so that a model is judged on labels that it was not trained on."""

import numpy as np
import pandas as pd

from gcdr.base.errors import InputError
from gcdr.base.seeds import numpy_rng
from gcdr.data.lookup import places
from gcdr.data.split import LABELLED, targets


def clusters(people: pd.DataFrame) -> np.ndarray:
    """(N,) text: what is drawn, or left out, as a whole: each person's sequence, without one their image.

    Args:
        people: rows of the manifest.
    """
    image = people["image"]
    if "sequence" not in people:
        return image.to_numpy()
    clip = "sequence " + people["sequence"].astype(object)
    return clip.where(people["sequence"].notna(), "image " + image).to_numpy()


FEWEST = {"shows": 8, "clips": 2}
"""Units whose resampling says anything: of fewer shows their clips are drawn, of a single clip its images."""


def resampled(people: pd.DataFrame) -> tuple[np.ndarray, str]:
    """What is resampled as a whole for an interval: shows where there are enough, else clips, else images.

    Clips of a show look alike, and so do frames of a clip: an interval over the smaller unit is too narrow.

    Args:
        people: rows of the manifest.

    Returns:
        (N,) text, the unit of each person (whoever has none counts with their clip, or image); and what the
        units are: ``shows``, ``clips`` or ``images``.
    """
    image, clip = people["image"].to_numpy(), clusters(people)
    units = {"shows": clip, "clips": clip}
    if "group" in people:
        show = "group " + people["group"].astype(object)
        units["shows"] = show.where(people["group"].notna(), clip).to_numpy()
    columns = {"shows": "group", "clips": "sequence"}
    for kind, least in FEWEST.items():
        if columns[kind] in people and people[columns[kind]].nunique() >= least:
            return units[kind], kind
    return image, "images"


def fold_of(unit: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """Deal people to folds, whole units at a time, each to the fold that has the fewest people so far.

    Args:
        unit: (N,) text, see :func:`clusters`.
        folds: how many.
        seed: seed of the order in which units are dealt.

    Returns:
        (N,) int, the fold in 0 .. ``folds`` - 1 in which a person is held out.

    Raises:
        InputError: there are fewer units than folds, so that one would be empty.
    """
    names, member, sizes = np.unique(unit, return_inverse=True, return_counts=True)
    if len(names) < folds:
        raise InputError(
            f"labelled people: found them in {len(names)} images or films, expected at least {folds}, "
            "one a fold (refine.auto.folds), or a timestep by number (refine.timestep)"
        )
    dealt, count = np.empty(len(names), int), np.zeros(folds, int)
    for name in numpy_rng(seed, "folds").permutation(len(names)):
        dealt[name] = np.argmin(count)
        count[dealt[name]] += sizes[name]
    return dealt[member]


def labelled_folds(
    people: pd.DataFrame, labels: pd.DataFrame, folds: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """The labelled people that look into the frame, and the fold in which each is held out.

    Args:
        people: the manifest.
        labels: what the split shows.
        folds, seed: as for :func:`fold_of`.

    Returns:
        sample_id (N,) int64 ascending and fold (N,) int.

    Raises:
        InputError: see :func:`fold_of`.
    """
    ids, _ = targets(labels, LABELLED)
    rows = people.iloc[places(people["sample_id"].to_numpy(), ids, "the manifest")]
    return ids, fold_of(clusters(rows), folds, seed)
