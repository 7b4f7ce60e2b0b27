"""Making pseudo-labels from files to files: what the refine rules call."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from gcdr.base.blocks import work_key
from gcdr.base.errors import InputError
from gcdr.base.files import read_json, text_digest
from gcdr.base.plain import JsonTable
from gcdr.base.provenance import code_of
from gcdr.data.hdf5 import attributes_of_hdf5
from gcdr.data.heatmaps import entropy, peak_points, spread
from gcdr.data.lookup import places
from gcdr.data.manifest import IGNORED, people_digest, read_people
from gcdr.data.prior_maps import held_maps, is_one_map
from gcdr.data.shown import check_split, read_shown, split_identity
from gcdr.data.split import UNLABELLED
from gcdr.data.stores import open_labels, write_label_blocks
from gcdr.data.tokens import open_cache
from gcdr.data.varied import check_varied
from gcdr.models.build import load_model, read_card
from gcdr.models.denoiser import Denoiser
from gcdr.models.interface import GazeModel
from gcdr.models.precision import set_precision
from gcdr.models.sizes import CARD_FILE
from gcdr.predictor.predictor import load_gaze_model
from gcdr.refine.choice import read_choice
from gcdr.refine.diffusion import SAMPLERS, SamplerConfig, Schedule
from gcdr.refine.label_blocks import LabelBlocks, LabelRows, MadeMaps, MapMaking
from gcdr.refine.maps import Refinement, peak_maps, pseudo_labels
from gcdr.refine.options import LabelSettings, RefineSettings, SamplerSettings
from gcdr.refine.trust import distance, draw_spread
from gcdr.variants import AUTO


def sampler_of(settings: SamplerSettings) -> SamplerConfig:
    """The sampler with what is set beside its name."""
    overrides = {name: getattr(settings, name) for name in ("eta", "noise_offset", "last_alpha")}
    changes = {name: value for name, value in overrides.items() if value is not None}
    return replace(SAMPLERS[settings.sampler], **changes)


def noise_of(settings: SamplerSettings) -> Schedule:
    """The noise schedule."""
    return Schedule(settings.timesteps, settings.schedule)


def refinement_of(settings: RefineSettings, seed: int) -> Refinement:
    """The way to refine with noise of a seed.

    Raises:
        InputError: the timestep is yet to be chosen.
    """
    if settings.timestep == AUTO or settings.steps is None:
        raise InputError("refine.timestep: found auto and no choice, expected the file of one")
    return Refinement(
        settings.timestep,
        settings.steps,
        noise_of(settings.sampling),
        sampler_of(settings.sampling),
        settings.draws,
        seed,
        average=settings.redraw == "mean",
        expected=settings.start == "expected",
        stretch=settings.stretch,
    )


def people_of(manifest: Path, labels: Path | None, which: str) -> np.ndarray:
    """Ids of the people that labels are made for.

    Args:
        manifest: the manifest.
        labels: what the split shows; None where a data set has no labels at all.
        which: ``"unlabelled"`` training people, ``"test"`` people or ``"all"`` but the ignored ones.

    Raises:
        InputError: there are none.
    """
    people = read_people(manifest)
    if which == "unlabelled" and labels is not None:
        table = read_shown(labels, people_digest(people))
        ids = table.loc[table["role"] == UNLABELLED, "sample_id"].to_numpy()
    else:
        wanted = people["split"] != IGNORED if which == "all" else people["split"] == which
        ids = people.loc[wanted, "sample_id"].to_numpy()
    if not len(ids):
        raise InputError(f"{manifest}: no {which} people to make labels for")
    return ids


def load_denoiser(folder: Path, precision: str = "fp32") -> Denoiser:
    """The diffusion model, or the direct mapping, of a folder.

    Args:
        folder: the folder.
        precision: in which it computes, see :func:`gcdr.models.precision.set_precision`.

    Raises:
        InputError: it holds a model of another kind.
    """
    model = load_model(folder)
    if not isinstance(model, Denoiser):
        raise InputError(f"{folder}: found a {type(model).__name__}, expected a Denoiser")
    set_precision(model, precision)
    return model


def model_of(settings: LabelSettings, teacher: Path | None) -> GazeModel | Denoiser | None:
    """The model that makes labels; None where prior maps are labels.

    Raises:
        InputError: a model of another kind than the settings say, or none where one is needed.
    """
    if settings.family is None:
        return None
    if teacher is None:
        raise InputError(
            f"labels of a {settings.family} model: found no model, expected its folder"
        )
    if settings.family == "gaze":
        return load_gaze_model(teacher)
    return load_denoiser(teacher, settings.refine.precision if settings.refine else "fp32")


def with_choice(refine: RefineSettings, choice: Path | None) -> RefineSettings:
    """Settings with the choice of the whole, where there is one.

    Raises:
        InputError: the choice cannot be read.
    """
    if choice is None:
        return refine
    chosen = read_choice(choice).whole
    return replace(refine, timestep=chosen.timestep, steps=chosen.steps)


def refined_parts(
    settings: LabelSettings, choice: Path | None, people: pd.DataFrame
) -> list[tuple[RefineSettings, np.ndarray]]:
    """Which people are refined how; nobody where labels are not made by diffusion.

    Args:
        settings: how labels are made.
        choice: file of a chosen timestep, where the settings leave it open.
        people: (N,) rows of the manifest; their ``group``, where they have one, may have its own.

    Returns:
        settings that leave nothing open, and the rows (n,) of the people.

    Raises:
        InputError: the choice cannot be read.
    """
    if settings.refine is None:
        return []
    if choice is None:
        return [(settings.refine, np.arange(len(people)))]
    group = people["group"] if "group" in people else pd.Series("", people.index)
    return [
        (replace(settings.refine, timestep=chosen.timestep, steps=chosen.steps), rows)
        for chosen, rows in read_choice(choice).parts(group.fillna("").to_numpy(object))
    ]


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
    choice: Path | None = None,
    prior_made_by: Mapping[str, Any] | None = None,
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
        choice: file of the chosen timestep, where the settings leave it open.
        prior_made_by: the settings that must have made the prior store, as far as they are known.

    Raises:
        InputError: nobody to make labels for, a model of another kind than the settings say or of another
            split, prior maps that are all the same, or files that are damaged, of other people or settings.
    """
    people = read_people(manifest)
    digest = people_digest(people)
    ids = people_of(manifest, labels, which)
    split = split_identity(labels) if labels is not None else None
    if split is not None and teacher is not None:
        check_split(teacher, read_card(teacher).get("split"), split, labels)
    if split is not None and choice is not None:
        check_split(choice, read_choice(choice).split, split, labels)
    cache = open_cache(samples, digest)
    readable = cache.readable(ids, which)
    made_by = {"method": method, "settings": settings.to_json(), "seed": seed, "split": split}
    if choice is not None:
        made_by |= {"chosen": read_json(choice)["chosen"]} | chosen_groups(choice)
    rows = people.iloc[places(people["sample_id"].to_numpy(), ids, manifest)]
    parts = refined_parts(settings, choice, rows)
    ways = [(refinement_of(how, seed), whose) for how, whose in parts]
    with ExitStack() as stack:
        known = None
        if prior is not None:
            how = (settings.maps.layer, settings.maps.size, prior_made_by)
            known = stack.enter_context(held_maps(prior, digest, ids, *how))
            same, mapped = is_one_map(known, len(ids))
            check_varied(same, rows[mapped], prior)
        model = model_of(settings, teacher)
        making = MapMaking(cache, ids, known, model, ways or [(None, np.arange(len(ids)))], device)
        labels_of = partial(label_rows, making, readable, settings, choice)
        if model is None:  # nothing is computed that would be worth keeping
            blocks = map(labels_of, making.made())
            write_label_blocks(out, ids, blocks, people=digest, made_by=made_by)
        else:
            decides = {
                **made_by,
                "parts": [[how.to_json(), text_digest(whose.tobytes())] for how, whose in parts],
                "read": [
                    attributes_of_hdf5(one)["content"]
                    for one in (samples, prior)
                    if one is not None
                ],
            }
            files = [
                teacher / CARD_FILE,
                *code_of(__file__, model),
                *([] if choice is None else [choice]),
            ]
            key = work_key(decides, digest, ids, files, __file__, device)
            begun = LabelBlocks.of(out, making.begins[-1], key, digest, made_by)
            blocks = begun.all(making, labels_of)
            write_label_blocks(out, ids, blocks, people=digest, made_by=made_by)
            begun.blocks.remove()
    with open_labels(out, digest, None, None) as held:
        peak, valid = held.columns["peak"], held.columns["valid"]
    print(
        f"{method}: {len(ids)} people, {int(valid.sum())} valid labels, mean peak {peak.mean():.3f}"
    )


