"""Grad-CAM maps of a prior store as every consumer sees them: resized, then stretched to [0, 1]."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gcdr.data.heatmaps import minmax, resize
from gcdr.data.stores import read_prior


def prior_maps(
    path: str | Path,
    people: str,
    sample_id: np.ndarray,
    layer: int,
    size: int,
    made_by: Mapping[str, Any] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Maps of one decoder layer.

    Args:
        path: prior store.
        people: digest of the people it must be of.
        sample_id: (N,) the people wanted.
        layer: decoder layer, counted from 1.
        size: side of the maps in cells.
        made_by: the settings that must have made the store, as far as they are known.

    Returns:
        maps (N, size, size) float32 in [0, 1], zeros where invalid, and ``valid`` (N,) bool.
    """
    store = read_prior(path, people, sample_id, layer, made_by)
    maps, peaked = minmax(resize(torch.from_numpy(store.heatmap), size))
    valid = peaked.numpy() & store.valid
    return np.where(valid[:, None, None], maps.numpy(), 0).astype(np.float32), valid
