"""Evaluations from files to files: what the evaluate rules call."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from gcdr.base.errors import InputError
from gcdr.base.plain import JsonTable
from gcdr.data.folds import resampled
from gcdr.data.manifest import people_digest, read_annotations, read_people
from gcdr.data.prior_maps import prior_maps
from gcdr.data.shown import split_under
from gcdr.data.stores import read_labels, write_labels
from gcdr.data.tokens import open_cache
from gcdr.evaluation.hidden import people_with_points
from gcdr.evaluation.scores import (
    score_baselines,
    score_maps,
    summarise_in_frame,
    write_metrics,
)
from gcdr.models.build import read_card
from gcdr.predictor.predictor import Predictor, load_gaze_model
from gcdr.refine.maps import pseudo_labels
from gcdr.refine.options import MapSettings


@dataclass(frozen=True)
class Tested:
    """The test people of a data set, or the hidden ones of a study that adapts, whose picture can be read.

    Attributes:
        people: their N rows of the manifest.
        points: (N, A, 2) their annotators' points, padded with NaN.
        inside: (N,) bool: who looks into the frame. Of the others no distance is known; they count for
            the average precision of in or out alone.
        unreadable: how many test people are not among them.
    """

    people: pd.DataFrame
    points: np.ndarray
    inside: np.ndarray
    unreadable: int

    @property
    def ids(self) -> np.ndarray:
        """(N,) ``sample_id`` of everybody."""
        return self.people["sample_id"].to_numpy()

    @property
    def left_out(self) -> dict[str, int]:
        """How many distances are without, and why, for the metrics file."""
        return {"out_of_frame": int((~self.inside).sum()), "unreadable": self.unreadable}

    def looking_inside(self) -> "Tested":
        """Those who look into the frame."""
        rows = self.inside
        return Tested(self.people[rows], self.points[rows], self.inside[rows], self.unreadable)


def test_people(manifest: Path, annotations: Path, samples: Path) -> Tested:
    """The test people of a manifest with what the annotators said.

    Args:
        manifest: the manifest.
        annotations: the test annotators, or those of the people whom a split hides
            (:mod:`gcdr.evaluation.hidden`), who then are tested.
        samples: the picture cache, which knows whose picture can be read.

    Raises:
        InputError: a file is damaged or of other people; there are no test people, none has a readable
            picture or looks into the frame, or one has no annotation.
    """
    digest = people_digest(read_people(manifest))
    people = people_with_points(manifest, annotations)
    if people.empty:
        raise InputError(f"{manifest}: no test people; expected rows with split 'test'")
    seen = open_cache(samples, digest).readable(people["sample_id"].to_numpy(), "test")
    if not seen.any():
        raise InputError(f"{samples}: no test person has a readable picture; expected at least one")
    people = people[seen]
    points = read_annotations(annotations, people["sample_id"].to_numpy(), digest)
    inside = np.isfinite(points).all(2).any(1)
    if not inside.any():
        raise InputError(f"{annotations}: no test person looks into the frame; expected some")
    return Tested(people, points, inside, int((~seen).sum()))


def in_frame_summary(model: Path, logit: np.ndarray | None, tested: Tested) -> dict | str:
    """The in/out metric of a model, or why it has none."""
    card = read_card(model)
    settings = card.get("settings", {})
    learned = settings.get("in_frame") is not None or settings.get("out_of_frame")
    if logit is None or not (
        learned or "converted" in card
    ):  # a released file's model has learned it
        return "the model was not trained to tell in from out of the frame (gaze.in_frame)"
    if tested.inside.all():
        return "no test person is known to look out of the frame"
    return summarise_in_frame(logit, tested.inside, resampled(tested.people)[0])


def evaluate_model(
    model: Path,
    samples: Path,
    manifest: Path,
    annotations: Path,
    prior: Path | None,
    settings: MapSettings,
    about: JsonTable,
    device: torch.device,
    out: Path,
    prior_made_by: Mapping[str, Any] | None = None,
) -> None:
    """Score a gaze model on the test people; its heatmaps are kept as a label store beside the metrics.

    The store holds everybody, and the in/out logit of a model that was trained to give it.

    Args:
        model: folder of the model.
        samples: the picture cache.
        manifest: the manifest.
        annotations: the test annotators.
        prior: prior store, for a model that sees its maps; else None.
        settings: how prior maps become heatmaps.
        about: what is scored, for the metrics file.
        device: where to compute.
        out: the metrics JSON.
        prior_made_by: the settings that must have made the prior store, as far as they are known.

    Raises:
        InputError: the folder holds no gaze model, or the prior store was made by other settings.
    """
    about = about | {"split": split_under(model, read_card(model).get("split"), about)}
    predictor = Predictor(load_gaze_model(model), device)
    tested = test_people(manifest, annotations, samples)
    ids, inside = tested.ids, tested.inside
    digest = people_digest(read_people(manifest))
    known = None
    if prior is not None:
        how = (settings.layer, settings.size, prior_made_by)
        known, _ = prior_maps(prior, digest, ids, *how)
    predicted = predictor.of_people(open_cache(samples), ids, known)
    heatmap, valid = pseudo_labels(predicted.heatmap, None)
    logit = None if predicted.in_frame is None else predicted.in_frame.numpy()
    in_frame = in_frame_summary(model, logit, tested)
    columns = {} if isinstance(in_frame, str) else {"in_frame": logit}
    write_labels(out.with_suffix(".h5"), ids, heatmap, valid, columns, people=digest, made_by=about)
    scored = tested.looking_inside()
    scores = score_maps(predicted.heatmap.numpy()[inside], scored.people, scored.points)
    write_metrics(scores, about | tested.left_out, out, in_frame)


def evaluate_labels(
    store: Path,
    samples: Path,
    manifest: Path,
    annotations: Path,
    about: JsonTable,
    out: Path,
    store_made_by: Mapping[str, Any] | None = None,
) -> None:
    """Score a label store of the test people, for example refined Grad-CAM maps (Diffusion-GC).

    Raises:
        InputError: it was made under another split, or by other settings than ``store_made_by``.
    """
    tested = test_people(manifest, annotations, samples)
    scored = tested.looking_inside()
    digest = people_digest(read_people(manifest))
    labels = read_labels(store, digest, scored.ids, made_by=store_made_by)
    about = about | {"split": split_under(store, labels.attributes["made_by"].get("split"), about)}
    scores = score_maps(labels.heatmap, scored.people, scored.points)
    write_metrics(scores, about | tested.left_out, out)


def evaluate_prior(
    prior: Path,
    samples: Path,
    manifest: Path,
    annotations: Path,
    settings: MapSettings,
    about: JsonTable,
    out: Path,
    prior_made_by: Mapping[str, Any] | None = None,
) -> None:
    """Score raw prior maps of the test people.

    A person without a valid map counts with an empty one, whose peak is the upper left cell; who is
    without a readable picture is left out everywhere.

    Raises:
        InputError: the store was made by other settings than ``prior_made_by``.
    """
    tested = test_people(manifest, annotations, samples)
    scored, about = tested.looking_inside(), about | tested.left_out
    digest = people_digest(read_people(manifest))
    how = (settings.layer, settings.size, prior_made_by)
    maps, _ = prior_maps(prior, digest, scored.ids, *how)
    write_metrics(score_maps(maps, scored.people, scored.points), about, out)


def evaluate_baselines(
    samples: Path, manifest: Path, annotations: Path, about: JsonTable, out: Path
) -> None:
    """Score the baselines of the annotations of the test people, a file each in the folder ``out``."""
    tested = test_people(manifest, annotations, samples)
    scored, about = tested.looking_inside(), about | tested.left_out
    for name, scores in score_baselines(scored.people, scored.points).items():
        ruler = {**about, "variant": name, "method": name}
        write_metrics(scores, ruler, out / f"{name}.json")
