"""Which test people a figure shows: by rules over everybody's numbers, so that nobody is picked by hand."""

import numpy as np
import pandas as pd

RIGHT, WRONG = 0.1, 0.3
"""A raw map is right whose peak lies nearer to the annotators' mean, and wrong where it lies farther away."""
APART, OFF = 0.05, 0.2
"""Two maps say the same wrong place: their peaks are nearer to each other, and each is farther off."""


def evenly(members: np.ndarray, count: int) -> np.ndarray:
    """``count`` of some values (N,), at equal steps of their order; all of them where there are fewer."""
    taken = min(count, len(members))
    return members[((np.arange(taken) + 0.5) * len(members) / max(1, taken)).astype(int)]


def by_raw_map(scores: pd.DataFrame, valid: np.ndarray, count: int) -> dict[str, np.ndarray]:
    """People whose raw map is right, and people whose raw map is wrong.

    What any model makes of the map has no say: failures of refinement are shown as often as they happen.

    Args:
        scores: of raw maps, a row a test person: ``sample_id`` ascending, and ``dist_to_mean``.
        valid: (N,) bool: who has a raw map.
        count: how many of each kind.

    Returns:
        ``sample_id`` of ``right`` and of ``wrong``, up to ``count`` each, at equal steps of their order.
    """
    distance, ids = scores["dist_to_mean"].to_numpy(), scores["sample_id"].to_numpy()
    kinds = {"right": distance < RIGHT, "wrong": distance > WRONG}
    return {kind: evenly(ids[members & valid], count) for kind, members in kinds.items()}


def nearer_with_less_auc(
    sharp: pd.DataFrame, broad: pd.DataFrame, count: int
) -> dict[str, np.ndarray]:
    """People for whom the sharper of two maps has the smaller AUC, although it is no worse (paper, S5).

    Args:
        sharp, broad: of two kinds of maps, a row a test person in the same order: ``sample_id``, ``pred_x``,
            ``pred_y``, ``dist_to_mean`` and ``auc``.
        count: how many of each kind.

    Returns:
        ``sample_id`` of ``nearer``, whose sharp map is right and nearer than the broad one, and of ``same``,
        whose maps peak at one wrong place; those whose sharp map has the smaller AUC, the largest difference
        first, up to ``count`` each.
    """
    ids = sharp["sample_id"].to_numpy()
    lost = (broad["auc"] - sharp["auc"]).to_numpy()
    near, far = sharp["dist_to_mean"].to_numpy(), broad["dist_to_mean"].to_numpy()
    peaks = [table[["pred_x", "pred_y"]].to_numpy() for table in (sharp, broad)]
    together = np.linalg.norm(peaks[0] - peaks[1], axis=1) < APART
    kinds = {
        "nearer": (near < RIGHT) & (near < far),
        "same": together & (np.minimum(near, far) > OFF),
    }
    order = np.argsort(-lost, kind="stable")
    return {
        kind: ids[[row for row in order if members[row] and lost[row] > 0][:count]]
        for kind, members in kinds.items()
    }
