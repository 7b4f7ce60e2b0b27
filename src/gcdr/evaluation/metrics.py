"""Gaze metrics as pure functions over arrays; each number's definition travels with it.

Points are (x, y) in 0..1 of width and height without correction for the aspect ratio, as in the field.
"AvgDist" has two meanings there (distance to the mean, mean of the distances) and AUC three, so every
number here has a name of its own.
"""

import numpy as np

from gcdr.evaluation.auc import average_precision, image_auc, roc_auc, video_auc

__all__ = [
    "DEFINITIONS",
    "average_precision",
    "average_precision_interval",
    "bootstrap_interval",
    "energy_score",
    "image_auc",
    "leave_one_out",
    "point_distances",
    "point_scores",
    "roc_auc",
    "video_auc",
]

RADII = (0.05, 0.1, 0.2)
_DISTANCES = {
    "dist_to_mean": "AvgDist of VAT, GCDR and Gaze-LLE: distance of the predicted point to the mean of "
    "the annotators' points",
    "mean_dist": "AvgDist of GazeFollow 2015: mean of the distances from the predicted point to each "
    "annotator's point",
    "min_dist": "MinDist: distance from the predicted point to the nearest annotator's point",
}
_CENTRE = "decoding: centre of the heatmap's highest cell (a baseline's point as it is)"
_CORNER = "decoding of the reference: argmax / size, the upper left corner of the highest cell"
_MAP = "scores: the heatmap (of a baseline: a Gaussian of 3 of 64 cells around its point)"
DEFINITIONS = {
    **{name: f"{text}; {_CENTRE}" for name, text in _DISTANCES.items()},
    **{f"{name}_reference": f"{text}; {_CORNER}" for name, text in _DISTANCES.items()},
    **{
        f"success_{radius}": f"share of people whose predicted point lies within {radius} of the mean "
        f"of the annotators' points; {_CENTRE}"
        for radius in RADII
    },
    "auc": "area under the ROC curve over the pixels of the image at its original size; positives: the "
    f"annotators' pixels; {_MAP} resized bilinearly",
    "auc_64": "area under the ROC curve over the cells of a 64 x 64 grid; positives: the annotators' "
    f"cells; {_MAP}, resized bilinearly if it has another size",
    "auc_video": "area under the ROC curve over the heatmap's cells as for VideoAttentionTarget; "
    "positives: the 19 x 19 cells around the one annotated point",
    "asked": "of people with another one in the picture who looks 0.2 or farther away: share whose predicted "
    f"point is nearer to their own target than to the other's (0.5 by chance); {_CENTRE}",
    "moved": "of the same people: share whose point is 0.1 or farther from that for the other head; "
    f"{_CENTRE}",
    "dist_to_mean_seen": "AvgDist of people in test pictures of GazeFollow that come from COCO or Pascal, "
    f"which a prior's pretraining may have seen; {_CENTRE}",
    "dist_to_mean_unseen": f"AvgDist of the people in its other test pictures; {_CENTRE}",
    "in_frame_ap": "average precision of the in/out logit over all test people, those who look out of the "
    "frame among them; inside is positive",
}


def point_distances(points: np.ndarray, annotations: np.ndarray) -> dict[str, np.ndarray]:
    """Distances between predicted points and annotators.

    Args:
        points: (N, 2) predicted x and y in 0..1.
        annotations: (N, A, 2) annotators' points, padded with NaN rows.

    Returns:
        ``dist_to_mean``, ``mean_dist`` and ``min_dist``, each (N,) float64 in units of the image.

    Raises:
        ValueError: a person has no annotation, or a prediction is not finite.
    """
    points, annotations = np.asarray(points, float), np.asarray(annotations, float)
    known = np.isfinite(annotations).all(2)
    if not known.any(1).all():
        raise ValueError(f"person {int(np.argmin(known.any(1)))} has no annotation")
    if not np.isfinite(points).all():
        raise ValueError("a predicted point is not finite")
    annotations = np.where(known[..., None], annotations, 0.0)
    count = known.sum(1)
    mean = annotations.sum(1) / count[:, None]
    each = np.linalg.norm(annotations - points[:, None], axis=2)
    return {
        "dist_to_mean": np.linalg.norm(points - mean, axis=1),
        "mean_dist": np.where(known, each, 0.0).sum(1) / count,
        "min_dist": np.where(known, each, np.inf).min(1),
    }


