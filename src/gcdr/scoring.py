"""Evaluations from files to files: what the evaluate rules call."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from gcdr.diffusion import SAMPLERS
from gcdr.errors import InputError
from gcdr.evaluate import score_baselines, score_maps, summarise, test_people, write_metrics
from gcdr.files import write_json
from gcdr.gradcams import gradcam_maps
from gcdr.labelling import refinement_of
from gcdr.labels import VALIDATION, targets
from gcdr.manifest import people_digest, read_annotations, read_people
from gcdr.models.build import load_model
from gcdr.models.denoiser import Denoiser
from gcdr.models.vat import VAT
from gcdr.refine import predict_maps, pseudo_labels, refine_maps
from gcdr.samples import Samples
from gcdr.stores import read_labels, write_labels


def evaluate_model(
    model: Path,
    samples: Path,
    manifest: Path,
    annotations: Path,
    prior: Path | None,
    settings: dict[str, Any],
    about: dict[str, Any],
    device: torch.device,
    out: Path,
) -> None:
    """Score a gaze model on the test people; its heatmaps are kept as a label store beside the metrics.

    Args:
        model: folder of the model.
        samples: the picture cache.
        manifest: the manifest.
        annotations: the test annotators.
        prior: prior store for VAT-GC, else None.
        settings: ``layer`` and ``size`` for VAT-GC.
        about: what is scored, for the metrics file.
        device: where to compute.
        out: the metrics JSON.

    Raises:
        InputError: the folder holds no gaze model.
    """
    loaded = load_model(model)
    if not isinstance(loaded, VAT):
        raise InputError(f"{model}: found a {type(loaded).__name__}, expected a gaze model")
    people, unreadable = test_people(manifest, samples)
    ids = people["sample_id"].to_numpy()
    digest = people_digest(read_people(manifest))
    gradcam = None
    if prior is not None:
        gradcam, _ = gradcam_maps(prior, digest, ids, settings["layer"], settings["size"])
    maps = predict_maps(loaded, Samples.open(samples), ids, gradcam, device)
    heatmap, valid = pseudo_labels(maps, None)
    write_labels(out.with_suffix(".h5"), ids, heatmap, valid, {}, people=digest, made_by=about)
    scores = score_maps(maps.numpy(), people, read_annotations(annotations, ids))
    write_metrics(scores, about, out, unreadable)


def evaluate_labels(
    store: Path,
    samples: Path,
    manifest: Path,
    annotations: Path,
    about: dict[str, Any],
    out: Path,
) -> None:
    """Score a label store of the test people, for example refined Grad-CAM maps (Diffusion-GC)."""
    people, unreadable = test_people(manifest, samples)
    ids = people["sample_id"].to_numpy()
    labels = read_labels(store, people_digest(read_people(manifest)), ids)
    scores = score_maps(labels.heatmap, people, read_annotations(annotations, ids))
    write_metrics(scores, about, out, unreadable)


def evaluate_prior(
    prior: Path,
    samples: Path,
    manifest: Path,
    annotations: Path,
    settings: dict[str, Any],
    about: dict[str, Any],
    out: Path,
) -> None:
    """Score raw Grad-CAM maps of the test people, and beside them the baselines of the annotations.

    A person without a valid map counts with an empty one, whose peak is the upper left cell; who is
    without a readable picture is left out everywhere.
    """
    people, unreadable = test_people(manifest, samples)
    ids = people["sample_id"].to_numpy()
    digest = people_digest(read_people(manifest))
    maps, _ = gradcam_maps(prior, digest, ids, settings["layer"], settings["size"])
    points = read_annotations(annotations, ids)
    write_metrics(score_maps(maps, people, points), about, out, unreadable)
    for name, scores in score_baselines(people, points).items():
        ruler = {**about, "recipe": name, "method": name, "kind": "baseline"}
        write_metrics(scores, ruler, out.with_name(f"{name}.json"), unreadable)


def sweep_timesteps(
    teacher: Path,
    samples: Path,
    manifest: Path,
    annotations: Path,
    labels: Path,
    prior: Path,
    settings: dict[str, Any],
    about: dict[str, Any],
    seed: int,
    device: torch.device,
    out: Path,
) -> None:
    """How good refined maps are at each noise timestep, on validation people and on test people.

    With every sampler, not the configured one alone. The validation people are part of the labelled
    share: timestep and sampler are chosen on them, never on test. Who is without a readable picture is
    left out.

    Args:
        teacher: folder of the diffusion teacher.
        samples: the picture cache.
        manifest: the manifest.
        annotations: the test annotators.
        labels: what the split shows, validation people among it.
        prior: prior store.
        settings: as for :func:`gcdr.labelling.make_labels`, with ``sweep``, the timesteps.
        about: ``study``, ``seed`` and ``share``, for the result.
        seed: seed of the noise, that of the pseudo-labels.
        device: where to compute.
        out: the result as JSON.
    """
    model = load_model(teacher)
    if not isinstance(model, Denoiser):
        raise InputError(f"{teacher}: found a {type(model).__name__}, expected a diffusion model")
    people = read_people(manifest)
    digest, cache = people_digest(people), Samples.open(samples)
    tested = test_people(manifest, samples)[0]["sample_id"].to_numpy()
    known, gaze = targets(pd.read_parquet(labels), VALIDATION)
    seen = cache.readable(known, "validation")
    groups = {"test": (tested, read_annotations(annotations, tested))}
    if seen.any():
        groups["val"] = (known[seen], gaze[seen, None].astype(float))
    ways = [
        (sampler, refinement_of({**settings, "sampler": sampler}, timestep, seed))
        for sampler in SAMPLERS
        for timestep in settings["sweep"]
    ]
    rows = []
    for group, (ids, points) in groups.items():
        gradcam, _ = gradcam_maps(prior, digest, ids, settings["layer"], settings["size"])
        refined = refine_maps(model, cache, ids, gradcam, [way for _, way in ways], device)
        part = people.iloc[np.searchsorted(people["sample_id"], ids)]
        for (sampler, way), maps in zip(ways, refined, strict=True):
            summary = summarise(score_maps(maps.numpy(), part, points))
            values = {name: summary[name]["value"] for name in ("dist_to_mean", "min_dist", "auc")}
            rows.append({"sampler": sampler, "timestep": way.timestep, "set": group, **values})
    counts = {group: len(ids) for group, (ids, _) in groups.items()}
    chosen = {"sampler": settings["sampler"], "people": counts}
    write_json(out, {"format": 1, **about, **chosen, "rows": rows})
