"""Heatmaps of another model of this package as a prior."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from gcdr.base.errors import InputError
from gcdr.data.manifest import people_digest, read_people
from gcdr.data.stores import read_label_people, read_labels, write_prior_blocks
from gcdr.data.varied import varied_blocks
from gcdr.priors.points import LAYERS, columns_of, made_by
from gcdr.priors.whose import check_covered, say_covered

BLOCK = 1024  # people whose maps are held at once


def maps_prior(manifest: Path, store: Path, out: Path, complete: bool = True) -> None:
    """Write a prior store from a label store: a model's predictions or pseudo-labels.

    Where a person has several draws their mean is taken. Who is not in the label store, or has no valid
    map there, has none in the prior; they are counted and named in what is printed.

    Args:
        manifest: the people, who must be those of the label store.
        store: label store.
        out: prior store of one layer, with the maps in [0, 1].
        complete: whether a store that leaves somebody without a map is refused.

    Raises:
        InputError: not a label store, one of other people, one in which too many have no valid map, or one
            whose maps are all the same.
    """
    people = read_people(manifest)
    lacking: list[np.ndarray] = []
    write_prior_blocks(
        out,
        varied_blocks(_blocks(people, store, complete, lacking), people, store),
        layers=LAYERS,
        people=people_digest(people),
        made_by=made_by("maps", {}),
    )
    say_covered(store, people, np.concatenate(lacking))


def _blocks(
    people: pd.DataFrame, path: Path, complete: bool, lacking: list[np.ndarray]
) -> Iterator[dict[str, np.ndarray]]:
    digest, ids = people_digest(people), people["sample_id"].to_numpy()
    held = np.isin(ids, read_label_people(path, digest)[0])
    side = read_labels(path, digest, ids[held][:1]).heatmap.shape[-2:]
    if side[0] != side[1]:
        raise InputError(f"{path}: found maps of {side[0]} x {side[1]} cells, expected square ones")
    for start in range(0, len(ids), BLOCK):
        part = slice(start, start + BLOCK)
        store = read_labels(path, digest, ids[part][held[part]])
        maps = store.heatmap if store.heatmap.ndim == 3 else store.heatmap.mean(1)
        flat = maps.min((1, 2)) == maps.max((1, 2))
        good = store.valid & ~flat & np.isfinite(maps).all((1, 2))
        valid, problem = np.zeros(held[part].shape, bool), np.full(held[part].shape, "", object)
        valid[held[part]] = good
        problem[~held[part]] = f"not in {path.name}"
        problem[held[part]] = np.where(good, "", f"no valid map in {path.name}")
        heatmap = np.zeros((len(valid), 1, *side), np.float32)
        heatmap[valid, 0] = maps[good]
        lacking.append(~valid)
        yield {
            "sample_id": ids[part],
            "heatmap": heatmap,
            "valid": valid,
            **columns_of(np.full(len(valid), "", object), problem, path),
        }
    check_covered(path, people, np.concatenate(lacking), complete)
