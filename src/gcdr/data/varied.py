"""Maps that are the same for everybody say nothing of anybody, and are refused where they come in."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gcdr.base.errors import InputError
from gcdr.data.folds import clusters

SEVERAL = 10
"""People, in two images or films at least, from which equal maps are no chance."""


def check_varied(same: bool, people: pd.DataFrame, source: Path) -> None:
    """Refuse maps of many people that are all the same.

    Args:
        same: whether they are.
        people: (N,) rows of the manifest, of those who have a map.
        source: what the maps are from, for the message.

    Raises:
        InputError: they are, of ten people or more in several images or films.
    """
    if same and len(people) >= SEVERAL and len(np.unique(clusters(people))) > 1:
        raise InputError(
            f"{source}: the maps of all {len(people)} people are the same, expected maps that differ from "
            "person to person"
        )


def varied_blocks(
    blocks: Iterable[dict[str, Any]], people: pd.DataFrame, source: Path
) -> Iterator[dict[str, Any]]:
    """Blocks of a prior store as they come, looked at by :func:`check_varied` when the last has passed.

    Args:
        blocks: each with ``sample_id`` (n,), ``heatmap`` (n, L, G, G) and ``valid`` (n,).
        people: rows of the manifest.
        source: what the maps are from.

    Raises:
        InputError: as there; after the last block.
    """
    first, same, mapped = None, True, []
    for block in blocks:
        maps = block["heatmap"][block["valid"]]
        if len(maps):
            first = maps[0].copy() if first is None else first
            same = same and bool((maps == first).all())
            mapped.append(block["sample_id"][block["valid"]])
        yield block
    ids = np.concatenate(mapped) if mapped else np.zeros(0, int)
    check_varied(same, people[people["sample_id"].isin(ids)], source)
