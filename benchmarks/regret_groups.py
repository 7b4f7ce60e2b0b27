"""What a timestep of its own is worth to a group (a show, a camera) whose prior is of another quality.

    python benchmarks/regret_groups.py results/map-1/labels10-seed721 --priors near near:shuffled

After a study with ``refine.timestep: auto`` and its priors (configs/prior-map.yaml); ``:shuffled`` gives
everybody another person's map, of which nothing can be learned. Two cameras are made of one world: half of
the people are seen through one prior, half through the other, at random and anew in each trial. The labelled
people held out choose as refine.timestep auto does: one timestep for everybody, or one a camera, for whose
people everybody together counts as so many more (refine.auto.group_strength; 0: alone). What is refined so is
measured on the test people of both cameras. Regret is how much worse that is than the timesteps that are best
for each camera by all test labels, in per cent; beside it the best constant. Errors are computed once, with
the study's own models; a trial only draws people.
"""

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch

from gcdr.base.seeds import numpy_rng
from gcdr.config.checked import read_config
from gcdr.data.heatmaps import peak_points
from gcdr.data.manifest import people_digest, read_people
from gcdr.data.prior_maps import prior_maps
from gcdr.data.stores import read_prior, write_prior
from gcdr.data.tokens import open_cache
from gcdr.evaluation.metrics import point_distances
from gcdr.evaluation.stages import test_people
from gcdr.evaluation.sweeps import choice_by, held_out_labels
from gcdr.refine.labels import load_denoiser, refinement_of
from gcdr.refine.maps import refine_maps
from gcdr.refine.options import ChoiceSettings
from gcdr.settings import learning

CPU = torch.device("cpu")
SHUFFLED = ":shuffled"


class Errors(NamedTuple):
    """AvgDist of C candidates by a prior, person by person.

    Attributes:
        people: the N people held out, whose group is drawn by a trial.
        held_out: (C, N) of their labels, by models that have not learned from them.
        test: (C, M) of refined maps of test people.
    """

    people: pd.DataFrame
    held_out: np.ndarray
    test: np.ndarray


def prior_store(data: Path, name: str, folder: Path) -> Path:
    """The store of a name, or one with the maps dealt anew to people."""
    path = data / f"priors/{name.removesuffix(SHUFFLED)}.h5"
    if not name.endswith(SHUFFLED):
        return path
    digest = people_digest(people := read_people(data / "manifest.parquet"))
    store = read_prior(path, digest, people["sample_id"].to_numpy())
    order = numpy_rng(0, "shuffled maps").permutation(len(store.sample_id))
    out = folder / "shuffled.h5"
    write_prior(
        out,
        store.sample_id,
        store.heatmap[order],
        store.valid[order],
        {},
        layers=store.layers,
        people=digest,
        made_by=store.attributes["made_by"],
    )
    return out


def errors_of(
    split: Path,
    prior: str,
    settings: ChoiceSettings,
    folder: Path,
    models: Sequence[Path] | None = None,
) -> Errors:
    """Every candidate's errors of a split's people by a prior store.

    Args:
        split: its folder.
        prior: name of the store.
        settings: the candidates.
        folder: for what is made on the way.
        models: of the folds; None: the split's own.
    """
    data = split.parent.parent / "data" / split.parent.name
    manifest, samples = data / "manifest.parquet", next(data.glob("samples-*.h5"))
    store = prior_store(data, prior, folder)
    seed = int(split.name.split("-seed")[1])
    folds = list(models or sorted(split.glob("folds/*-of-*")))
    labels = split / "labels.parquet"
    known = held_out_labels(folds, samples, manifest, labels, store, settings, seed, CPU)
    tested = test_people(manifest, data / "annotations.parquet", samples).looking_inside()
    digest = people_digest(read_people(manifest))
    maps, _ = prior_maps(store, digest, tested.ids, settings.maps.layer, settings.maps.size)
    ways = [refinement_of(refine, seed) for refine in settings.refinements()]
    model = load_denoiser(split / "teachers/diffusion")
    made = refine_maps(model, open_cache(samples, digest), tested.ids, maps, ways, CPU)
    test = [
        point_distances(peak_points(one.heatmap).numpy(), tested.points)["dist_to_mean"]
        for one in made
    ]
    return Errors(known.people, known.labels.error, np.array(test))


