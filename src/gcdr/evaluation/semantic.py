"""Metrics of the semantic gaze paper as pure functions over arrays (Tafasca et al., NeurIPS 2024).

Its distances and AUC are not those of :mod:`gcdr.evaluation.metrics`: maps are decoded below the cell, areas
are taken on a grid of 64 cells whose annotated cell is int(p * 63). So they have names of their own.
"""

import numpy as np
import torch
from scipy.ndimage import correlate1d

from gcdr.evaluation.auc import roc_auc
from gcdr.evaluation.metrics import point_distances

SEMANTIC_DEFINITIONS = {
    "semantic_dist_to_mean": "distance of the decoded point to the mean of the annotators' points; decoding: "
    "DARK, below the cell, of the map at 64 x 64 cells (Tafasca et al. 2024)",
    "semantic_mean_dist": "mean of the distances to each annotator's point; decoding as above",
    "semantic_min_dist": "distance to the nearest annotator's point; decoding as above",
    "semantic_auc": "area under the ROC curve over the map at 64 x 64 cells; positives: the cells "
    "int(p * 63) of the annotators' points",
    "acc_1": "of the people who have a label, share of whom it is the most similar one of the vocabulary",
    "acc_3": "the same among the three most similar ones",
    "multi_acc_1": "of the people of whom a name is accepted that the vocabulary has, share of whom the most "
    "similar one is accepted",
    "gaze_acc": "of the people whose object has a box, share of whom the decoded point lies in it, edges "
    "included",
}
GRID = 64
CENTRE = 0.5
FLOOR = 1e-10
NOBODY = -1000.0
"""The plain distance where nobody looks into the frame, as the release reports it."""


def argmax_cells(heatmap: np.ndarray) -> np.ndarray:
    """Column and row (N, 2) int64 of the first highest cell of maps (N, H, W), in row-major order."""
    row, column = np.divmod(heatmap.reshape(len(heatmap), -1).argmax(1), heatmap.shape[2])
    return np.stack([column, row], 1)


def validation_points(heatmap: np.ndarray) -> np.ndarray:
    """Points (N, 2) in 0..1 as the release decodes maps (N, H, W) for validation: (argmax + 1) / size."""
    return ((argmax_cells(heatmap) + 1) / heatmap.shape[1:][::-1]).astype(np.float32)


def dark_cells(heatmap: np.ndarray, kernel: int = 9) -> np.ndarray:
    """The peaks of maps below the cell (Zhang et al., "Distribution-Aware Coordinate", CVPR 2020).

    A Newton step from the highest cell of the map, on the logarithm of the smoothed map. It is not taken
    within two cells of an edge, nor where the curvature is singular.

    Args:
        heatmap: (N, H, W) finite.
        kernel: taps of the smoothing, odd; its standard deviation is 0.3 ((kernel - 1) / 2 - 1) + 0.8.

    Returns:
        (N, 2) float64 x and y in cells.
    """
    height, width = heatmap.shape[1:]
    cells, points = argmax_cells(heatmap), argmax_cells(heatmap).astype(np.float64)
    logs = _log_smoothed(heatmap, kernel)
    inner = ((cells > 1) & (cells < np.array([width, height]) - 2)).all(1)
    for index in np.flatnonzero(inner):
        x, y = cells[index]
        near = logs[index, y - 2 : y + 3, x - 2 : x + 3]
        slope = 0.5 * np.array([near[2, 3] - near[2, 1], near[3, 2] - near[1, 2]])
        across = 0.25 * (near[3, 3] - near[1, 3] - near[3, 1] + near[1, 1])
        along = (0.25 * (line[4] - 2 * line[2] + line[0]) for line in (near[2], near[:, 2]))
        curve = np.diag(list(along)) + across * np.array([[0, 1], [1, 0]])
        if np.linalg.det(curve) != 0:
            points[index] -= np.linalg.solve(curve, slope)
    return points


def dark_points(heatmap: np.ndarray, kernel: int = 9, *, within: float = 0.0) -> np.ndarray:
    """Points (N, 2) float32 in 0..1 of maps (N, H, W): :func:`dark_cells` over the sides in cells.

    Args:
        heatmap, kernel: as there.
        within: where in a cell the point lies that its number stands for: 0, cell k of n is the point k / n,
            as the release makes its maps; ``CENTRE``, (k + 0.5) / n, as maps are made that models learn here.
    """
    sides = np.array(heatmap.shape[1:][::-1])
    return ((dark_cells(heatmap, kernel) + within) / sides).astype(np.float32)


