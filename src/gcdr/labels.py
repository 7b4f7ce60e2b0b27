"""The label split: who keeps their label. What it hides, nothing downstream may read."""

import numpy as np
import pandas as pd

from gcdr.errors import InputError
from gcdr.manifest import LABELS
from gcdr.seeds import numpy_rng

LABELLED, VALIDATION, UNLABELLED = "labelled", "validation", "unlabelled"


def split_labels(
    annotated: pd.DataFrame, share: float, validation: float, seed: int
) -> pd.DataFrame:
    """Choose the images whose people keep their label.

    Training images are shuffled by ``seed`` and the first ``share`` per cent are labelled, so splits
    of one seed are nested (5 % within 10 % within 20 %). Of the labelled images, a fixed part is set
    aside as validation: every n-th of the shuffled order, so it is nested too. The choice looks at
    image names alone; a hidden label cannot influence it.

    Args:
        annotated: the manifest with labels, :func:`gcdr.manifest.read_annotated`.
        share: labelled share of the training images in per cent, 0 < share <= 100.
        validation: share of the labelled images set aside for validation, 0 <= validation <= 0.5.
        seed: seed of the shuffle.

    Returns:
        one row a training person, by ``sample_id``: ``role`` (labelled, validation, unlabelled) and
        the labels, which are null for the unlabelled.

    Raises:
        InputError: no labelled person remains, or a labelled person has no annotation.
    """
    train = annotated[annotated["split"] == "train"]
    images = np.sort(train["image"].unique())
    order = numpy_rng(seed, "label split").permutation(len(images))
    kept = round(len(images) * share / 100)
    rank = pd.Series(np.argsort(order), index=images)[train["image"]].to_numpy()
    every = round(1 / validation) if validation else 0
    held_out = (rank % every == every - 1) if every else np.zeros(len(train), bool)
    role = np.where(rank >= kept, UNLABELLED, np.where(held_out, VALIDATION, LABELLED))
    labels = train[["sample_id", *LABELS]].reset_index(drop=True)
    labels.insert(1, "role", role)
    labels.loc[role == UNLABELLED, LABELS] = None
    usable = (labels["role"] == LABELLED) & labels["gaze_x"].notna() & labels["gaze_y"].notna()
    if not usable.any():
        raise InputError(
            f"label share {share:g} % of {len(images)} training images leaves no labelled person with "
            "a gaze point in the frame; expected a larger share or more images"
        )
    return labels


def targets(labels: pd.DataFrame, role: str) -> tuple[np.ndarray, np.ndarray]:
    """People of a role that look into the frame, and where.

    Returns:
        sample_id (N,) int64 ascending and gaze (N, 2) float32 in 0..1.
    """
    inside = labels["in_frame"].fillna(True).astype(bool) & labels["gaze_x"].notna()
    rows = labels[(labels["role"] == role) & inside]
    return rows["sample_id"].to_numpy(), rows[["gaze_x", "gaze_y"]].to_numpy(np.float32)
