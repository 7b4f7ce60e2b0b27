"""Making pseudo-labels from files to files: what the refine rules call."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from gcdr.base.errors import InputError
from gcdr.base.jsonconfig import JsonConfig
from gcdr.data.cache import Samples
from gcdr.data.heatmaps import spread
from gcdr.data.manifest import people_digest, read_people
from gcdr.data.prior_maps import MapSettings, prior_maps
from gcdr.data.split import UNLABELLED
from gcdr.data.stores import write_labels
from gcdr.models.build import load_model
from gcdr.models.denoiser import Denoiser
from gcdr.predictor import Predictor, load_gaze_model
from gcdr.refine.diffusion import SAMPLERS, SamplerConfig, Schedule
from gcdr.refine.maps import Refinement, map_maps, peak_maps, pseudo_labels, refine_maps


@dataclass(frozen=True)
class SamplerSettings(JsonConfig):
    """The noise and the sampler; what is None is as the sampler has it.

    Attributes:
        timesteps: T of the noise schedule.
        schedule: "linear" or "cosine".
        sampler: a name of :data:`gcdr.refine.diffusion.SAMPLERS`.
        eta, noise_offset, last_alpha: see :class:`gcdr.refine.diffusion.SamplerConfig`.
    """

    timesteps: int
    schedule: Literal["linear", "cosine"] = "linear"
    sampler: Literal["reference", "consistent"] = "reference"
    eta: float | None = None
    noise_offset: int | None = None
    last_alpha: Literal["one", "first"] | None = None

    @property
    def config(self) -> SamplerConfig:
        """The sampler with what is set beside its name."""
        given = {name: getattr(self, name) for name in ("eta", "noise_offset", "last_alpha")}
        changes = {name: value for name, value in given.items() if value is not None}
        return replace(SAMPLERS[self.sampler], **changes)

    @property
    def noise(self) -> Schedule:
        """The noise schedule."""
        return Schedule(self.timesteps, self.schedule)

    def as_defined(self, sampler: Literal["reference", "consistent"]) -> "SamplerSettings":
        """The same noise under a sampler as it is defined."""
        return SamplerSettings(self.timesteps, self.schedule, sampler)


@dataclass(frozen=True)
class RefineSettings(JsonConfig):
    """How maps are refined.

    Attributes:
        sampling: noise and sampler.
        timestep: how far a map is noised; None starts from pure noise.
        steps: DDIM steps.
        draws: noise draws of each person.
        redraw: what becomes of them: "mean", "sampled" or "online".
    """

    sampling: SamplerSettings
    timestep: int | None
    steps: int = 2
    draws: int = 1
    redraw: Literal["mean", "sampled", "online"] = "mean"

    def refinement(self, seed: int) -> Refinement:
        """The way to refine with noise of a seed."""
        return Refinement(
            self.timestep,
            self.steps,
            self.sampling.noise,
            self.sampling.config,
            self.draws,
            seed,
            average=self.redraw == "mean",
        )


@dataclass(frozen=True)
class LabelSettings(JsonConfig):
    """How labels are made.

    Attributes:
        maps: how prior maps become heatmaps.
        family: of the model that makes them, see :mod:`gcdr.methods`; None takes the prior map itself.
        gaussian: whether the peak of what was made alone counts.
        refine: of a diffusion model, how it refines.
    """

    maps: MapSettings
    family: Literal["gaze", "diffusion", "mapping"] | None = None
    gaussian: bool = False
    refine: RefineSettings | None = None


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
    cache: Samples,
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
    way = settings.refine.refinement(seed)
    return refine_maps(model, cache, ids, prior, [way], device)[0]


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
        InputError: nobody to make labels for, or a model of another kind than the settings say.
    """
    digest = people_digest(read_people(manifest))
    ids = people_of(manifest, labels, which)
    cache = Samples.open(samples)
    known, valid = None, cache.readable(ids, which)
    if prior is not None:
        known, mapped = prior_maps(prior, digest, ids, settings.maps.layer, settings.maps.size)
        valid &= mapped
    maps = maps_of(cache, ids, known, teacher, settings, seed, device)
    if settings.gaussian:
        maps = peak_maps(maps, settings.maps.sigma)
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
        made_by={"method": method, "settings": settings.to_json(), "seed": seed},
    )