def _log_smoothed(heatmap: np.ndarray, kernel: int) -> np.ndarray:
    reach = np.arange(kernel) - (kernel - 1) / 2
    taps = np.exp(-0.5 * (reach / (0.3 * ((kernel - 1) / 2 - 1) + 0.8)) ** 2)
    taps /= taps.sum()
    smooth = heatmap.astype(np.float64)
    for axis in (1, 2):
        smooth = correlate1d(smooth, taps, axis, mode="mirror")
    old, new = heatmap.max((1, 2)), smooth.max((1, 2))
    scale = np.divide(old, new, out=np.ones(len(new)), where=new != 0)
    return np.log(np.maximum(smooth * scale[:, None, None], FLOOR))


def annotated_cells(annotations: np.ndarray, size: int = GRID) -> np.ndarray:
    """Which cells annotators' points (A, 2) in 0..1 are in, (size, size) bool; rows of NaN do not count."""
    known = annotations[np.isfinite(annotations).all(1)].astype(np.float32)
    column, row = (known * np.float32(size - 1)).astype(int).clip(0, size - 1).T
    marked = np.zeros((size, size), bool)
    marked[row, column] = True
    return marked


def semantic_auc(heatmap: np.ndarray, annotations: np.ndarray) -> float:
    """Area under the ROC curve of one map (H, W) on its own cells, see :func:`annotated_cells`.

    As torchmetrics has it: a map that leaves [0, 1] goes through a sigmoid in float32, by which very large
    values may tie.
    """
    scores = torch.from_numpy(np.ascontiguousarray(heatmap, np.float32))
    if scores.min() < 0 or scores.max() > 1:
        scores = scores.sigmoid()
    return roc_auc(scores.numpy().ravel(), annotated_cells(annotations, len(heatmap)).ravel())


def semantic_distances(points: np.ndarray, annotations: np.ndarray) -> dict[str, np.ndarray]:
    """Distances of points (N, 2) to annotators' points (N, A, 2), padded with NaN: each (N,) float64."""
    found = point_distances(points, annotations)
    return {f"semantic_{name}": value for name, value in found.items()}


def plain_distance(points: np.ndarray, gaze: np.ndarray, in_frame: np.ndarray) -> float:
    """Mean distance of points (N, 2) to gaze points (N, 2) of those who look into the frame (N,) == 1.

    Returns:
        the mean; ``NOBODY`` without any.
    """
    inside = in_frame == 1
    if not inside.any():
        return NOBODY
    return float(np.linalg.norm(points[inside] - gaze[inside], axis=1).mean())


def accuracy(similarity: np.ndarray, label: np.ndarray, top: int = 1) -> float:
    """Share of people whose label is among the most similar ones of the vocabulary.

    Args:
        similarity: (N, V) to each label of the vocabulary.
        label: (N,) int64 places in the vocabulary; negative where there is none, who do not count.
        top: how many of the most similar ones.

    Returns:
        0..1; NaN without anybody who has a label.
    """
    return multi_accuracy(similarity, label[:, None], top)


def multi_accuracy(similarity: np.ndarray, labels: np.ndarray, top: int = 1) -> float:
    """Share of people of whom one of the most similar labels is accepted.

    Args:
        similarity: (N, V) to each label of the vocabulary.
        labels: (N, K) int64 the accepted ones, padded with negative numbers; who has none does not count.
        top: how many of the most similar ones.

    Returns:
        0..1; NaN without anybody.
    """
    return mean_known(
        accepted_guesses(np.argsort(-similarity, axis=1, kind="stable")[:, :top], labels)
    )


def accepted_guesses(guesses: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Whether a guess of each person is accepted, (N,) float64: 1 or 0, NaN of whom no label is known.

    Args:
        guesses: (N, K) int64 places in the vocabulary; negative where there is none, which is never right.
        labels: (N, L) int64 the accepted ones, padded with negative numbers.
    """
    right = (guesses[:, :, None] == labels[:, None, :]) & (guesses[:, :, None] >= 0)
    return np.where((labels >= 0).any(1), right.any((1, 2)), np.nan)


def gaze_accuracy(points: np.ndarray, boxes: np.ndarray) -> float:
    """Share of points (N, 2) in the boxes (N, 4) of objects, see :func:`boxed_points`; NaN without a box."""
    return mean_known(boxed_points(points, boxes))


def boxed_points(points: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Whether points (N, 2) lie in boxes (N, 4) x0, y0, x1, y1, edges included: 1 or 0, NaN without a box."""
    inside = (points >= boxes[:, :2]) & (points <= boxes[:, 2:])
    return np.where(np.isfinite(boxes).all(1), inside.all(1), np.nan)


def mean_known(values: np.ndarray) -> float:
    """The mean of what is finite of values (N,); NaN where nothing is."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")
