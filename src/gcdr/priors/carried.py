"""Maps that frames of a film share: one frame in so many is asked about, the others take its map along.

A head that moves, by the person's own steps or by the camera's, takes the map with it.
"""

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F

from gcdr.data.manifest import boxes


def head_motion(people: pd.DataFrame, leader: np.ndarray) -> np.ndarray:
    """How far heads have moved since their leaders' frames.

    Args:
        people: n rows of the manifest.
        leader: (n,) places among them, see :meth:`gcdr.data.along_tracks.Tracks.leaders`.

    Returns:
        (n, 2) float64, x and y in widths and heights of the picture.
    """
    box = boxes(people)
    centre = (box[:, :2] + box[:, 2:]) / 2
    return centre - centre[leader]


def moved_map(heatmap: np.ndarray, by: np.ndarray) -> np.ndarray:
    """A map (L, G, G) float32 moved by x and y in widths and heights; what comes from outside is 0."""
    if not by.any():
        return heatmap
    theta = torch.tensor([[[1.0, 0, -2 * by[0]], [0, 1.0, -2 * by[1]]]], dtype=torch.float32)
    grid = F.affine_grid(theta, [1, 1, *heatmap.shape[1:]], align_corners=False)
    seen = torch.from_numpy(np.ascontiguousarray(heatmap, np.float32))[None]
    return F.grid_sample(seen, grid, align_corners=False)[0].numpy()
