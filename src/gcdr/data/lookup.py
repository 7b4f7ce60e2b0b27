"""Where ids stand in a table: the one way of looking people up."""

import numpy as np

from gcdr.base.errors import InputError


def places(known: np.ndarray, asked: np.ndarray, where: object) -> np.ndarray:
    """Places (n,) of ``asked`` ids in ``known`` ones, which ascend; an unknown id is never its neighbour.

    Args:
        known: (N,) int64, ascending.
        asked: (n,) int64.
        where: what holds the known ids, for the message.

    Raises:
        InputError: names an id that is not there.
    """
    asked = np.asarray(asked)
    place = places_or(known, asked, -1)
    if (place < 0).any():
        raise InputError(f"{where}: sample_id {int(asked[place < 0][0])} is not in it")
    return place


def places_or(known: np.ndarray, asked: np.ndarray, missing: int) -> np.ndarray:
    """The same for ids that need not be there: ``missing`` in place of the place of one that is not."""
    place = np.searchsorted(known, asked)
    found = place < len(known)
    found[found] = known[place[found]] == asked[found]
    return np.where(found, place, missing)
