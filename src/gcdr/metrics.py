"""Gaze metrics as pure functions over arrays; each number's definition travels with it.

Points are (x, y) in 0..1 of width and height without correction for the aspect ratio, as in the field.
"""

import numpy as np

DEFINITIONS = {
    "dist_to_mean": "AvgDist: distance of the predicted point to the mean of the annotators' points; "
    "the point is the centre of the heatmap's highest cell",
    "dist_to_mean_reference": "AvgDist with the reference's decoding, argmax / size "
    "(the upper left corner of the cell)",
    "mean_dist": "mean of the distances to each annotator's point (GazeFollow 2015), cell centre",
    "min_dist": "MinDist: distance to the nearest annotator's point, cell centre",
    "min_dist_reference": "MinDist with the reference's decoding, argmax / size",
    "auc": "area under the ROC curve over the pixels of the image at its original size; "
    "positives are the annotators' pixels, scores the heatmap resized bilinearly",
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


def resize_weights(source: int, target: int) -> np.ndarray:
    """(target, source) matrix of the reference's resize along one axis.

    Bilinear with pixel centres aligned and edges mirrored; a shrinking axis is first smoothed by a
    Gaussian of (source / target - 1) / 2 cells, as scikit-image does.
    """
    place = (np.arange(target) + 0.5) * source / target - 0.5
    low = np.floor(place).astype(int)
    weights = _mirrored(low, 1 - (place - low), source) + _mirrored(low + 1, place - low, source)
    if target < source:
        sigma = (source / target - 1) / 2
        reach = np.arange(-int(4 * sigma + 0.5), int(4 * sigma + 0.5) + 1)
        kernel = np.exp(-0.5 * (reach / sigma) ** 2)
        smooth = sum(
            _mirrored(np.arange(source) + step, np.full(source, height), source)
            for step, height in zip(reach, kernel / kernel.sum(), strict=True)
        )
        weights = weights @ smooth
    return weights


def _mirrored(place: np.ndarray, share: np.ndarray, size: int) -> np.ndarray:
    """Rows of weights ``share`` at ``place``, places beyond an edge folded back at its last cell."""
    if size == 1:
        return share[:, None].copy()
    period = 2 * (size - 1)
    folded = np.abs((place + size - 1) % period - (size - 1))
    weights = np.zeros((len(place), size))
    weights[np.arange(len(place)), folded] = share
    return weights


def image_auc(heatmap: np.ndarray, annotations: np.ndarray, width: int, height: int) -> float:
    """ROC-AUC of one heatmap at the image's original size.

    The area is the probability that a positive pixel scores above a negative one (ties count half),
    computed from the ranks of the few positives; no sort over the pixels is needed.

    Args:
        heatmap: (H, W) scores.
        annotations: (A, 2) points in 0..1; rows of NaN are ignored. Duplicate pixels count once.
        width: image width in pixels.
        height: image height in pixels.

    Returns:
        AUC in 0..1.
    """
    known = annotations[np.isfinite(annotations).all(1)].astype(np.float32)
    column = np.clip((known[:, 0] * np.float32(width)).astype(int), 0, width - 1)
    row = np.clip((known[:, 1] * np.float32(height)).astype(int), 0, height - 1)
    positive = np.unique(row * width + column)
    scores = (
        resize_weights(heatmap.shape[0], height)
        @ heatmap.astype(np.float64)
        @ resize_weights(heatmap.shape[1], width).T
    ).ravel()
    at = scores[positive]
    below = (scores[None] < at[:, None]).sum(1) + 0.5 * (scores[None] == at[:, None]).sum(1)
    among = (at[None] < at[:, None]).sum(1) + 0.5 * (at[None] == at[:, None]).sum(1)
    return float((below - among).sum() / (len(at) * (scores.size - len(at))))


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
    picks = rng.integers(0, len(count), (draws, len(count)))
    means = total[picks].sum(1) / count[picks].sum(1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def one_against_others(annotations: np.ndarray) -> np.ndarray:
    """Each annotator's distance to the mean of the others, averaged within a person.

    Args:
        annotations: (N, A, 2) with at least two annotators each, no padding.

    Returns:
        (N,) float64.
    """
    count = annotations.shape[1]
    others = (annotations.sum(1, keepdims=True) - annotations) / (count - 1)
    return np.linalg.norm(annotations - others, axis=2).mean(1)