def label_rows(
    making: MapMaking,
    readable: np.ndarray,
    settings: LabelSettings,
    choice: Path | None,
    made: MadeMaps,
) -> LabelRows:
    """Labels of a block's maps, in the order of their ids.

    Args:
        making: who gets maps.
        readable: (N,) bool, whose picture can be read.
        settings, choice: as in :func:`make_labels`.
        made: the maps.

    Raises:
        InputError: the choice or the prior store cannot be read.
    """
    order = np.argsort(made.place)
    place, (maps, points) = made.place[order], made.maps
    maps, points = maps[order], None if points is None else points[order]
    known, valid = None, readable[place]
    if making.prior is not None:
        known, mapped = making.prior.read(place)
        valid = valid & mapped
    if settings.gaussian:
        maps = peak_maps(maps, settings.maps.sigma)
    peak = maps.flatten(1).amax(1).numpy()
    stretch = settings.refine is None or settings.refine.stretch
    heatmap, usable = pseudo_labels(maps, valid, stretch)
    whole = maps.mean(1) if maps.ndim == 4 else maps  # of several labels, their mean says how sure
    shown = torch.from_numpy(pseudo_labels(whole, valid, stretch)[0])
    columns = {"peak": np.nan_to_num(peak), "spread": spread(shown).numpy()}
    columns |= trust_columns(shown, points, known)
    if choice is not None:
        columns |= expected_errors(choice, columns)
    return {"sample_id": making.ids[place], "heatmap": heatmap, "valid": usable, **columns}


