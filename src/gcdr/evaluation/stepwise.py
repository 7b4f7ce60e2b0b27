"""What the diffusion model makes of a few test people's maps, step by step and from several timesteps."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gcdr.base.errors import InputError
from gcdr.data.manifest import people_digest, read_people
from gcdr.data.parquet import read_table
from gcdr.data.prior_maps import prior_maps
from gcdr.data.shown import check_split, split_identity
from gcdr.data.stores import read_labels, write_labels
from gcdr.data.tokens import open_cache
from gcdr.evaluation.shown_people import by_raw_map
from gcdr.models.build import read_card
from gcdr.refine.choice import read_choice
from gcdr.refine.labels import load_denoiser, refinement_of, with_choice
from gcdr.refine.maps import pseudo_labels, step_maps
from gcdr.refine.options import LabelSettings, RefineSettings

PEOPLE = 3
"""People of each kind, right and wrong raw maps, that figures show."""
STEPS = (2, 5)
FIFTHS = (1, 2, 3, 4)

Way = tuple[int | None, int]
"""The timestep at which a map is noised, None for pure noise, and the steps."""


def timesteps_shown(timesteps: int) -> list[int]:
    """Fifths of a schedule of T timesteps: 100, 200, 300 and 400 of the paper's 500 (Figure 5)."""
    return [timesteps * part // 5 for part in FIFTHS]


def ways(refine: RefineSettings) -> list[Way]:
    """The ways of making a map that figures compare, each once.

    Args:
        refine: with a timestep; from there, and from noise, in its own steps and in those of ``STEPS``
            (Figure S3); from the timesteps shown in its own steps (Figure 5).
    """
    timestep, own = refine.timestep, refine.steps
    several = [steps for steps in dict.fromkeys((own, *STEPS)) if steps <= timestep]
    found = [(start, own) for start in timesteps_shown(refine.sampling.timesteps) if own <= start]
    found += [(start, steps) for start in (timestep, None) for steps in several]
    return list(dict.fromkeys(found))


def write_step_maps(
    teacher: Path,
    samples: Path,
    manifest: Path,
    labels: Path,
    prior: Path,
    scores: Path,
    settings: LabelSettings,
    seed: int,
    device: torch.device,
    out: Path,
    choice: Path | None = None,
    prior_made_by: Mapping[str, Any] | None = None,
) -> None:
    """Every step's map of the people of :func:`gcdr.evaluation.shown_people.by_raw_map`, as a label store.

    Args:
        teacher: folder of the diffusion teacher.
        samples: the picture cache.
        manifest: the manifest.
        labels: what the split shows, for the record.
        prior: prior store.
        scores: each test person's scores of the raw maps (Parquet).
        settings: how labels are made.
        seed: seed of the noise, that of the pseudo-labels.
        device: where to compute.
        out: the store; its K maps of each person are those of the ways one after another, as ``made_by``
            says with ``ways``.
        choice: file of the chosen timestep, where the settings leave it open; the way of the whole is
            shown, of people of groups with their own too.
        prior_made_by: the settings that must have made the prior store, as far as they are known.

    Raises:
        InputError: nobody with a raw map that is right or wrong, or files that do not fit together.
    """
    digest = people_digest(read_people(manifest))
    split = split_identity(labels)
    check_split(teacher, read_card(teacher).get("split"), split, labels)
    if choice is not None:
        check_split(choice, read_choice(choice).split, split, labels)
    refine = with_choice(settings.refine, choice)
    how = (settings.maps.layer, settings.maps.size, prior_made_by)
    tested = read_table(scores)
    _, valid = prior_maps(prior, digest, tested["sample_id"].to_numpy(), *how)
    ids = np.sort(np.concatenate([*by_raw_map(tested, valid, PEOPLE).values()]))
    if not len(ids):
        raise InputError(
            f"{scores}: no test person has a right or a wrong raw map; expected somebody"
        )
    maps, _ = prior_maps(prior, digest, ids, *how)
    model, cache = load_denoiser(teacher, refine.precision), open_cache(samples, digest)
    made, recorded = [], []
    for timestep, steps in ways(refine):
        refinement = refinement_of(replace(refine, timestep=timestep, steps=steps), seed)
        visits = step_maps(model, cache, ids, maps, refinement, device).transpose(0, 1)
        made.append(visits)
        recorded.append({"timestep": timestep, "steps": steps, "maps": visits.shape[1]})
    heatmap, usable = pseudo_labels(torch.cat(made, 1), None, refine.stretch)
    made_by = {"settings": settings.to_json(), "seed": seed, "split": split}
    made_by |= {"chosen": {"timestep": refine.timestep, "steps": refine.steps}, "ways": recorded}
    write_labels(out, ids, heatmap, usable, {}, people=digest, made_by=made_by)
    print(f"{len(ids)} people, {heatmap.shape[1]} maps each")


def read_step_maps(
    path: Path, people: str, sample_id: np.ndarray, split: str
) -> tuple[Way, dict[Way, np.ndarray]]:
    """The maps that :func:`write_step_maps` wrote.

    Args:
        path: the store.
        people: digest of the people.
        sample_id: (N,) the people wanted.
        split: digest of the split.

    Returns:
        the timestep and steps that pseudo-labels are made with, and each way's maps (N, visits, H, W) float32
        in [0, 1].

    Raises:
        InputError: as :func:`gcdr.data.stores.read_labels`.
    """
    store = read_labels(path, people, sample_id, split)
    about = store.attributes["made_by"]
    ends = np.cumsum([way["maps"] for way in about["ways"]])
    parts = np.split(store.heatmap, ends[:-1], axis=1)
    named = [(way["timestep"], way["steps"]) for way in about["ways"]]
    chosen = about["chosen"]["timestep"], about["chosen"]["steps"]
    return chosen, dict(zip(named, parts, strict=True))
