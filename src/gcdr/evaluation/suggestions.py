"""Which people to label next: doubt about them, and how little they are like those who are labelled.

Doubts are of different units and widths, so each becomes a rank among the people, and what is not known
counts as the middle. Their mean is the score. People are then taken one by one, each time the one with the
highest product of score and novelty: how far they are from everybody labelled or taken so far. No label is
read.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from gcdr.base.errors import InputError
from gcdr.base.seeds import numpy_rng

DOUBTS = {
    "draws": "how far the peaks of the draws lie apart",
    "prior": "from the prior map's peak to the refined map's",
    "student": "from the student's point to the refined map's peak",
    "entropy": "entropy of the refined map",
}
"""What a score is made of, by the name of its column; distances in units of the image."""
BLOCK = 4096  # labelled people whose distances are held at a time


def mean_rank(doubts: Mapping[str, np.ndarray]) -> np.ndarray:
    """Scores of people by several doubts.

    Args:
        doubts: by name (N,) float, higher for more doubt, NaN where nothing is known. One of which nothing is
            known for anybody, such as the spread of a single draw, does not count.

    Returns:
        (N,) float64 in (0, 1): the mean over doubts of the person's rank, from 1 / 2N for the least to
        1 - 1 / 2N for the most, and 1/2 where it is not known. No monotone change of a doubt changes it.
    """
    ranks = []
    for values in doubts.values():
        known = pd.Series(np.asarray(values, float)).replace([np.inf, -np.inf], np.nan)
        if known.notna().any():
            place = (known.rank(method="average") - 0.5) / known.notna().sum()
            ranks.append(place.fillna(0.5).to_numpy())
    return np.mean(ranks, axis=0) if ranks else np.full(_length(doubts), 0.5)


def _length(doubts: Mapping[str, np.ndarray]) -> int:
    return len(next(iter(doubts.values()), ()))


def scaled_features(blocks: Sequence[np.ndarray]) -> np.ndarray:
    """Features whose squared distances are shares of those between two people at random.

    Args:
        blocks: (N, F) float each, of different units: pixels, positions.

    Returns:
        (N, sum F) float32. Two people have the squared distance 1 on average, and each block that differs at
        all between people gives an equal part of it.
    """
    parts = []
    for block in blocks:
        values = np.asarray(block, np.float64).reshape(len(block), -1)
        spread = 2 * values.var(axis=0).sum()  # mean squared distance of two people
        if spread > 0:
            parts.append((values - values.mean(0)) / np.sqrt(spread))
    if not parts:
        return np.zeros((len(blocks[0]), 1), np.float32)
    return (np.concatenate(parts, 1) / np.sqrt(len(parts))).astype(np.float32)


def nearest(features: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(N,) float32 distance from features (N, F) to the nearest of others (M, F); infinite for none."""
    found = np.full(len(features), np.inf, np.float32)
    own = (features**2).sum(1)
    for start in range(0, len(others), BLOCK):
        part = others[start : start + BLOCK]
        squared = own[:, None] - 2 * features @ part.T + (part**2).sum(1)
        found = np.minimum(found, np.sqrt(np.maximum(squared.min(1), 0)))
    return found


def choose_people(
    score: np.ndarray,
    features: np.ndarray,
    labelled: np.ndarray,
    image: np.ndarray,
    count: int,
    per_image: int,
    seed: int,
    *,
    novel: bool = True,
) -> tuple[np.ndarray, np.ndarray]:
    """People to label, best first.

    Args:
        score: (N,) in [0, 1], see :func:`mean_rank`.
        features: (N, F) float32, see :func:`scaled_features`.
        labelled: (M, F) those of the people who are labelled already; M may be 0.
        image: (N,) which image a person is in.
        count: how many.
        per_image: at most so many of an image.
        seed: decides between equal ones.
        novel: whether novelty counts.

    Returns:
        rows (count,) int64, and their novelty (count,) when they were taken: the distance to the nearest
        person labelled or taken before, at most 1.

    Raises:
        InputError: see :func:`check_count`.
    """
    check_count(count, image, per_image)
    order = numpy_rng(seed, "suggestions").permutation(
        len(score)
    )  # argmax takes the first of equal ones
    score, features, member = (
        score[order],
        features[order],
        np.unique(image, return_inverse=True)[1][order],
    )
    novelty = np.minimum(nearest(features, labelled), 1)
    left, room = np.ones(len(score), bool), np.full(member.max() + 1, per_image)
    rows, novelties = np.empty(count, np.int64), np.empty(count)
    for place in range(count):
        gain = np.where(left & (room[member] > 0), score * novelty if novel else score, -1)
        row = int(np.argmax(gain))
        rows[place], novelties[place] = order[row], novelty[row]
        left[row] = False
        room[member[row]] -= 1
        novelty = np.minimum(novelty, nearest(features, features[row : row + 1]))
    return rows, novelties


def check_asked(count: int, per_image: int) -> None:
    """Whether numbers of people are any.

    Raises:
        InputError: one is not above 0.
    """
    for name, value in (("N", count), ("--per-image", per_image)):
        if value < 1:
            raise InputError(f"suggest: {name}: found {value}, expected 1 or more")


def check_count(count: int, image: np.ndarray, per_image: int) -> None:
    """Whether so many people can be suggested.

    Args:
        count: how many.
        image: (N,) which image each unlabelled person is in.
        per_image: at most so many of an image.

    Raises:
        InputError: the numbers are not above 0, nobody is left, or fewer people than that.
    """
    check_asked(count, per_image)
    if not len(image):
        raise InputError("suggest: nobody is unlabelled, so there is nobody to suggest")
    most = int(np.minimum(np.unique(image, return_counts=True)[1], per_image).sum())
    if count > most:
        raise InputError(
            f"suggest: N: found {count}, expected at most {most}: there are {len(image)} unlabelled people "
            f"in {len(np.unique(image))} images, of each of which at most {per_image} are taken (--per-image)"
        )
