"""Of whom a label store that is to be a prior has maps. No torch: planning asks too."""

from pathlib import Path

import numpy as np
import pandas as pd

from gcdr.data.manifest import people_digest
from gcdr.data.stores import read_label_people
from gcdr.priors.whose import check_covered


def check_store(path: Path, people: pd.DataFrame | None, complete: bool) -> None:
    """Check a label store before any job reads its maps.

    Args:
        path: label store.
        people: of :func:`gcdr.data.manifest.read_people`, with sizes; None, or people without sizes (drawn
            ones), where whether the store is of them is not known yet.
        complete: whether it must have a map of everybody.

    Raises:
        InputError: no label store, damaged, of other people, or too many have no map.
    """
    whole = people is not None and "width" in people
    ids, valid = read_label_people(path, people_digest(people) if whole else None)
    if whole:
        lacking = ~np.isin(people["sample_id"].to_numpy(), ids[valid])
        check_covered(path, people, lacking, complete)
