"""Making pseudo-labels from files to files: what the refine rules call."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from gcdr.diffusion import SAMPLERS, SamplerConfig, Schedule
from gcdr.errors import InputError
from gcdr.gradcams import gradcam_maps
from gcdr.heatmaps import spread
from gcdr.labels import UNLABELLED
from gcdr.manifest import people_digest, read_people
from gcdr.models.build import load_model
from gcdr.models.denoiser import Denoiser
from gcdr.models.vat import VAT
from gcdr.refine import Refinement, argmax_maps, predict_maps, pseudo_labels, refine_maps
from gcdr.samples import Samples
from gcdr.stores import write_labels


def people_of(manifest: Path, labels: Path | None, which: str) -> np.ndarray:
    """Ids of the people that labels are made for.

    Args:
        manifest: the manifest.
        labels: what the split shows; None where a data set has no labels at all.
        which: ``"unlabelled"`` training people, ``"test"`` people or ``"all"``.

    Raises:
        InputError: there are none.
    """
    people = read_people(manifest)
    if which == "unlabelled" and labels is not None:
        table = pd.read_parquet(labels, columns=["sample_id", "role"])
        ids = table.loc[table["role"] == UNLABELLED, "sample_id"].to_numpy()
    else:
        rows = people if which == "all" else people[people["split"] == which]
        ids = rows["sample_id"].to_numpy()
    if not len(ids):
        raise InputError(f"{manifest}: no {which} people to make labels for")
    return ids


def sampler_of(settings: dict[str, Any]) -> SamplerConfig:
    """The sampler named in the configuration, with its ``eta``."""
    named = SAMPLERS[settings["sampler"]]
    return SamplerConfig(
        settings["eta"], named.time_offset, named.noise_offset, named.double_encoding
    )


def make_labels(
    method: str,
    manifest: Path,
    labels: Path | None,
    which: str,
    samples: Path,
    prior: Path | None,
    teacher: Path | None,
    settings: dict[str, Any],
    seed: int,
    device: torch.device,
    out: Path,
) -> None:
    """Make pseudo-labels by a method of :mod:`gcdr.refine` and write them as a label store.

    Args:
        method: see :mod:`gcdr.refine`.
        manifest: the manifest.
        labels: what the split shows.
        which: for whom, see :func:`people_of`.
        samples: the picture cache.
        prior: prior store, for methods that start from Grad-CAM.
        teacher: folder of the teacher, for methods that have one.
        settings: ``layer``, ``sigma``, ``size`` and, for diffusion, ``timestep``, ``steps``,
            ``draws``, ``sampler``, ``eta``, ``timesteps`` and ``schedule``.
        seed: seed of the noise.
        device: where to compute.
        out: the label store.
    """
    digest = people_digest(read_people(manifest))
    ids = people_of(manifest, labels, which)
    cache = Samples.open(samples)
    model = None if teacher is None else load_model(teacher)
    gradcam, valid = None, None
    if prior is not None:
        gradcam, valid = gradcam_maps(prior, digest, ids, settings["layer"], settings["size"])
    if isinstance(model, Denoiser):
        way = Refinement(
            settings["timestep"] if method == "gcdr" else None,
            settings["steps"],
            settings["draws"],
            Schedule(settings["timesteps"], settings["schedule"]),
            sampler_of(settings),
            seed,
        )
        maps = refine_maps(model, cache, ids, gradcam, [way], device)[0]
    elif isinstance(model, VAT):
        maps = predict_maps(model, cache, ids, gradcam, device)
    elif method == "argmax":
        maps = argmax_maps(gradcam, settings["sigma"])
    else:
        maps = torch.from_numpy(gradcam)
    peak = maps.flatten(1).amax(1).numpy()
    heatmap, kept = pseudo_labels(maps, valid)
    print(
        f"{method}: {len(ids)} people, {int(kept.sum())} valid labels, mean peak {peak.mean():.3f}"
    )
    write_labels(
        out,
        ids,
        heatmap,
        kept,
        {"peak": peak, "spread": spread(torch.from_numpy(heatmap)).numpy()},
        people=digest,
        made_by={"method": method, "settings": settings, "seed": seed},
    )
