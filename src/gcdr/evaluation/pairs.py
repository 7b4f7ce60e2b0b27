"""Whether a model looks at the person that it is asked about.

Two people of one picture are shown to a model with the same pixels and another head. One that follows scenes
and not heads says the same of both. So the other person's answer is what swapping the head does.
"""

import numpy as np

APART = 0.2  # from which distance on two people look at different things, in units of the image
MOVED = 0.1  # from which distance on two answers are different ones


def asked_person(image: np.ndarray, points: np.ndarray, gaze: np.ndarray) -> dict[str, np.ndarray]:
    """How each person's answer compares with those of others in the same picture, who look elsewhere.

    Args:
        image: (N,) which picture a person is in.
        points: (N, 2) predicted points.
        gaze: (N, 2) where the person looks, the mean of the annotators.

    Returns:
        each (N,) float64, NaN for who has nobody beside them that looks ``APART`` or farther away:
        ``asked``, the share of these others to whose target the answer is not nearer than to the person's
        own (0.5 for a model that ignores heads); ``moved``, the share from whose answer it is ``MOVED`` or
        farther away.
    """
    asked, moved = np.full(len(image), np.nan), np.full(len(image), np.nan)
    _, member, counts = np.unique(image, return_inverse=True, return_counts=True)
    order = np.argsort(member, kind="stable")
    for rows in np.split(order, np.cumsum(counts)[:-1]):
        if len(rows) < 2:
            continue
        elsewhere = _between(gaze[rows], gaze[rows]) >= APART
        to_target = _between(points[rows], gaze[rows])
        own = to_target.diagonal()[:, None]
        apart = _between(points[rows], points[rows]) >= MOVED
        # A tie is half a success: two equal answers follow one of the two by chance.
        right = (own < to_target) + 0.5 * (own == to_target)
        for row, others in enumerate(elsewhere):
            if others.any():
                asked[rows[row]] = right[row, others].mean()
                moved[rows[row]] = apart[row, others].mean()
    return {"asked": asked, "moved": moved}


def _between(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(n, m) distances between points (n, 2) and (m, 2)."""
    return np.linalg.norm(first[:, None] - second[None], axis=2)
