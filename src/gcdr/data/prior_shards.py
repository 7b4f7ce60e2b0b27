"""Prior stores out of several: blocks of a shard copied into one, shards joined by a view."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from gcdr.base.errors import InputError
from gcdr.data.hdf5 import Held, join_shards
from gcdr.data.stores import (
    PRIOR,
    SUMS,
    append_rows,
    new_store,
    open_store,
    write_prior_blocks,
)


def concatenate_priors(parts: Sequence[str | Path], path: str | Path) -> None:
    """Copy prior stores, one after another, into one; memory holds a part at a time.

    Args:
        parts: at least one; of the same people, settings and layers, in ascending order.
        path: the store.

    Raises:
        ValueError: the parts' ``sample_id`` do not ascend.
        InputError: a part cannot be read, or is of other people or settings.
    """

    def block(held: Held) -> dict[str, np.ndarray]:
        columns = {name: column for name, column in held.columns.items() if name != SUMS}
        return {**columns, "heatmap": held.rows("heatmap", np.arange(len(columns["valid"])))}

    def blocks() -> Iterator[dict[str, np.ndarray]]:
        for part in parts:
            with open_store(part, PRIOR) as held:
                _same_origin(part, held.attributes, parts[0], about)
                yield block(held)

    with open_store(parts[0], PRIOR) as first:
        about = first.attributes
    write_prior_blocks(
        path, blocks(), layers=about["layers"], people=about["people"], made_by=about["made_by"]
    )


def _same_origin(
    path: object, about: Mapping[str, Any], first: object, expected: Mapping[str, Any]
) -> None:
    for name in ("people", "made_by", "gcdr", "layers"):
        if about[name] != expected[name]:
            raise InputError(f"{path}: its {name!r} differs from that of {first}")


def merge_priors(shards: Sequence[str | Path], path: str | Path) -> None:
    """Join prior shards, in order, into one store whose maps are views of those of the shards.

    The views name the shards relative to the merged file, so the folder can be moved as a whole; the store
    also says which content each shard has, and refuses any other.

    Raises:
        InputError: the shards are of different people or settings, or are not in ascending order.
    """
    with ExitStack() as stack:
        held = [stack.enter_context(open_store(shard, PRIOR)) for shard in shards]
        about = held[0].attributes
        for shard, part in zip(shards, held, strict=True):
            _same_origin(shard, part.attributes, shards[0], about)
        ids = np.concatenate([part.columns["sample_id"] for part in held])
        if (np.diff(ids) <= 0).any():
            raise InputError(f"{path}: the shards' sample_id do not ascend")
        folder = Path(shards[0]).parent.name
        names = [f"{folder}/{Path(shard).name}" for shard in shards]
        contents = {
            name: part.attributes["content"] for name, part in zip(names, held, strict=True)
        }
        attributes = {
            "layers": np.asarray(about["layers"], np.int64),
            "shards": json.dumps(contents),
        }
        with new_store(path, PRIOR, about["people"], about["made_by"], **attributes) as merged:
            for name in held[0].columns:
                append_rows(merged, name, np.concatenate([part.columns[name] for part in held]))
            maps = {name: part.file["heatmap"] for name, part in zip(names, held, strict=True)}
            join_shards(merged, "heatmap", maps)
