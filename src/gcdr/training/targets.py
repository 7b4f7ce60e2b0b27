"""What people are trained towards: labels that the split shows, pseudo-labels, or nothing but pictures."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gcdr.base.errors import InputError
from gcdr.data.cache import Cached
from gcdr.data.lookup import places
from gcdr.data.shown import read_shown
from gcdr.data.split import LABELLED, UNLABELLED, VALIDATION
from gcdr.data.split import targets as of_role
from gcdr.data.stores import read_labels

LOOKED_AT = 256  # people set aside whose loss a training logs


@dataclass(frozen=True)
class Targets:
    """What people are trained towards: a gaze point (labelled) or a stored heatmap (pseudo-label).

    Attributes:
        sample_id: (N,) int64, ascending.
        gaze: (N, 2) float32, NaN where the heatmap counts, or nothing is known.
        heatmap: (N, G, G) float32 in [0, 1]; (N, K, G, G) where a batch takes one of K at random;
            None where there are only labels.
        in_frame: (N,) float32: 1 for people who look into the frame, 0 for those who do not (their gaze
            is NaN), NaN where unknown; None where it is not learned.
    """

    sample_id: np.ndarray
    gaze: np.ndarray
    heatmap: np.ndarray | None = None
    in_frame: np.ndarray | None = None

    def rows(self, sample_id: np.ndarray) -> np.ndarray:
        """Row numbers of people.

        Raises:
            InputError: somebody is not among them.
        """
        return places(self.sample_id, sample_id, "the training targets")

    def within(self, sample_id: np.ndarray) -> "Targets | None":
        """Those of the labelled people who are among some; None where nobody is."""
        keep = np.isin(self.sample_id, sample_id)
        return Targets(self.sample_id[keep], self.gaze[keep]) if keep.any() else None

    def without(self, sample_id: np.ndarray) -> "Targets":
        """Everybody but some people.

        Raises:
            InputError: nobody is left.
        """
        keep = ~np.isin(self.sample_id, sample_id)
        if not keep.any():
            raise InputError("labelled people: found none outside of the fold that is held out")
        values = (self.sample_id, self.gaze, self.heatmap, self.in_frame)
        return Targets(*(None if value is None else value[keep] for value in values))

    def maps(self, sample_id: np.ndarray, rng: torch.Generator | None = None) -> Tensor:
        """Stored heatmaps (n, G, G) of people; of several, ``rng`` chooses."""
        if self.heatmap is None:
            raise ValueError("these targets hold no heatmaps")
        stored = self.heatmap[self.rows(sample_id)]
        if stored.ndim == 4:
            choice = torch.randint(stored.shape[1], (len(stored),), generator=rng).numpy()
            stored = stored[np.arange(len(stored)), choice]
        return torch.from_numpy(stored)


def heatmap_targets(sample_id: np.ndarray, heatmap: np.ndarray | None) -> Targets:
    """Stored heatmaps (N, G, G) or (N, K, G, G) as targets; None where only pictures are used."""
    return Targets(sample_id, np.full((len(sample_id), 2), np.nan, np.float32), heatmap)


def join(labelled: Targets, others: Targets) -> Targets:
    """Both as one; where a person is in both, the label counts."""
    keep = ~np.isin(others.sample_id, labelled.sample_id)
    ids = np.concatenate([labelled.sample_id, others.sample_id[keep]])
    order = np.argsort(ids)
    gaze = np.concatenate([labelled.gaze, others.gaze[keep]])[order]
    heatmap = in_frame = None
    if others.heatmap is not None:
        blank = np.zeros((len(labelled.sample_id), *others.heatmap.shape[1:]), np.float32)
        heatmap = np.concatenate([blank, others.heatmap[keep]])[order]
    if labelled.in_frame is not None:
        hidden = np.full(keep.sum(), np.nan, np.float32)
        in_frame = np.concatenate([labelled.in_frame, hidden])[order]
    return Targets(ids[order], gaze, heatmap, in_frame)


def labelled_targets(
    labels: Path, samples: Cached, in_frame: bool = False, empty: bool = False
) -> Targets:
    """The labelled people that look into the frame of a picture that can be read.

    Args:
        labels: what the split shows.
        samples: the picture cache.
        in_frame: those who look out of the frame too, and who they are.
        empty: those who look out of the frame too, whose heatmap is empty.

    Raises:
        InputError: nobody looks into the frame or, with ``in_frame``, out of it.
    """
    ids, gaze = of_role(read_shown(labels), LABELLED, outside=in_frame or empty)
    seen = samples.readable(ids, "labelled")
    ids, gaze = ids[seen], gaze[seen]
    inside = np.isfinite(gaze).all(1)
    if not inside.any():
        raise InputError(
            f"{labels}: no labelled person looks into the frame of a readable picture; expected one"
        )
    if not in_frame:
        return Targets(ids, gaze)
    if inside.all():
        raise InputError(
            f"{labels}: no labelled person looks out of the frame; expected some, or gaze.in_frame null"
        )
    return Targets(ids, gaze, in_frame=inside.astype(np.float32))


def validation_targets(labels: Path, samples: Cached) -> Targets | None:
    """The people set aside for validation that look into the frame of a readable picture; None without any.

    Of more than ``LOOKED_AT`` so many, evenly spread: they are looked at many times while a model trains.
    """
    ids, gaze = of_role(read_shown(labels), VALIDATION)
    seen = samples.readable(ids, "validation")
    ids, gaze = ids[seen], gaze[seen]
    if not len(ids):
        return None
    rows = np.unique(np.linspace(0, len(ids) - 1, min(len(ids), LOOKED_AT)).round().astype(int))
    return Targets(ids[rows], gaze[rows])


def pseudo_targets(
    path: Path,
    samples: Cached,
    split: str | None = None,
    made_by: Mapping[str, Any] | None = None,
) -> Targets:
    """The valid pseudo-labels of a label store, of people whose picture can be read.

    Args:
        path: the label store.
        samples: the picture cache.
        split: digest of the label split under which they must have been made.
        made_by: the settings that must have made them, as far as they are known.

    Raises:
        InputError: there are none, or they are of other people, another split or other settings.
    """
    store = read_labels(path, samples.people, split=split, made_by=made_by)
    usable = store.valid & samples.readable(store.sample_id, "pseudo-labelled")
    if not usable.any():
        raise InputError(f"{path}: no valid pseudo-label in it; expected at least one")
    return heatmap_targets(store.sample_id[usable], store.heatmap[usable])


def unlabelled_targets(labels: Path, samples: Cached) -> Targets:
    """The unlabelled people, of whom only the picture is used, if it can be read.

    Raises:
        InputError: there are none.
    """
    table = read_shown(labels)
    ids = table.loc[table["role"] == UNLABELLED, "sample_id"].to_numpy()
    ids = ids[samples.readable(ids, "unlabelled")]
    if not len(ids):
        raise InputError(f"{labels}: no unlabelled people; Mean Teacher needs a share below 100 %")
    return heatmap_targets(ids, None)
