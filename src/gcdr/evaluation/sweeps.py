"""Refined maps at many timesteps: a sweep to be shown, and the choice that a study's own labels make."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch

from gcdr.base.errors import InputError
from gcdr.base.files import write_sealed
from gcdr.base.plain import JsonTable
from gcdr.data.folds import clusters, labelled_folds
from gcdr.data.lookup import places
from gcdr.data.manifest import people_digest, read_people
from gcdr.data.prior_maps import prior_maps
from gcdr.data.shown import check_split, of_labelled, read_shown, split_identity
from gcdr.data.split import LABELLED, VALIDATION, targets
from gcdr.data.tokens import open_cache
from gcdr.evaluation.judged import judged_labels
from gcdr.evaluation.scores import score_maps, summarise
from gcdr.evaluation.stages import test_people
from gcdr.models.build import read_card
from gcdr.models.denoiser import Denoiser
from gcdr.refine.choice import FORMAT, HELD_OUT, Choice, Chosen, compared, select, shrunk_weights
from gcdr.refine.diffusion import SAMPLERS
from gcdr.refine.labels import load_denoiser, refinement_of
from gcdr.refine.maps import refine_maps
from gcdr.refine.options import ChoiceSettings, SamplerSettings, SweepSettings
from gcdr.refine.reliability import Judged, fit_reliability, judged_reliability


def sweep_timesteps(
    teacher: Path,
    samples: Path,
    manifest: Path,
    annotations: Path,
    labels: Path,
    prior: Path,
    settings: SweepSettings,
    about: JsonTable,
    seed: int,
    device: torch.device,
    out: Path,
    prior_made_by: Mapping[str, Any] | None = None,
) -> None:
    """How good refined maps are at each noise timestep, on validation people and on test people.

    With every sampler, not the configured one alone; the others as they are defined. The validation
    people are part of the labelled share: timestep and sampler are chosen on them, never on test. Who is
    without a readable picture is left out.

    Args:
        teacher: folder of the diffusion teacher.
        samples: the picture cache.
        manifest: the manifest.
        annotations: the test annotators.
        labels: what the split shows, validation people among it.
        prior: prior store.
        settings: the timesteps, and how maps are refined at each.
        about: ``study``, ``seed`` and ``share``, for the result.
        seed: seed of the noise, that of the pseudo-labels.
        device: where to compute.
        out: the result as JSON.
        prior_made_by: the settings that must have made the prior store, as far as they are known.
    """
    model = load_denoiser(teacher, settings.refine.precision)
    people = read_people(manifest)
    digest = people_digest(people)
    cache = open_cache(samples, digest)
    tested = test_people(manifest, annotations, samples).looking_inside()
    check_split(teacher, read_card(teacher).get("split"), split_identity(labels), labels)
    known, gaze = targets(read_shown(labels, digest), VALIDATION)
    seen = cache.readable(known, "validation")
    groups = {"test": (tested.ids, tested.points)}
    if seen.any():
        groups["val"] = (known[seen], gaze[seen, None].astype(float))
    else:
        print(
            f"{labels}: sets nobody aside (split.validation), so the sweep is of test people alone"
        )
    how = (settings.maps.layer, settings.maps.size, prior_made_by)
    refine = settings.refine
    refinements = [
        (sampler, refinement_of(replace(refine, sampling=sampling, timestep=timestep), seed))
        for sampler, sampling in _samplings(refine.sampling).items()
        for timestep in settings.timesteps
    ]
    rows = []
    for group, (ids, points) in groups.items():
        gradcam, _ = prior_maps(prior, digest, ids, *how)
        refined = refine_maps(
            model, cache, ids, gradcam, [refinement for _, refinement in refinements], device
        )
        part = people.iloc[places(people["sample_id"].to_numpy(), ids, manifest)]
        for (sampler, refinement), maps in zip(refinements, refined, strict=True):
            summary = summarise(score_maps(maps.heatmap.numpy(), part, points))
            values = {name: summary[name]["value"] for name in ("dist_to_mean", "min_dist", "auc")}
            rows.append(
                {"sampler": sampler, "timestep": refinement.timestep, "set": group, **values}
            )
    counts = {group: len(ids) for group, (ids, _) in groups.items()}
    chosen = {"sampler": refine.sampling.sampler, "people": counts}
    write_sealed(out, {"format": 1, **about, **chosen, "rows": rows})


def _samplings(configured: SamplerSettings) -> dict[str, SamplerSettings]:
    """Every sampler: the configured one with its changes, the others as they are defined."""
    return {
        name: configured if name == configured.sampler else configured.as_defined(name)
        for name in SAMPLERS
    }


class HeldOut(NamedTuple):
    """Labels of people by models that have not learned from them.

    Attributes:
        people: (N,) rows of the manifest.
        validation: how many of them are validation people.
        labels: of C candidates, each (C, N).
    """

    people: pd.DataFrame
    validation: int
    labels: Judged


def held_out_labels(
    folds: list[Path],
    samples: Path,
    manifest: Path,
    labels: Path,
    prior: Path,
    settings: ChoiceSettings,
    seed: int,
    device: torch.device,
    prior_made_by: Mapping[str, Any] | None = None,
) -> HeldOut:
    """Every candidate's labels of people whom the diffusion model has not seen.

    Arguments, errors and who is refined by which model as in :func:`choose_timestep`.
    """
    people = read_people(manifest)
    digest = people_digest(people)
    shown = read_shown(labels, digest)
    cache = open_cache(samples, digest)
    precision = settings.refine.precision
    models = [
        _fold_model(folder, k, len(folds), labels, precision) for k, folder in enumerate(folds)
    ]
    ids, fold = labelled_folds(people, shown, len(folds), seed)
    known, gaze = (
        np.concatenate(both)
        for both in zip(targets(shown, LABELLED), targets(shown, VALIDATION), strict=True)
    )
    fold = np.concatenate([fold, np.full(len(known) - len(ids), -1)])
    order = np.argsort(known)
    known, gaze, fold = known[order], gaze[order], fold[order]
    how = (settings.maps.layer, settings.maps.size, prior_made_by)
    maps, mapped = prior_maps(prior, digest, known, *how)
    usable = mapped & cache.readable(known, "labelled")
    known, gaze, fold, maps = known[usable], gaze[usable], fold[usable], maps[usable]
    _check_maps(maps, prior)
    judged = np.zeros((len(Judged._fields), len(settings.candidates()), len(known)))
    times = np.zeros(len(known))
    for number, model in enumerate(models):
        rows = np.flatnonzero((fold == number) | (fold == -1))
        judged[..., rows] += judged_labels(
            model, cache, known[rows], gaze[rows], maps[rows], settings, seed, device
        )
        times[rows] += 1
    people = people.iloc[places(people["sample_id"].to_numpy(), known, manifest)]
    return HeldOut(people, int((fold < 0).sum()), Judged(*(judged / times)))


def choose_timestep(
    folds: list[Path],
    samples: Path,
    manifest: Path,
    labels: Path,
    prior: Path,
    settings: ChoiceSettings,
    about: JsonTable,
    seed: int,
    device: torch.device,
    out: Path,
    prior_made_by: Mapping[str, Any] | None = None,
) -> None:
    """Choose timestep and steps by people whose labels the diffusion model has not seen.

    Labelled people are refined by the model of the fold in which they were held out, validation people by
    every fold's, whose errors are averaged. Nobody else's label is read, and the test people not at all.

    Args:
        folds: folders of the diffusion models, one a fold, in the order of the folds.
        samples: the picture cache.
        manifest: the manifest.
        labels: what the split shows.
        prior: prior store.
        settings: the candidates, and how maps are refined and compared.
        about: ``study``, ``seed``, ``share`` and ``prior``, for the result.
        seed: seed of the folds and of the noise.
        device: where to compute.
        out: the result as JSON: every candidate's error and how far it is from the best, the choice, and
            that of every group that has labels enough.
        prior_made_by: the settings that must have made the prior store, as far as they are known.

    Raises:
        InputError: a model of another fold or split, nobody with a label and a map, or maps that are all the
            same, so that there is nothing to choose by.
    """
    known = held_out_labels(
        folds, samples, manifest, labels, prior, settings, seed, device, prior_made_by
    )
    people, of_candidate = known.people, known.labels
    tables, choice = choice_by(of_candidate.error, people, settings)
    if "group" in people:
        groups = labelled_groups(people, clusters(people), settings.group_least)
        for name, row in groups[~groups["own"]].iterrows():
            print(
                f"group {name}: refined as everybody, found {row['people']} labelled people in "
                f"{row['units']} images or films; a choice of its own takes {settings.group_least} in 2 "
                "(refine.auto.group_least)"
            )
    taken = _as_chosen(of_candidate, choice, people, settings)
    line = fit_reliability(taken, clusters(people))
    write_sealed(
        out,
        {
            "format": FORMAT,
            **about,
            "split": of_labelled(split_identity(labels)),
            "folds": len(folds),
            "sampler": settings.refine.sampling.sampler,
            "people": {HELD_OUT: len(people), "validation": known.validation},
            "units": len(np.unique(clusters(people))),
            "chosen": choice.whole.to_json(),
            "groups": {
                name: chosen.to_json() | {"people": int((people["group"] == name).sum())}
                for name, chosen in choice.groups.items()
            },
            "reliability": line and line.to_json(),
            "judged": judged_reliability(taken, clusters(people)),
            "rows": [
                {"sampler": settings.refine.sampling.sampler, "set": HELD_OUT}
                | asdict(candidate)
                | row
                for candidate, row in zip(
                    settings.candidates(), tables.to_dict("records"), strict=True
                )
            ],
        },
    )
    print(f"chosen: timestep {choice.whole.timestep}, {choice.whole.steps} steps")


def _fold_model(folder: Path, number: int, folds: int, labels: Path, precision: str) -> Denoiser:
    card = read_card(folder)
    check_split(folder, card.get("split"), split_identity(labels), labels)
    found, expected = card.get("settings", {}).get("fold"), {"held_out": number, "folds": folds}
    if found != expected:
        raise InputError(f"{folder}: found a model of the fold {found}, expected {expected}")
    return load_denoiser(folder, precision)


def _check_maps(maps: np.ndarray, prior: Path) -> None:
    if not len(maps):
        raise InputError(
            f"{prior}: no labelled person has a map that can be used, so no timestep can be chosen; "
            "expected some, or refine.timestep by number"
        )
    if len(maps) > 1 and (maps == maps[0]).all():
        raise InputError(
            f"{prior}: the maps of all labelled people are the same, so no timestep can be chosen; "
            "expected maps that differ, or refine.timestep by number"
        )


def choice_by(
    errors: np.ndarray, people: pd.DataFrame, settings: ChoiceSettings
) -> tuple[pd.DataFrame, Choice]:
    """How the candidates compare over all people, and the choices of the whole and of the groups.

    Args:
        errors: (C, N) of the candidates on N people.
        people: (N,) rows of the manifest; a column ``group`` names groups.
        settings: the candidates, and which groups have a choice of their own.

    Returns:
        the table of :func:`gcdr.refine.choice.compared` over everybody, and the choice.
    """
    unit, candidates = clusters(people), settings.candidates()
    table = compared(errors, unit, np.full(len(people), 1 / len(people)))
    groups: dict[str, Chosen] = {}
    if "group" in people:
        known = labelled_groups(people, unit, settings.group_least)
        for name in known.index[known["own"]]:
            member = (people["group"] == name).fillna(False).to_numpy(bool)
            weights = shrunk_weights(member, settings.group_strength)
            groups[name] = select(compared(errors, unit, weights), candidates)
    return table, Choice(select(table, candidates), groups)


def labelled_groups(people: pd.DataFrame, unit: np.ndarray, least: int) -> pd.DataFrame:
    """The groups of people, and which of them have a choice of their own.

    Args:
        people: (N,) rows of the manifest with a column ``group``.
        unit: (N,) what counts together; one picture or film alone says nothing of its group.
        least: labelled people that a choice takes.

    Returns:
        by name, ascending: ``people``, ``units`` and ``own``.
    """
    table = pd.DataFrame({"group": people["group"].to_numpy(object), "unit": unit}).dropna()
    found = table.groupby("group")["unit"].agg(people="size", units="nunique").sort_index()
    return found.assign(own=(found["people"] >= least) & (found["units"] >= 2))


def _as_chosen(
    judged: Judged, choice: Choice, people: pd.DataFrame, settings: ChoiceSettings
) -> Judged:
    """Of each person's labels (C, N), the one that is made as was chosen for them."""
    group = people["group"] if "group" in people else pd.Series("", people.index)
    candidate = np.zeros(len(people), int)
    for chosen, rows in choice.parts(group.fillna("").to_numpy(object)):
        candidate[rows] = settings.candidates().index(chosen)
    return Judged(*(values[candidate, np.arange(len(people))] for values in judged))
