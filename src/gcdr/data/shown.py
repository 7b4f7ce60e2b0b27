"""What a label split shows: reading it, and telling one split from another.

A split is told by the digest of its content. Models and label stores keep that of the split under which they
were made, and who uses them beside a split compares: a file that was swapped, cut or made anew is noticed
by its content, whatever its date says.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gcdr.base.errors import InputError
from gcdr.base.files import text_digest
from gcdr.data.manifest import LABEL_SOURCE, LABELS
from gcdr.data.parquet import read_table, table_about, table_digest
from gcdr.data.split import LABELLED, UNLABELLED, VALIDATION
from gcdr.data.vocabulary import MISSING, label_ids

ROLES = (LABELLED, VALIDATION, UNLABELLED)


def read_shown(path: str | Path, people: str | None = None) -> pd.DataFrame:
    """A split's table, see :func:`gcdr.data.split.split_labels`.

    Args:
        path: the file.
        people: digest of the people that it must be about.

    Raises:
        InputError: absent, damaged, changed, of other people, or no label split.
    """
    table = read_table(path, ["sample_id", "role", *LABELS], [LABEL_SOURCE], people)
    ids = table["sample_id"].to_numpy()
    if (np.diff(ids) <= 0).any():
        raise InputError(f"{path}: its sample_id do not ascend; make the split again")
    if (odd := ~table["role"].isin(ROLES)).any():
        raise InputError(
            f"{path}: found the role {table['role'][odd].iloc[0]!r}, expected one of {', '.join(ROLES)}"
        )
    return table


def shown_names(shown: pd.DataFrame, vocabulary: Sequence[str]) -> np.ndarray:
    """What people look at, as a split shows it.

    Args:
        shown: N rows of :func:`read_shown`.
        vocabulary: the names.

    Returns:
        (N,) int64 places in the vocabulary, ``MISSING`` where there is none, and of who looks out of the
        frame: nothing in the picture is what they look at.
    """
    out = shown["in_frame"].eq(False).fillna(False).to_numpy(bool)
    return np.where(out, MISSING, label_ids(shown["label"].tolist(), vocabulary))


def split_identity(path: str | Path) -> dict[str, Any]:
    """Which split this is.

    Returns:
        ``digest`` of its content; ``labelled``, that of its labelled people alone, who are the same whatever
        the amount of unlabelled ones; and its ``share`` and ``seed`` where known.

    Raises:
        InputError: as :func:`read_shown`.
    """
    about = table_about(path)
    table = read_shown(path)
    shown = table.loc[table["role"] != UNLABELLED, ["sample_id", "role", *LABELS]]
    return {
        "digest": table_digest(path),
        "labelled": text_digest(shown.to_csv(index=False)),
        "share": about.get("share"),
        "seed": about.get("seed"),
    }


def of_labelled(split: Mapping[str, Any]) -> dict[str, Any]:
    """What a split is for a model that has seen nobody without a label."""
    return {key: value for key, value in split.items() if key != "digest"}


def check_split(
    where: object, found: Mapping[str, Any] | None, expected: Mapping[str, Any], beside: object
) -> None:
    """Compare the split under which something was made with the one it is used with.

    Args:
        where: what was made, for the message.
        found: what it says of its split; None where it says nothing, as models that came from elsewhere.
            What it does not say is not compared: a model of labels alone goes with any unlabelled people.
        expected: of the split it is used with; what is None is not compared.
        beside: that split, for the message.

    Raises:
        InputError: they differ.
    """
    for key in ("seed", "share", "labelled", "digest"):
        stored, asked = (found or {}).get(key), expected.get(key)
        if stored is not None and asked is not None and stored != asked:
            what = f"one of {key} {stored}" if key in ("seed", "share") else "another one"
            raise InputError(
                f"{where}: made under another label split than {beside} ({what}); make it again"
            )


def split_under(
    where: object, found: Mapping[str, Any] | None, about: Mapping[str, Any]
) -> dict[str, Any] | None:
    """The split under which something was made, which is of the share and seed that are scored.

    Args:
        where: what was made, for the message.
        found: as for :func:`check_split`.
        about: what is scored, with ``share`` and ``seed``.

    Returns:
        None where it does not say.

    Raises:
        InputError: it was made under a split of another share or seed.
    """
    expected = {key: about.get(key) for key in ("share", "seed")}
    check_split(
        where, found, expected, f"that of share {expected['share']}, seed {expected['seed']}"
    )
    digests = {key: (found or {}).get(key) for key in ("labelled", "digest")}
    return {key: value for key, value in digests.items() if value is not None} or None
