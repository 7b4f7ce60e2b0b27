"""Scoring heatmaps of test people against their annotators."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from gcdr.files import write_json
from gcdr.heatmaps import peak_points
from gcdr.manifest import write_table
from gcdr.metrics import (
    DEFINITIONS,
    bootstrap_interval,
    image_auc,
    one_against_others,
    point_distances,
)
from gcdr.seeds import numpy_rng

FORMAT = 1


def score_maps(heatmap: np.ndarray, people: pd.DataFrame, annotations: np.ndarray) -> pd.DataFrame:
    """Every metric of every person.

    Args:
        heatmap: (N, H, W) finite scores.
        people: the N people's rows of the manifest.
        annotations: (N, A, 2) annotators' points in 0..1, padded with NaN.

    Returns:
        ``sample_id``, ``image``, ``pred_x``, ``pred_y`` and one column a metric of ``DEFINITIONS``.
    """
    maps = torch.from_numpy(np.asarray(heatmap, np.float32))
    centre = peak_points(maps).numpy()
    corner = peak_points(maps, "reference").numpy()
    table = pd.DataFrame(
        {
            "sample_id": people["sample_id"].to_numpy(),
            "image": people["image"].to_numpy(),
            "pred_x": centre[:, 0],
            "pred_y": centre[:, 1],
            **point_distances(centre, annotations),
        }
    )
    reference = point_distances(corner, annotations)
    for name in ("dist_to_mean", "min_dist"):
        table[f"{name}_reference"] = reference[name]
    sizes = people[["width", "height"]].to_numpy()
    table["auc"] = [
        image_auc(map_, points, int(width), int(height))
        for map_, points, (width, height) in zip(heatmap, annotations, sizes, strict=True)
    ]
    return table


def score_baselines(people: pd.DataFrame, annotations: np.ndarray) -> dict[str, pd.DataFrame]:
    """The two rulers beside every table: the image centre, and one annotator against the others."""
    key = {"sample_id": people["sample_id"].to_numpy(), "image": people["image"].to_numpy()}
    centre = point_distances(np.full((len(people), 2), 0.5), annotations)
    return {
        "centre": pd.DataFrame(key | centre),
        "human": pd.DataFrame(key | {"dist_to_mean": one_against_others(annotations)}),
    }


def summarise(scores: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Mean of each metric over people, with its 95 % bootstrap interval clustered by image."""
    groups = scores["image"].to_numpy()
    summary = {}
    for name in DEFINITIONS:
        if name in scores:
            values = scores[name].to_numpy(float)
            low, high = bootstrap_interval(values, groups, numpy_rng(0, "bootstrap"))
            summary[name] = {"value": float(values.mean()), "low": low, "high": high}
    return summary


def write_metrics(scores: pd.DataFrame, about: dict[str, Any], path: Path) -> None:
    """Write the summary as JSON and each person's values as Parquet beside it.

    Args:
        scores: from :func:`score_maps`.
        about: what was scored: ``study``, ``recipe``, ``method``, ``kind``, ``seed``, ...
        path: the JSON file; the table gets the same name with ``.parquet``.
    """
    write_table(scores.drop(columns="image"), path.with_suffix(".parquet"))
    summary = summarise(scores)
    write_json(
        path,
        {
            "format": FORMAT,
            **about,
            "people": len(scores),
            "metrics": summary,
            "definitions": {name: DEFINITIONS[name] for name in summary},
        },
    )
