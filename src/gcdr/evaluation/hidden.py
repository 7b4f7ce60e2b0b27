"""What the split of an adapting study hides: the points by which its unlabelled people are measured.

The evaluation and the report alone read them; training, labelling and refinement take the split's own
table, which has none.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from gcdr.base.errors import InputError
from gcdr.data.manifest import (
    has_label,
    people_digest,
    read_annotated,
    read_annotation_table,
    read_people,
    write_table,
)
from gcdr.data.parquet import table_about
from gcdr.data.shown import read_shown
from gcdr.data.split import UNLABELLED

WHOSE = "tested"  # what a table of annotators says of itself where it is not about the split test


def write_hidden_points(annotated: Path, annotations: Path, labels: Path, out: Path) -> None:
    """Write the annotators' points of the people whom a study's split leaves unlabelled.

    Who has annotators in the data set keeps them all; of all others their own label is the one annotator. Who
    has no label at all is not measured.

    Args:
        annotated: the people with their labels.
        annotations: the annotators of the data set's own test people.
        labels: what the split shows.
        out: the table, of the columns of ``annotations``.

    Raises:
        InputError: a file is damaged or of other people, or of nobody unlabelled a label is known.
    """
    people = read_annotated(annotated)
    digest = people_digest(people)
    shown = read_shown(labels, digest)
    hidden = shown.loc[shown["role"] == UNLABELLED, "sample_id"]
    points = read_annotation_table(annotations, digest)
    points = points[points["sample_id"].isin(hidden)]
    others = people[people["sample_id"].isin(hidden) & has_label(people)]
    others = others[~others["sample_id"].isin(points["sample_id"])]
    table = pd.concat([points, others.assign(annotator=np.int64(0))[points.columns]])
    if table.empty:
        raise InputError(
            f"{annotated}: of none of the {len(hidden)} unlabelled people a label is known; expected some to "
            "measure by (studies.NAME.adapt)"
        )
    table = table.sort_values(["sample_id", "annotator"], ignore_index=True)
    write_table(table, out, digest, **{WHOSE: UNLABELLED})
    print(f"tested: {table['sample_id'].nunique()} of {len(hidden)} unlabelled people")


def people_with_points(manifest: Path, annotations: Path) -> pd.DataFrame:
    """The rows of the people who are tested: the data set's own, or those whose points a split hides."""
    people = read_people(manifest)
    if table_about(annotations).get(WHOSE) != UNLABELLED:
        return people[people["split"] == "test"]
    points = read_annotation_table(annotations, people_digest(people))
    return people[people["sample_id"].isin(points["sample_id"])]
