"""Scoring heatmaps of test people against their annotators."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch

from gcdr.base.errors import InputError
from gcdr.base.files import write_sealed
from gcdr.base.plain import JsonTable
from gcdr.base.seeds import numpy_rng
from gcdr.data.folds import resampled
from gcdr.data.heatmaps import gaussians, peak_points
from gcdr.data.parquet import write_table
from gcdr.evaluation.metrics import (
    DEFINITIONS,
    average_precision,
    average_precision_interval,
    bootstrap_interval,
    image_auc,
    leave_one_out,
    point_distances,
    point_scores,
    video_auc,
)
from gcdr.evaluation.pairs import asked_person
from gcdr.evaluation.picture_origins import parted_by_origin

FORMAT = 1
WHERE_FROM = ("sequence", "group")
BASELINE_SIZE, BASELINE_SIGMA = 64, 3.0  # of the Gaussian that stands for a baseline's point


def score_maps(heatmap: np.ndarray, people: pd.DataFrame, annotations: np.ndarray) -> pd.DataFrame:
    """Every metric of every person.

    Args:
        heatmap: (N, H, W) finite scores.
        people: the N people's rows of the manifest.
        annotations: (N, A, 2) annotators' points in 0..1, padded with NaN. Where everybody has one,
            the video protocol's AUC is computed too.

    Returns:
        ``sample_id``, ``image``, ``sequence`` and ``group`` if the people have them, ``pred_x``, ``pred_y``
        and one column a metric of ``DEFINITIONS``.

    Raises:
        InputError: a heatmap is not finite.
    """
    finite = np.isfinite(heatmap).all((1, 2))
    if not finite.all():
        person = people["sample_id"].to_numpy()[~finite][0]
        raise InputError(
            f"heatmap of sample_id {person}: holds values that are not finite, expected scores"
        )
    maps = torch.from_numpy(np.asarray(heatmap, np.float32))
    centre, corner = peak_points(maps).numpy(), peak_points(maps, "reference").numpy()
    reference = point_distances(corner, annotations)
    table = pd.DataFrame(
        {
            **_identity(people),
            "pred_x": centre[:, 0],
            "pred_y": centre[:, 1],
            **point_scores(centre, annotations),
            **{f"{name}_reference": values for name, values in reference.items()},
            **_areas(heatmap, people, annotations),
            **asked_person(people["image"].to_numpy(), centre, np.nanmean(annotations, 1)),
        }
    )
    apart = parted_by_origin(table["image"].to_numpy(), table["dist_to_mean"].to_numpy())
    table = table.assign(**apart)
    if (np.isfinite(annotations).all(2).sum(1) == 1).all():
        points = np.nanmean(annotations, 1)
        table["auc_video"] = [video_auc(*pair) for pair in zip(heatmap, points, strict=True)]
    return table


def score_baselines(people: pd.DataFrame, annotations: np.ndarray) -> dict[str, pd.DataFrame]:
    """The rulers beside every table, from the same annotations.

    Returns:
        tables as :func:`score_maps` makes them, without the reference's decoding: ``centre`` (the
        image's centre), ``random`` (one point a person, uniform over the image) and ``human`` (each
        annotator against the others, one row an annotator; empty where nobody has two).
    """
    person, point, others = leave_one_out(annotations)
    drawn = numpy_rng(0, "random baseline").random((len(people), 2))
    return {
        "centre": _score_points(np.full((len(people), 2), 0.5), people, annotations),
        "random": _score_points(drawn, people, annotations),
        "human": _score_points(point, people.iloc[person], others),
    }


def _score_points(
    points: np.ndarray, people: pd.DataFrame, annotations: np.ndarray
) -> pd.DataFrame:
    parts = []
    for start in range(0, max(1, len(points)), 1024):  # a Gaussian map each, not all at once
        rows = slice(start, start + 1024)
        maps = gaussians(torch.from_numpy(points[rows]), BASELINE_SIZE, BASELINE_SIGMA).numpy()
        parts.append(
            pd.DataFrame(
                {
                    **_identity(people.iloc[rows]),
                    **point_scores(points[rows], annotations[rows]),
                    **_areas(maps, people.iloc[rows], annotations[rows]),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def _identity(people: pd.DataFrame) -> dict[str, np.ndarray]:
    names = ("sample_id", "image", *(name for name in WHERE_FROM if name in people))
    return {name: people[name].to_numpy() for name in names}


def _areas(
    heatmap: np.ndarray, people: pd.DataFrame, annotations: np.ndarray
) -> dict[str, list[float]]:
    """AUC at each image's size and on the grid of 64 x 64."""
    sizes = people[["width", "height"]].to_numpy().tolist()
    return {
        "auc": [
            image_auc(map_, points, width, height)
            for map_, points, (width, height) in zip(heatmap, annotations, sizes, strict=True)
        ],
        "auc_64": [
            image_auc(map_, points, 64, 64)
            for map_, points in zip(heatmap, annotations, strict=True)
        ],
    }


def summarise(scores: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Mean of each metric over people, with its 95 % bootstrap interval over shows, clips or images."""
    groups, _ = resampled(scores)
    summary = {}
    for name in DEFINITIONS:
        values = scores[name].to_numpy(float) if name in scores else np.empty(0)
        known = ~np.isnan(values)  # of some metrics not everybody has a value
        if known.any():
            values = values[known]
            low, high = bootstrap_interval(values, groups[known], numpy_rng(0, "bootstrap"))
            summary[name] = {"value": float(values.mean()), "low": low, "high": high}
    return summary


def summarise_in_frame(
    logit: np.ndarray, inside: np.ndarray, groups: np.ndarray
) -> dict[str, float]:
    """Average precision of in or out of the frame, with its 95 % bootstrap interval over groups of people.

    Args:
        logit: (N,) of all test people, positive for inside.
        inside: (N,) bool, some of them true.
        groups: (N,) what is drawn as a whole, :func:`gcdr.data.folds.resampled`.
    """
    rng = numpy_rng(0, "bootstrap")
    low, high = average_precision_interval(logit, inside, groups, rng)
    return {"value": average_precision(logit, inside), "low": low, "high": high}


def write_metrics(
    scores: pd.DataFrame,
    about: JsonTable,
    path: Path,
    in_frame: dict[str, float] | str | None = None,
) -> None:
    """Write the summary as JSON and each person's values as Parquet beside it.

    Args:
        scores: from :func:`score_maps` or :func:`score_baselines`.
        about: what was scored: ``study``, ``variant``, ``method``, ``kind``, ``seed``, ...
        path: the JSON file; the table gets the same name with ``.parquet``.
        in_frame: of a model, what :func:`summarise_in_frame` gives, or why there is none.
    """
    write_table(
        scores.drop(columns=["image", *WHERE_FROM], errors="ignore"), path.with_suffix(".parquet")
    )
    summary, absent = summarise(scores), {}
    if isinstance(in_frame, str):
        absent = {"absent": {"in_frame_ap": in_frame}}
    elif in_frame is not None:
        summary["in_frame_ap"] = in_frame
    _, units = resampled(scores)
    write_sealed(
        path,
        {
            "format": FORMAT,
            **about,
            "people": scores["sample_id"].nunique(),
            **({"resampled": units} if units != "images" else {}),
            "metrics": summary,
            "definitions": {name: DEFINITIONS[name] for name in summary},
            **absent,
        },
    )