def point_scores(points: np.ndarray, annotations: np.ndarray) -> dict[str, np.ndarray]:
    """The distances of :func:`point_distances`, and success within each of ``RADII`` (1 or 0)."""
    distances = point_distances(points, annotations)
    success = {
        f"success_{radius}": (distances["dist_to_mean"] <= radius).astype(float) for radius in RADII
    }
    return distances | success


def energy_score(draws: np.ndarray, places: np.ndarray) -> np.ndarray:
    """How good draws are as a forecast of a place: the energy score, the CRPS for points.

    Gneiting & Raftery 2007: E|X - y| - E|X - X'| / 2, here with the pairs of different draws alone, so that
    its mean does not depend on how many draws there are ("fair"; Ferro 2014). Smaller is better; a forecast
    that is sure of one place has its distance.

    Args:
        draws: (N, K, 2) points x and y in 0..1, K of each person.
        places: (N, 2) where they look.

    Returns:
        (N,) float64 in units of the image; NaN of a single draw, whose spread nobody knows. It may be
        below 0, where few draws lie around the place by chance.
    """
    count = draws.shape[1]
    if count < 2:
        return np.full(len(draws), np.nan)
    off = np.linalg.norm(draws - places[:, None], axis=2).mean(1)
    apart = np.linalg.norm(draws[:, :, None] - draws[:, None], axis=3).sum((1, 2))
    return off - apart / (2 * count * (count - 1))


def leave_one_out(annotations: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each annotator as a prediction for the others: what a human scores.

    Args:
        annotations: (N, A, 2) annotators' points, padded with NaN rows.

    Returns:
        For each of the R annotators of a person who has more than one: the person's row (R,), the
        annotator's point (R, 2) and the others' points (R, A, 2), padded with NaN.
    """
    known = np.isfinite(annotations).all(2)
    person, annotator = np.nonzero(known & (known.sum(1) > 1)[:, None])
    others = np.array(annotations[person], float)
    others[np.arange(len(person)), annotator] = np.nan
    return person, annotations[person, annotator], others


def bootstrap_interval(
    values: np.ndarray, groups: np.ndarray, rng: np.random.Generator, draws: int = 1000
) -> tuple[float, float]:
    """95 % percentile interval of the mean, resampling whole groups (people of one image go together).

    Args:
        values: (N,) one value a person.
        groups: (N,) the image each person belongs to.
        rng: source of the resampling.
        draws: number of bootstrap samples.

    Returns:
        lower and upper bound.
    """
    _, index = np.unique(groups, return_inverse=True)
    total = np.bincount(index, weights=values)
    count = np.bincount(index)
    means = np.empty(draws)
    for draw in range(draws):  # one by one: all picks at once would not fit for many images
        picks = rng.integers(0, len(count), len(count))
        means[draw] = total[picks].sum() / count[picks].sum()
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def average_precision_interval(
    scores: np.ndarray,
    positive: np.ndarray,
    groups: np.ndarray,
    rng: np.random.Generator,
    draws: int = 1000,
) -> tuple[float, float]:
    """95 % percentile interval of the average precision, resampling whole groups.

    Args:
        scores: (N,) finite, higher for positives.
        positive: (N,) bool, some of them true.
        groups: (N,) the image each person belongs to.
        rng: source of the resampling.
        draws: number of bootstrap samples; those without a positive person do not count.

    Returns:
        lower and upper bound.
    """
    _, index = np.unique(groups, return_inverse=True)
    count = index.max() + 1
    found = np.empty(draws)
    for draw in range(draws):
        times = np.bincount(rng.integers(0, count, count), minlength=count)
        rows = np.repeat(np.arange(len(index)), times[index])
        found[draw] = average_precision(scores[rows], positive[rows])
    low, high = np.nanpercentile(found, [2.5, 97.5])
    return float(low), float(high)
