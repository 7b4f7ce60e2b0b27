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
from gcdr.data.label_maps import LabelMaps
from gcdr.data.lookup import places
from gcdr.data.shown import read_shown
from gcdr.data.split import LABELLED, UNLABELLED, VALIDATION
from gcdr.data.split import targets as of_role

LOOKED_AT = 256  # people set aside whose loss a training logs


@dataclass(frozen=True)
class Targets:
    """What people are trained towards: a gaze point (labelled) or a stored heatmap (pseudo-label).

    Attributes:
        sample_id: (N,) int64, ascending.
        gaze: (N, 2) float32, NaN where the heatmap counts, or nothing is known.
        heatmap: (M, G, G) in [0, 1] by row, in memory or in a file; (M, K, G, G) where a batch takes one of K
            at random; None where there are only labels.
        place: (N,) int64, which row of ``heatmap`` is whose; −1 where none is; None without ``heatmap``.
        in_frame: (N,) float32: 1 for people who look into the frame, 0 for those who do not (their gaze
            is NaN), NaN where unknown; None where it is not learned.
    """

    sample_id: np.ndarray
    gaze: np.ndarray
    heatmap: np.ndarray | LabelMaps | None = None
    place: np.ndarray | None = None
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
        place, in_frame = (None if v is None else v[keep] for v in (self.place, self.in_frame))
        return Targets(self.sample_id[keep], self.gaze[keep], self.heatmap, place, in_frame)

    def maps(self, sample_id: np.ndarray, rng: torch.Generator | None = None) -> Tensor:
        """Stored heatmaps (n, G, G) float32 of people, zeros of who has none; of several, ``rng`` chooses."""
        if self.heatmap is None or self.place is None:
            raise ValueError("these targets hold no heatmaps")
        place = self.place[self.rows(sample_id)]
        known = place >= 0
        stored = torch.zeros(len(place), *self.heatmap.shape[1:])
        stored[torch.from_numpy(known)] = torch.from_numpy(self.heatmap[place[known]]).float()
        if stored.ndim == 4:
            choice = torch.randint(stored.shape[1], (len(stored),), generator=rng)
            stored = stored[torch.arange(len(stored)), choice]
        return stored


def heatmap_targets(sample_id: np.ndarray, heatmap: np.ndarray | None) -> Targets:
    """Stored heatmaps (N, G, G) or (N, K, G, G) as targets; None where only pictures are used."""
    place = None if heatmap is None else np.arange(len(sample_id))
    return Targets(sample_id, _unknown(len(sample_id)), heatmap, place)


def _unknown(count: int) -> np.ndarray:
    return np.full((count, 2), np.nan, np.float32)


def join(labelled: Targets, others: Targets) -> Targets:
    """Both as one; where a person is in both, the label counts. Heatmaps stay where they are."""
    keep = ~np.isin(others.sample_id, labelled.sample_id)
    ids = np.concatenate([labelled.sample_id, others.sample_id[keep]])
    order = np.argsort(ids)
    gaze = np.concatenate([labelled.gaze, others.gaze[keep]])[order]
    place = in_frame = None
    if others.place is not None:
        none = np.full(len(labelled.sample_id), -1)
        place = np.concatenate([none, others.place[keep]])[order]
    if labelled.in_frame is not None:
        hidden = np.full(keep.sum(), np.nan, np.float32)
        in_frame = np.concatenate([labelled.in_frame, hidden])[order]
    return Targets(ids[order], gaze, others.heatmap, place, in_frame)


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
    keep: float = 1.0,
) -> Targets:
    """The valid pseudo-labels of a label store, of people whose picture can be read, the surest first.

    Args:
        path: the label store.
        samples: the picture cache.
        split: digest of the label split under which they must have been made.
        made_by: the settings that must have made them, as far as they are known.
        keep: share of them that is taken, by what the store says of how sure each is.

    Raises:
        InputError: there are none, or they are of other people, another split or other settings, or do not
            say how sure they are.
    """
    store = LabelMaps.open(path, samples.people, split, made_by)
    usable = store.valid & samples.readable(store.sample_id, "pseudo-labelled")
    if not usable.any():
        raise InputError(f"{path}: no valid pseudo-label in it; expected at least one")
    place = np.flatnonzero(usable)
    if keep < 1:
        place = _surest(store, place, keep)
    ids = store.sample_id[place]
    return Targets(ids, _unknown(len(ids)), store, place)


def _surest(store: LabelMaps, place: np.ndarray, keep: float) -> np.ndarray:
    """The share of some rows whose label is surest, at least one, in their order."""
    if store.doubt is None or not np.isfinite(store.doubt[:, place]).all():
        raise InputError(
            f"{store.path}: does not say how sure its labels are; expected labels made by a model, or "
            "keep 1 for the student"
        )
    order = np.lexsort(store.doubt[::-1, place])  # stable, by the first where they differ
    return np.sort(place[order[: max(1, round(keep * len(place)))]])


def pictured_targets(labels: Path, *caches: Cached) -> Targets:
    """Everybody but those set aside, of whom only the picture is used, if all caches have it.

    Raises:
        InputError: there are none.
    """
    table = read_shown(labels)
    ids = table.loc[table["role"] != VALIDATION, "sample_id"].to_numpy()
    for cache in caches:
        ids = ids[cache.readable(ids, "pictured")]
    if not len(ids):
        raise InputError(
            f"{labels}: found nobody with a readable picture, expected some to learn from"
        )
    return heatmap_targets(ids, None)


def unlabelled_targets(labels: Path, samples: Cached) -> Targets:
    """The unlabelled people, of whom only the picture is used, if it can be read.

    Raises:
        InputError: there are none.
    """
    table = read_shown(labels)
    ids = table.loc[table["role"] == UNLABELLED, "sample_id"].to_numpy()
    ids = ids[samples.readable(ids, "unlabelled")]
    if not len(ids):
        raise InputError(
            f"{labels}: no unlabelled people to learn from; expected a share below 100 %"
        )
    return heatmap_targets(ids, None)
