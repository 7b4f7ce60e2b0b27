"""Scoring at the image's original size against a loop of scikit-image's resize and scikit-learn's AUC.

    python benchmarks/scoring.py [people [kind ...]]

As many people as GazeFollow tests (4,782) with 6 to 12 annotators each, 64 x 64 maps, images taken as
640 x 480, since annotation files give no sizes. Both work on one thread; times are CPU seconds of one
run. Three kinds of maps: a single peak (what diffusion puts out), a broad one over ripples (what a
regressor puts out) and independent noise (no model's output, the worst case).
"""

import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from skimage.transform import resize
from sklearn.metrics import roc_auc_score

from gcdr.data.heatmaps import gaussians
from gcdr.evaluation.auc import annotated_pixels, image_auc

WIDTH, HEIGHT, SIZE = 640, 480, 64
KINDS = ("peak", "ripple", "noise")


def loop_auc(heatmap: np.ndarray, points: np.ndarray) -> float:
    scores = resize(heatmap, (HEIGHT, WIDTH), order=1, mode="reflect", anti_aliasing=True)
    truth = np.zeros(WIDTH * HEIGHT, bool)
    truth[annotated_pixels(points, WIDTH, HEIGHT)] = True
    return roc_auc_score(truth, scores.ravel())


def our_auc(heatmap: np.ndarray, points: np.ndarray) -> float:
    return image_auc(heatmap, points, WIDTH, HEIGHT)


def drawn_maps(kind: str, points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(N, 64, 64) float64 maps of a kind; those with a peak have it near the first annotator."""
    count = len(points)
    if kind == "noise":
        return rng.random((count, SIZE, SIZE))
    peak = torch.from_numpy(np.clip(points[:, 0] + rng.normal(0, 0.05, (count, 2)), 0, 1))
    if kind == "peak":
        return gaussians(peak, SIZE, 3.0).numpy().astype(float)
    coarse = torch.from_numpy(rng.normal(0, 0.05, (count, 1, 16, 16)))
    ripple = torch.nn.functional.interpolate(coarse, (SIZE, SIZE), mode="bicubic")[:, 0]
    return (0.6 * gaussians(peak, SIZE, 6.0) + ripple).numpy().astype(float)


def timed(score: Callable[[np.ndarray, np.ndarray], float], maps, points) -> tuple[float, list]:
    start = time.process_time()
    areas = [score(*pair) for pair in zip(maps, points, strict=True)]
    return time.process_time() - start, areas


def main() -> None:
    torch.set_num_threads(1)
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 4782
    rng = np.random.default_rng(0)
    points = np.clip(rng.random((count, 1, 2)) + rng.normal(0, 0.06, (count, 12, 2)), 0, 1)
    points[np.arange(12) >= rng.integers(6, 13, (count, 1))] = np.nan
    print(f"{count} people, {np.isfinite(points[..., 0]).sum()} points, {WIDTH} x {HEIGHT}")
    for kind in sys.argv[2:] or KINDS:
        maps = drawn_maps(kind, points, rng)
        ours, areas = timed(our_auc, maps, points)
        loop, expected = timed(loop_auc, maps, points)
        error = np.abs(np.subtract(areas, expected)).max()
        print(
            f"{kind:7s} ours {ours:7.2f} s, loop {loop:7.2f} s, {loop / ours:6.1f} times; "
            f"AUC {np.mean(areas):.4f}, largest difference {error:.1e}"
        )


if __name__ == "__main__":
    main()
