"""Whose labels are kept by name, in place of a share: those of clips, of a drawn clip, or of shows."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from gcdr.base.errors import InputError
from gcdr.base.jsonconfig import JsonConfig, setting
from gcdr.base.seeds import numpy_rng
from gcdr.data.manifest import IGNORED, has_label

NEAR = 0.25  # part of the wanted number of annotated frames by which a drawn clip may have more or fewer
SAID = 12  # names that a message lists


@dataclass(frozen=True, kw_only=True)
class ChosenLabels(JsonConfig):
    """Whose labels a study keeps; one of the keys."""

    clips: tuple[str, ...] = setting(
        "Names of clips: whole sequences, or their last part (33264_33408 of West World/33264_33408). "
        "Blanks at their ends do not count. Put names in quotes: 209_270 without is a number to YAML.",
        (),
        items={"format": "prose"},
        maxItems=1000,
        uniqueItems=True,
    )
    frames: int | None = setting(
        "A clip drawn by the study's seed with about so many annotated frames of people: the first one of "
        "the drawn order that is within a quarter of it, or else the nearest.",
        None,
        minimum=1,
        maximum=1000000,
    )
    shows: tuple[str, ...] = setting(
        "Names of shows, or whatever else the data have as group; blanks at their ends do not count.",
        (),
        items={"format": "prose"},
        maxItems=1000,
        uniqueItems=True,
    )

    @property
    def named(self) -> list[str]:
        """The keys that say something."""
        return [key for key in ("clips", "frames", "shows") if getattr(self, key)]


def people_to_label(annotated: pd.DataFrame, chosen: ChosenLabels, seed: int) -> pd.DataFrame:
    """The training people whose labels are kept. Clips are kept as a whole, so no track is torn.

    Which ones is decided by names, and for a drawn clip by how many of its people have a label, never by
    what a label says.

    Args:
        annotated: the manifest with labels, :func:`gcdr.data.manifest.read_annotated`.
        chosen: clips or shows by name, or about how many annotated frames of people (paper, Sec. 4.4: about
            100).
        seed: seed of the order of clips.

    Returns:
        their rows.

    Raises:
        InputError: the data have no clips or shows, or a name is of none of them, or of several.
    """
    train = annotated[annotated["split"] == "train"]
    column = "group" if chosen.shows else "sequence"
    if column not in train or train[column].isna().all():
        raise InputError(
            f"labels.{chosen.named[0]}: no training person has a {column}; expected data with this column "
            "(docs/data-formats.md)"
        )
    if chosen.frames is None:
        names = _found(
            train[column].dropna().unique(), chosen.clips or chosen.shows, chosen.named[0]
        )
    else:
        names = [_drawn_clip(train[has_label(train)][column], chosen.frames, seed)]
    return train[train[column].isin(names)]


def _found(there: np.ndarray, asked: tuple[str, ...], key: str) -> list[str]:
    """The clips or shows of some names."""
    found = []
    for name in asked:
        wanted = name.strip()
        whole = [one for one in there if one.strip() == wanted]
        fitting = whole or [one for one in there if one.rpartition("/")[2].strip() == wanted]
        if len(fitting) != 1:
            known = sorted(fitting or there)
            more = f" and {len(known) - SAID} more" if len(known) > SAID else ""
            listed = ", ".join(known[:SAID]) + more
            raise InputError(
                f"labels.{key}: found {name!r}, "
                + (f"expected one of these: {listed}" if fitting else f"expected one of {listed}")
            )
        found += fitting
    return found


def _drawn_clip(labelled: pd.Series, frames: int, seed: int) -> str:
    """The clip with about so many people with a label, by the order that a seed gives."""
    count = labelled.value_counts().sort_index()
    if count.empty:
        raise InputError("labels.frames: nobody in a clip has a label; expected some")
    order = count.iloc[numpy_rng(seed, "labelled clip").permutation(len(count))]
    off = (order - frames).abs()
    near = order.index[off <= NEAR * frames]
    return str(near[0] if len(near) else off.idxmin())


def for_adapting(annotated: pd.DataFrame) -> pd.DataFrame:
    """Everybody of a data set as training people, whatever its own splits: a study adapts to all of it."""
    return annotated.assign(split=annotated["split"].where(annotated["split"] == IGNORED, "train"))
