"""Making pseudo-labels from files to files: what the refine rules call."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gcdr.base.errors import InputError
from gcdr.data.heatmaps import spread
from gcdr.data.manifest import people_digest, read_people
from gcdr.data.prior_maps import prior_maps
from gcdr.data.shown import check_split, read_shown, split_identity
from gcdr.data.split import UNLABELLED
from gcdr.data.stores import write_labels
from gcdr.data.tokens import Cache, open_cache
from gcdr.models.build import load_model, read_card
from gcdr.models.denoiser import Denoiser
from gcdr.predictor import Predictor, load_gaze_model
from gcdr.refine.diffusion import SAMPLERS, SamplerConfig, Schedule
from gcdr.refine.maps import Refinement, map_maps, peak_maps, pseudo_labels, refine_maps
from gcdr.refine.options import LabelSettings, RefineSettings, SamplerSettings


def sampler_of(settings: SamplerSettings) -> SamplerConfig:
    """The sampler with what is set beside its name."""
    overrides = {name: getattr(settings, name) for name in ("eta", "noise_offset", "last_alpha")}
    changes = {name: value for name, value in overrides.items() if value is not None}
    return replace(SAMPLERS[settings.sampler], **changes)


def noise_of(settings: SamplerSettings) -> Schedule:
    """The noise schedule."""
    return Schedule(settings.timesteps, settings.schedule)


def refinement_of(settings: RefineSettings, seed: int) -> Refinement:
    """The way to refine with noise of a seed."""
    return Refinement(
        settings.timestep,
        settings.steps,
        noise_of(settings.sampling),
        sampler_of(settings.sampling),
        settings.draws,
        seed,
        average=settings.redraw == "mean",
    )


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
        table = read_shown(labels, people_digest(people))
        ids = table.loc[table["role"] == UNLABELLED, "sample_id"].to_numpy()
    else:
        rows = people if which == "all" else people[people["split"] == which]
        ids = rows["sample_id"].to_numpy()
    if not len(ids):
        raise InputError(f"{manifest}: no {which} people to make labels for")
    return ids


def load_denoiser(folder: Path) -> Denoiser:
    """The diffusion model, or the direct mapping, of a folder.

    Raises:
        InputError: it holds a model of another kind.
    """
    model = load_model(folder)
    if not isinstance(model, Denoiser):
        raise InputError(f"{folder}: found a {type(model).__name__}, expected a Denoiser")
    return model


def maps_of(
    cache: Cache,
    ids: np.ndarray,
    prior: np.ndarray | None,
    teacher: Path | None,
    settings: LabelSettings,
    seed: int,
    device: torch.device,
) -> Tensor:
    """Maps (N, H, W), or (N, K, H, W) for K draws, of people, unstretched.

    Arguments as in :func:`make_labels`; ``prior`` (N, G, G) float32 in [0, 1].

    Raises:
        InputError: a model of another kind than the settings say, or none where one is needed.
    """
    if settings.family is None:
        return torch.from_numpy(prior)
    if teacher is None:
        raise InputError(
            f"labels of a {settings.family} model: found no model, expected its folder"
        )
    if settings.family == "gaze":
        predictor = Predictor(load_gaze_model(teacher), device)
        return predictor.of_people(cache, ids, prior).heatmap
    model = load_denoiser(teacher)
    if settings.family == "mapping":
        return map_maps(model, cache, ids, prior, device)
    refinement = refinement_of(settings.refine, seed)
    return refine_maps(model, cache, ids, prior, [refinement], device)[0]


def make_labels(
    method: str,
    manifest: Path,
    labels: Path | None,
    which: str,
    samples: Path,
    prior: Path | None,
    teacher: Path | None,
    settings: LabelSettings,
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
        settings: how.
        seed: seed of the noise.
        device: where to compute.
        out: the label store.

    Raises:
        InputError: nobody to make labels for, a model of another kind than the settings say or of another
            split, or files that are damaged or of other people.
    """
    digest = people_digest(read_people(manifest))
    ids = people_of(manifest, labels, which)
    split = split_identity(labels) if labels is not None else None
    if split is not None and teacher is not None:
        check_split(teacher, read_card(teacher).get("split"), split, labels)
    cache = open_cache(samples, digest)
    known, valid = None, cache.readable(ids, which)
    if prior is not None:
        known, mapped = prior_maps(prior, digest, ids, settings.maps.layer, settings.maps.size)
        valid &= mapped
    maps = maps_of(cache, ids, known, teacher, settings, seed, device)
    if settings.gaussian:
        maps = peak_maps(maps, settings.maps.sigma)
    peak = maps.flatten(1).amax(1).numpy()
    heatmap, usable = pseudo_labels(maps, valid)
    print(
        f"{method}: {len(ids)} people, {int(usable.sum())} valid labels, mean peak {peak.mean():.3f}"
    )
    first = torch.from_numpy(heatmap.reshape(len(ids), -1, *heatmap.shape[-2:])[:, 0])
    write_labels(
        out,
        ids,
        heatmap,
        usable,
        {"peak": np.nan_to_num(peak), "spread": spread(first).numpy()},
        people=digest,
        made_by={"method": method, "settings": settings.to_json(), "seed": seed, "split": split},
    )
