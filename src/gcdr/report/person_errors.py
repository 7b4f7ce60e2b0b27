"""Errors person by person: how they are distributed, and what is known of each person."""

from collections.abc import Mapping
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from gcdr.data.manifest import BOX
from gcdr.data.parquet import read_table
from gcdr.report.figures import encode_figure, figure_style

FARTHEST = 0.6  # distance up to which the distribution is drawn
SAID = 0.1  # distance within which the share of people is said


def read_distances(path: Path) -> pd.DataFrame:
    """A method's errors: ``sample_id dist_to_mean``, with ``pred_x pred_y`` where a map was scored.

    Of one annotator a person has a row for each of them.
    """
    return read_table(path, ["sample_id", "dist_to_mean"], ["pred_x", "pred_y"])


def share_within(distance: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Share (M,) of people whose distance (N,) is at most each of ``at`` (M,)."""
    return np.searchsorted(np.sort(distance), at, side="right") / max(1, len(distance))


def distribution_text(distances: Mapping[str, np.ndarray], people: int, study: str) -> str:
    """The figure in sentences: of each method the middle person, and the share within ``SAID``.

    Args:
        distances: (N,) of a method, by its title.
        people: how many test people they are of.
        study: what they are from.
    """
    said = [
        f"{title}: half within {np.median(distance):.3f}, "
        f"{share_within(distance, np.array([SAID]))[0]:.0%} within {SAID}".replace("%", " %")
        for title, distance in distances.items()
    ]
    return f"{people:,} test people of {study}. {'; '.join(said)}."


def distribution_figure(
    distances: Mapping[str, np.ndarray], form: str = "svg", dark: bool = False
) -> bytes:
    """Share of people within a distance, a line a method; the higher, the better.

    Args:
        distances: (N,) in units of the image by title: first the two that are compared, then rulers.
        form: ``png`` or ``svg``.
        dark: dark background.
    """
    at = np.linspace(0, FARTHEST, 241)
    with figure_style(dark) as colours:
        figure, axis = plt.subplots(figsize=(7.2, 4.0), layout="constrained")
        styles = [("orange", "-", 2.2), ("blue", "-", 2.0), ("soft", "--", 1.4), ("soft", ":", 1.6)]
        for (title, distance), (hue, dash, width) in zip(distances.items(), styles, strict=False):
            style = {"color": colours[hue], "ls": dash, "lw": width}
            axis.plot(at, 100 * share_within(distance, at), label=title, **style)
        axis.set(xlim=(0, FARTHEST), ylim=(0, 100))
        axis.set_xlabel("distance to the annotators’ mean, in widths and heights of the image")
        axis.set_ylabel("people within this distance, %")
        axis.legend(loc="lower right")
        return encode_figure(figure, form)


def person_traits(
    people: pd.DataFrame, sample_id: np.ndarray, annotations: np.ndarray, noun: np.ndarray
) -> pd.DataFrame:
    """What is known of test people without asking a model.

    Args:
        people: the manifest.
        sample_id: (N,) the test people.
        annotations: (N, A, 2) annotators' points in 0..1, padded with NaN.
        noun: (N,) text, the noun of the VQA answer; empty where there is none.

    Returns:
        rows in the order of ``sample_id``, which is the index: ``image``, ``head_size`` (root of the head
        box's share of the picture), ``reach`` (from the head's centre to the annotators' mean), ``spread``
        (mean distance of the annotators' points from their mean), ``crowd`` (people of the manifest in that
        picture) and ``noun``.
    """
    rows = people.set_index("sample_id").loc[sample_id]
    box = rows[BOX].to_numpy(float) / rows[["width", "height"] * 2].to_numpy(float)
    mean = np.nanmean(annotations, 1)
    size = np.sqrt(np.prod(np.maximum(box[:, 2:] - box[:, :2], 0), 1))
    centre = (box[:, :2] + box[:, 2:]) / 2
    crowd = people.groupby("image")["sample_id"].transform("size").set_axis(people["sample_id"])
    return pd.DataFrame(
        {
            "image": rows["image"],
            "head_size": size,
            "reach": np.linalg.norm(mean - centre, axis=1),
            "spread": np.nanmean(np.linalg.norm(annotations - mean[:, None], axis=2), 1),
            "crowd": crowd.loc[sample_id],
            "noun": noun,
        },
        index=rows.index,
    )
