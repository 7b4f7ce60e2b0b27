"""Areas under the ROC curve of heatmaps, exact and without sorting the pixels of an image.

An area is the probability that a positive scores above a negative, ties counting half, so it needs no
more than the ranks of the positives. A pixel of an enlarged heatmap is interpolated between four
cells and lies within their values. So most of an image is counted in whole patches between cells, and
pixels are computed only in the patches whose values a positive's score lies between.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

BLOCK = 512  # patches whose pixels are computed together: their values stay in a cache


@dataclass(frozen=True)
class Axis:
    """How the pixels along one axis of an image lie between the cells of a map.

    Attributes:
        patch: (pixels,) the patch between cells ``patch`` and ``patch + 1`` that a pixel lies in; behind
            the last cell follows the one before it, mirrored.
        share: (pixels,) where in the patch, 0 at the first cell and below 1.
        count: (cells,) pixels of each patch.
        shares: (most pixels of a patch, cells) the shares again by patch, padded with NaN.
        smooth: (cells, cells) smoothing before a shrinking resize; None where the axis grows.
    """

    patch: np.ndarray
    share: np.ndarray
    count: np.ndarray
    shares: np.ndarray
    smooth: np.ndarray | None


@lru_cache(maxsize=1024)
def axis_of(cells: int, pixels: int) -> Axis:
    """The reference's resize along one axis, which is scikit-image's.

    Bilinear with pixel centres aligned and edges mirrored at the centre of the outermost cells; a
    shrinking axis is first smoothed by a Gaussian of (cells / pixels - 1) / 2 cells.
    """
    place = (np.arange(pixels) + 0.5) * (cells / pixels) - 0.5
    low = np.floor(place)
    share = np.where(low < 0, 1 - (place - low), place - low)  # the bits that SciPy gets, too
    patch = np.maximum(low, 0).astype(int)
    count = np.bincount(patch, minlength=cells)
    shares = np.full((count.max(), cells), np.nan)
    shares[np.arange(pixels) - (np.cumsum(count) - count)[patch], patch] = share
    return Axis(patch, share, count, shares, _smoothing(cells, pixels) if pixels < cells else None)


def _smoothing(cells: int, pixels: int) -> np.ndarray:
    """(cells, cells) Gaussian smoothing with mirrored edges, cut at four standard deviations."""
    sigma = (cells / pixels - 1) / 2
    reach = np.arange(-int(4 * sigma + 0.5), int(4 * sigma + 0.5) + 1)
    kernel = np.exp(-0.5 * (reach / sigma) ** 2)
    kernel /= kernel.sum()
    period = max(1, 2 * (cells - 1))
    matrix = np.zeros((cells, cells))
    for step, height in zip(reach, kernel, strict=True):
        place = np.arange(cells) + step
        folded = np.abs((place + cells - 1) % period - (cells - 1))
        matrix[np.arange(cells), folded] += height
    return matrix


def annotated_pixels(annotations: np.ndarray, width: int, height: int) -> np.ndarray:
    """Pixels that annotators point at, as the reference finds them.

    Args:
        annotations: (A, 2) x and y in 0..1; rows of NaN are ignored.
        width: image width in pixels.
        height: image height in pixels.

    Returns:
        (K,) int64 row-major places, ascending, each once.
    """
    known = annotations[np.isfinite(annotations).all(1)].astype(np.float32)
    column = np.clip((known[:, 0] * np.float32(width)).astype(int), 0, width - 1)
    row = np.clip((known[:, 1] * np.float32(height)).astype(int), 0, height - 1)
    return np.unique(row * width + column)


def image_auc(heatmap: np.ndarray, annotations: np.ndarray, width: int, height: int) -> float:
    """ROC-AUC of one heatmap at a size of the image; positives are the annotators' pixels.

    Equal to resizing the heatmap with scikit-image and sorting all pixels.

    Args:
        heatmap: (H, W) finite scores.
        annotations: (A, 2) points in 0..1; rows of NaN are ignored. Duplicate pixels count once.
        width: image width in pixels (or that of a grid: 64 x 64 gives the AUC on that grid).
        height: image height in pixels.

    Returns:
        AUC in 0..1.
    """
    down, across = axis_of(heatmap.shape[0], height), axis_of(heatmap.shape[1], width)
    grid = heatmap.astype(np.float64)
    grid = grid if down.smooth is None else down.smooth @ grid
    grid = grid if across.smooth is None else grid @ across.smooth.T
    grid = np.pad(grid, (0, 1), mode="reflect")
    row, column = np.divmod(annotated_pixels(annotations, width, height), width)
    least, most = np.minimum(grid[1:], grid[:-1]), np.maximum(grid[1:], grid[:-1])
    low, high = np.minimum(least[:, 1:], least[:, :-1]), np.maximum(most[:, 1:], most[:, :-1])
    at = _interpolate(
        grid, down.patch[row], across.patch[column], down.share[row], across.share[column]
    ).clip(low[down.patch[row], across.patch[column]], high[down.patch[row], across.patch[column]])
    score = at[:, None, None]
    mixed = ((low <= score) & (score <= high)).any(0) & (low < high)
    pixels = np.where(mixed, 0, np.outer(down.count, across.count)).ravel().astype(np.float64)
    level = high.ravel()  # of a patch that is not mixed, and equals a score, all pixels do
    twice = (level < at[:, None]) @ pixels + (level <= at[:, None]) @ pixels
    twice += _count_twice(grid, *np.nonzero(mixed), down.shares, across.shares, at)
    twice -= (at < at[:, None]).sum(1) + (at <= at[:, None]).sum(1)
    return float(twice.sum() / 2 / (len(at) * (width * height - len(at))))


def _interpolate(
    grid: np.ndarray, row: np.ndarray, column: np.ndarray, down: np.ndarray, across: np.ndarray
) -> np.ndarray:
    """Values at ``down`` and ``across`` within patches (K,), broadcast together.

    Sums in SciPy's order, because pixels mirrored at an edge differ in nothing but their rounding.
    """
    up, left = 1 - down, 1 - across
    value = grid[row, column] * up * left
    part = np.empty_like(value)
    value += np.multiply(grid[row, column + 1] * up, across, out=part)
    value += np.multiply(grid[row + 1, column] * down, left, out=part)
    value += np.multiply(grid[row + 1, column + 1] * down, across, out=part)
    return value


def _count_twice(
    grid: np.ndarray,
    rows: np.ndarray,
    columns: np.ndarray,
    down: np.ndarray,
    across: np.ndarray,
    at: np.ndarray,
) -> np.ndarray:
    """Pixels of patches below each score, twice, and those equal to it, once; (K,)."""
    twice = np.zeros(len(at))
    for start in range(0, len(rows), BLOCK):
        row, column = rows[start : start + BLOCK], columns[start : start + BLOCK]
        values = _interpolate(
            grid, row, column, down.take(row, 1)[:, None], across.take(column, 1)
        ).ravel()
        for index, score in enumerate(at):  # comparisons with the padding's NaN are false
            twice[index] += np.count_nonzero(values < score) + np.count_nonzero(values <= score)
    return twice


def roc_auc(scores: np.ndarray, positive: np.ndarray) -> float:
    """ROC-AUC of scores by ranks, ties counting half.

    Args:
        scores: (N,) finite.
        positive: (N,) bool.

    Returns:
        AUC in 0..1; NaN where all or none is positive.
    """
    above, others = scores[positive], np.sort(scores[~positive])
    if not len(above) or not len(others):
        return float("nan")
    places = np.searchsorted(others, above, "left") + np.searchsorted(others, above, "right")
    return float(places.mean() / 2 / len(others))


def video_auc(heatmap: np.ndarray, point: np.ndarray) -> float:
    """AUC as VideoAttentionTarget's evaluations compute it, on the heatmap's own grid of 64 x 64.

    Positives are the cells of the 19 x 19 square around the target that lie on the map, because the
    reference counts every cell its cut-off Gaussian of three cells touches.

    Args:
        heatmap: (H, W) finite scores.
        point: (2,) the target's x and y in 0..1.

    Returns:
        AUC in 0..1; NaN where the square misses the map.
    """
    positive = np.zeros(heatmap.shape, bool)
    column, row = (
        float(value) * size for value, size in zip(point, heatmap.shape[::-1], strict=True)
    )
    # Towards zero, not down: the reference truncates, so a square over the edge may shrink by one cell.
    square = [slice(max(0, int(place - 9)), max(0, int(place + 10))) for place in (row, column)]
    positive[square[0], square[1]] = True
    return roc_auc(np.asarray(heatmap, np.float64).ravel(), positive.ravel())


def average_precision(scores: np.ndarray, positive: np.ndarray) -> float:
    """Area under the precision-recall curve as a step function; equal scores share one threshold.

    Args:
        scores: (N,) finite, higher for positives (the in/out logit, where inside is positive).
        positive: (N,) bool.

    Returns:
        average precision in 0..1; NaN where none is positive.
    """
    order = np.argsort(-scores, kind="stable")
    scores, hits = scores[order], np.cumsum(positive[order])
    if not len(hits) or not hits[-1]:
        return float("nan")
    last = np.append(np.flatnonzero(np.diff(scores)), len(scores) - 1)  # of each threshold
    gained = np.diff(hits[last], prepend=0)
    return float((gained * hits[last] / (last + 1)).sum() / hits[-1])