def of_both(one: Errors, other: Errors) -> list[Errors]:
    """The errors of the held-out people who have a map by both priors."""
    ids = [errors.people["sample_id"].to_numpy() for errors in (one, other)]
    return [
        Errors(errors.people[seen], errors.held_out[:, seen], errors.test)
        for errors, seen in zip(
            (one, other), (np.isin(ids[0], ids[1]), np.isin(ids[1], ids[0])), strict=True
        )
    ]


def trial(
    cameras: list[Errors],
    settings: ChoiceSettings,
    strengths: list[float],
    counts: tuple[int, int],
    rng: np.random.Generator,
) -> dict[str, float]:
    """Mean test error, of both cameras alike, by who chose.

    Args:
        cameras: errors of the same people by two priors.
        settings: the candidates.
        strengths: for how many people of a camera everybody together counts.
        counts: how many labelled people each camera has.
        rng: draws whom each camera sees.
    """
    order = rng.permutation(len(cameras[0].people))[: sum(counts)]
    camera = np.repeat([0, 1], counts)
    errors = np.where(camera == 0, *(one.held_out[:, order] for one in cameras))
    people = cameras[0].people.iloc[order].assign(group=[f"camera {n}" for n in camera])
    seen = np.array_split(rng.permutation(cameras[0].test.shape[1]), 2)
    test = np.array([one.test[:, part].mean(1) for one, part in zip(cameras, seen, strict=True)])
    candidates, found = settings.candidates(), {}
    ways = {"one for all": replace(settings, group_least=len(people) + 1)}
    for strength in strengths:
        ways[f"own, {strength:g}"] = replace(settings, group_least=1, group_strength=strength)
    for name, how in ways.items():
        _, choice = choice_by(errors, people, how)
        taken = [choice.groups.get(f"camera {n}", choice.whole) for n in (0, 1)]
        found[name] = test[[0, 1], [candidates.index(one) for one in taken]].mean()
    best = test.min(1).mean()
    found["best constant"] = test.mean(0).min()
    return {name: 100 * (error / best - 1) for name, error in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("split", type=Path, help="folder of a label split")
    parser.add_argument("--priors", nargs=2, default=["near", "near:shuffled"])
    parser.add_argument("--strengths", type=float, nargs="+", default=[0, 10, 20, 40])
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--config", type=Path, nargs="+", default=[Path("config.yaml")])
    args = parser.parse_args()
    torch.set_num_threads(1)
    settings = learning.choice_settings(read_config(args.config), None, 1, 1)
    with tempfile.TemporaryDirectory() as folder:
        cameras = of_both(
            *(errors_of(args.split, prior, settings, Path(folder)) for prior in args.priors)
        )
    times = [one.timestep for one in settings.candidates()]
    print(f"{args.split}: {len(cameras[0].people)} labelled people held out, AvgDist by timestep")
    print(f"{'':24s}" + "".join(f"{time:>7}" for time in times))
    for prior, one in zip(args.priors, cameras, strict=True):
        for name, errors in (("held out", one.held_out), ("test", one.test)):
            means = "".join(f"{error:7.3f}" for error in errors.mean(1))
            print(f"{f'{prior}, {name}':24s}{means}")
    half = len(cameras[0].people) // 2
    few = settings.group_least
    print(f"\nregret in per cent, mean of {args.trials} trials (standard deviation)")
    for counts in ((half, half), (2 * half - few, few), (few, 2 * half - few), (few, few)):
        rng = numpy_rng(0, "cameras", *counts)
        rows = pd.DataFrame(
            [trial(cameras, settings, args.strengths, counts, rng) for _ in range(args.trials)]
        )
        said = "  ".join(
            f"{name} {rows[name].mean():.1f} ({rows[name].std():.1f})" for name in rows
        )
        print(f"{counts[0]:4d} and {counts[1]:4d} labels   {said}", flush=True)


if __name__ == "__main__":
    main()
