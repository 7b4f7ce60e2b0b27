"""Tables of bodies as one. The detector is not needed for it, and its imports take seconds."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from gcdr.data.parquet import read_table, table_about, write_table


def merge_bodies(shards: Sequence[Path], annotated: Path | None, out: Path) -> None:
    """Put shards of detected people, and the annotated ones, into one table.

    Args:
        shards: of :func:`gcdr.detection.bodies.detect_people`, at least one.
        annotated: bodies that came with the data set, or None.
        out: the table.

    Raises:
        InputError: a table is damaged, or they are not all of the same people.
    """
    digest = table_about(shards[0])["people"]
    came = [] if annotated is None else [read_table(annotated, people=digest).assign(problem="")]
    found = [read_table(shard, people=digest) for shard in shards]
    bodies = write_together([*came, *found], out, digest)
    print(f"{sum(map(len, came))} people came with the data set's own detections")
    print(f"bodies found for {int(bodies['detected'].sum())} of {len(bodies)} people")


def write_together(tables: Sequence[pd.DataFrame], out: Path, people: str | None) -> pd.DataFrame:
    """Tables of bodies as one, by ``sample_id``."""
    filled = [table for table in tables if len(table)] or tables[:1]
    whole = pd.concat(filled).sort_values("sample_id")
    write_table(whole, out, people)
    return whole