def chosen_groups(choice: Path) -> dict[str, dict[str, JsonTable]]:
    """``groups``: the timestep and steps of those that have their own; nothing where none has.

    Raises:
        InputError: the choice cannot be read.
    """
    groups = read_choice(choice).groups
    return {"groups": {name: one.to_json() for name, one in groups.items()}} if groups else {}


def trust_columns(
    labels: Tensor, points: Tensor | None, prior: np.ndarray | None
) -> dict[str, np.ndarray]:
    """What a label store says of how sure its labels are, as far as it is known.

    Args:
        labels: (N, H, W) maps as labels.
        points: (N, K, 2) peaks of the draws, where labels are drawn.
        prior: (N, G, G) prior maps, zeros where there is none, where labels are made of them.

    Returns:
        ``entropy``; with draws ``draw_spread``; with a prior ``prior_distance``, from its peak to the
        label's, NaN without a map. Each (N,) float32.
    """
    columns = {"entropy": entropy(labels)}
    if points is not None:
        columns["draw_spread"] = draw_spread(points)
    if prior is not None:
        maps = torch.from_numpy(prior)
        apart = distance(peak_points(labels), peak_points(maps))
        columns["prior_distance"] = torch.where(maps.flatten(1).amax(1) > 0, apart, torch.nan)
    return {name: values.float().numpy() for name, values in columns.items()}


def expected_errors(choice: Path, columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """How far off labels are expected to be, where labelled people could say it.

    Args:
        choice: file of the chosen timestep.
        columns: of :func:`trust_columns`, (N,) each.

    Returns:
        ``expected_error`` (N,) float32 in units of the image, or nothing.

    Raises:
        InputError: the choice cannot be read.
    """
    line = read_choice(choice).reliability
    if line is None or "prior_distance" not in columns:
        return {}
    error = line.expected_error(columns["entropy"], columns["prior_distance"])
    return {"expected_error": error.astype(np.float32)}
