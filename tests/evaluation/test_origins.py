"""Test people apart by where GazeFollow's pictures come from."""

import numpy as np
import pandas as pd

from gcdr.data.heatmaps import gaussians
from gcdr.data.manifest import BOX
from gcdr.evaluation.picture_origins import parted_by_origin
from gcdr.evaluation.scores import score_maps, summarise
from gcdr.report.rows import METRICS, OPTIONAL_METRICS

SEEN, OTHER = "test2/00000000/00000001.jpg", "test2/00000000/00000005.jpg"


def people(images: list[str]) -> pd.DataFrame:
    about = {"sample_id": range(len(images)), "image": images, "width": 64, "height": 48}
    return pd.DataFrame({**about, **dict.fromkeys(BOX, 1.0)})


def test_distances_are_apart_by_origin() -> None:
    import torch

    images = [SEEN, OTHER, OTHER]
    points = np.full((3, 1, 2), 0.5)
    maps = gaussians(torch.tensor([[0.5, 0.5], [0.5, 0.9], [0.5, 0.7]]), 64, 3.0).numpy()
    summary = summarise(score_maps(maps, people(images), points))
    assert summary["dist_to_mean_seen"]["value"] < 0.02
    assert abs(summary["dist_to_mean_unseen"]["value"] - 0.3) < 0.02
    whole = summary["dist_to_mean_seen"]["value"] + 2 * summary["dist_to_mean_unseen"]["value"]
    assert abs(summary["dist_to_mean"]["value"] - whole / 3) < 1e-9
    assert {"dist_to_mean_seen", "dist_to_mean_unseen"} <= {*OPTIONAL_METRICS} & {*METRICS}


def test_other_data_sets_have_no_such_columns() -> None:
    assert parted_by_origin(np.array(["a.jpg", "train/0.jpg"]), np.zeros(2)) == {}
