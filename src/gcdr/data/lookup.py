"""Where ids stand in a table: the one way of looking people up."""

import numpy as np

from gcdr.base.errors import InputError


def places(known: np.ndarray, wanted: np.ndarray, where: object) -> np.ndarray:
    """Places (n,) of ``wanted`` ids in ``known`` ones, which ascend; an unknown id is never its neighbour.

    Args:
        known: (N,) int64, ascending.
        wanted: (n,) int64.
        where: what holds the known ids, for the message.

    Raises:
        InputError: names an id that is not there.
    """
    wanted = np.asarray(wanted)
    place = np.searchsorted(known, wanted)
    found = place < len(known)
    found[found] = known[place[found]] == wanted[found]
    if not found.all():
        raise InputError(f"{where}: sample_id {int(wanted[~found][0])} is not in it")
    return place
