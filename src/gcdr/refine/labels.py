"""Making pseudo-labels from files to files: what the refine rules call."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from gcdr.base.errors import InputError
from gcdr.data.cache import Samples
from gcdr.data.heatmaps import spread
from gcdr.data.manifest import people_digest, read_people
from gcdr.data.prior_maps import gradcam_maps
from gcdr.data.split import UNLABELLED
from gcdr.data.stores import write_labels
from gcdr.methods import CHANGES
from gcdr.models.build import load_model
from gcdr.models.denoiser import Denoiser
from gcdr.models.vat import VAT
from gcdr.refine.diffusion import SAMPLERS, SamplerConfig, Schedule
from gcdr.refine.maps import (
    Refinement,
    map_maps,
    peak_maps,
    predict,
    pseudo_labels,
    refine_maps,
)

FAMILIES = {"gaze": VAT, "diffusion": Denoiser, "mapping": Denoiser, None: type(None)}


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
    """The sampler named in the configuration, with what is set beside its name; null keeps its own."""
    changes = {name: settings[name] for name in CHANGES if settings[name] is not None}
    return replace(SAMPLERS[settings["sampler"]], **changes)


def refinement_of(settings: dict[str, Any], timestep: int | None, seed: int) -> Refinement:
    """The configured way to refine from a timestep; from pure noise where it is None."""
    return Refinement(
        timestep,
        settings["steps"],
        Schedule(settings["timesteps"], settings["schedule"]),
        sampler_of(settings),
        settings["draws"],
        seed,
        average=settings["redraw"] == "mean",
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
    """Make pseudo-labels and write them as a label store; people without a picture get invalid ones.

    Args:
        method: its name, for the record; what it does is in the settings.
        manifest: the manifest.
        labels: what the split shows.
        which: for whom, see :func:`people_of`.
        samples: the picture cache.
        prior: prior store, for methods that see the Grad-CAM map.
        teacher: folder of the model, for methods that have one.
        settings: ``layer``, ``sigma``, ``size``, ``teacher`` (the model's family, see
            :mod:`gcdr.methods`), ``gaussian`` (whether the map's peak alone counts) and, for
            diffusion, ``timestep`` (null from pure noise), ``steps``, ``draws``, ``redraw``,
            ``sampler``, ``eta``, ``noise_offset``, ``last_alpha``, ``timesteps`` and ``schedule``.
        seed: seed of the noise.
        device: where to compute.
        out: the label store.

    Raises:
        InputError: nobody to make labels for, or a model of another kind than the settings say.
    """
    digest = people_digest(read_people(manifest))
    ids = people_of(manifest, labels, which)
    cache = Samples.open(samples)
    gradcam, valid = None, cache.readable(ids, which)
    if prior is not None:
        gradcam, mapped = gradcam_maps(prior, digest, ids, settings["layer"], settings["size"])
        valid &= mapped
    family = settings["teacher"]
    model = None if teacher is None else load_model(teacher)
    if not isinstance(model, FAMILIES[family]):
        expected = FAMILIES[family].__name__
        raise InputError(f"{teacher}: found a {type(model).__name__}, expected a {expected}")
    if family == "diffusion":
        way = refinement_of(settings, settings["timestep"], seed)
        maps = refine_maps(model, cache, ids, gradcam, [way], device)[0]
    elif family == "mapping":
        maps = map_maps(model, cache, ids, gradcam, device)
    elif family == "gaze":
        maps = predict(model, cache, ids, gradcam, device).heatmap
    else:
        maps = torch.from_numpy(gradcam)
    if settings["gaussian"]:
        maps = peak_maps(maps, settings["sigma"])
    peak = maps.flatten(1).amax(1).numpy()
    heatmap, kept = pseudo_labels(maps, valid)
    print(
        f"{method}: {len(ids)} people, {int(kept.sum())} valid labels, mean peak {peak.mean():.3f}"
    )
    first = torch.from_numpy(heatmap.reshape(len(ids), -1, *heatmap.shape[-2:])[:, 0])
    write_labels(
        out,
        ids,
        heatmap,
        kept,
        {"peak": np.nan_to_num(peak), "spread": spread(first).numpy()},
        people=digest,
        made_by={"method": method, "settings": settings, "seed": seed},
    )
