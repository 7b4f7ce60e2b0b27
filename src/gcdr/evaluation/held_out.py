"""How far models of parts of a study's labels are off, on labelled people whom none has learned from."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from gcdr.base.errors import InputError
from gcdr.base.files import write_sealed
from gcdr.base.plain import JsonTable
from gcdr.data.folds import clusters
from gcdr.data.heatmaps import peak_points
from gcdr.data.lookup import places
from gcdr.data.manifest import people_digest, read_people
from gcdr.data.shown import check_split, read_shown, split_identity
from gcdr.data.split import LABELLED, VALIDATION, targets
from gcdr.data.tokens import open_cache
from gcdr.evaluation.metrics import point_distances
from gcdr.models.build import read_card
from gcdr.predictor.predictor import Predictor, load_gaze_model

CURVE_FORMAT = 1


def judge_parts(
    parts: Sequence[JsonTable],
    samples: Path,
    manifest: Path,
    labels: Path,
    about: JsonTable,
    device: torch.device,
    out: Path,
) -> None:
    """Errors of models of each part on the validation people of the whole split; never on test people.

    Parts of one seed are nested and so are their validation people, so those of the whole split have been
    learned from by no model. Most of them are unlabelled people of the smaller parts.

    Args:
        parts: ``labels`` (the part's split), ``methods``: folders of gaze models by method.
        samples: the picture cache.
        manifest: the manifest.
        labels: the whole split.
        about: ``study``, ``seed``, ``share``, ``variant``, for the result.
        device: where to compute.
        out: the result as JSON: ``unit`` (N) which people count together, and of each part ``labelled``, how
            many people with a gaze point it learned from, and ``errors`` (N) by method, in units of the
            image.

    Raises:
        InputError: no validation person, one that a part labels, a model of another split, or models that see
            prior maps.
    """
    people = read_people(manifest)
    digest = people_digest(people)
    known, gaze = targets(read_shown(labels, digest), VALIDATION)
    cache = open_cache(samples, digest)
    seen = cache.readable(known, "validation") if len(known) else np.zeros(0, bool)
    if not seen.any():
        raise InputError(
            f"{labels}: no labelled person is set aside to judge by; expected some (split.validation)"
        )
    known, points = known[seen], gaze[seen, None].astype(float)
    rows = []
    for part in parts:
        learned, _ = targets(read_shown(part["labels"], digest), LABELLED)
        if len(both := np.intersect1d(known, learned)):
            raise InputError(
                f"{part['labels']}: labels the person {both[0]}, whom {labels} sets aside"
            )
        identity, errors = split_identity(part["labels"]), {}
        for method, folder in part["methods"].items():
            check_split(folder, read_card(folder).get("split"), identity, part["labels"])
            model = load_gaze_model(folder)
            if model.needs.prior:
                raise InputError(
                    f"{folder}: found a model that sees prior maps, expected one that does not"
                )
            maps = Predictor(model, device).of_people(cache, known, None).heatmap
            found = point_distances(peak_points(maps).numpy(), points)["dist_to_mean"]
            errors[method] = found.tolist()
        rows.append({"labelled": len(learned), "errors": errors})
    units = clusters(people.iloc[places(people["sample_id"].to_numpy(), known, manifest)])
    named = np.unique(units, return_inverse=True)[1].tolist()
    write_sealed(out, {"format": CURVE_FORMAT, **about, "unit": named, "rows": rows})
