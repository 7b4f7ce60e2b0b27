r"""Labels that ``gcdr suggest`` asks for against as many at random, on drawn worlds with all labels known.

    snakemake --cores all --configfile configs/worlds.yaml -- $(for world in 1 2 3; do \
    for file in teachers/vat+vat/model.safetensors predicted/gcdr-tauto-k1+ofa-world-body+vat.h5; do \
    echo results/world-$world/labels5-seed70$world/$file; done; done)
    python benchmarks/suggest.py results/world-[123]/labels5-seed70? --count 120 --seeds 0 1 2

Of each study it takes what ``snakemake suggestions`` makes and the settings of supervised VAT, adds labels of
N unlabelled people, trains again and prints the AvgDist on the test people: with no label added, with N of
people at random, and with the suggested ones (``doubt`` and ``novelty`` are the halves of the score, alone).
Trained is VAT on the labels, or GCDR's student (``--models gcdr``) on the labels and the old pseudo-labels of
all others; the diffusion model is not trained again. Differences from random are paired: of one world and
seed, which draws the random people and the first weights. Seeds of a world are averaged before worlds are
compared, since worlds are what chance draws anew. To choose the form of the score, take calibration worlds
(configs/calibration.yaml).
"""

import argparse
import math
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from gcdr.data.heatmaps import peak_points
from gcdr.data.manifest import LABELS, people_digest, read_annotated, read_people, write_table
from gcdr.data.originals import write_originals
from gcdr.data.shown import read_shown, split_identity
from gcdr.data.split import LABELLED, UNLABELLED
from gcdr.data.stores import read_labels, write_labels
from gcdr.data.tokens import open_cache
from gcdr.evaluation.metrics import point_distances
from gcdr.evaluation.next_labels import StudyFiles, find_study, suggestions
from gcdr.evaluation.stages import test_people
from gcdr.models.build import read_card
from gcdr.predictor.predictor import Predictor, load_gaze_model
from gcdr.training.gaze import train_gaze_model
from gcdr.training.recipes import GazeTraining

CPU = torch.device("cpu")
SCORES = {"suggested": (True, True), "doubt": (True, False), "novelty": (False, True)}
HOW = ("none", "random", *SCORES)
MODELS = ("vat", "gcdr")


@dataclass(frozen=True)
class Trial:
    """What is the same for all trainings.

    Attributes:
        files: the study's.
        settings: how the model is trained.
        init: what models start from.
        images: folder of the pictures.
        student: whether it is GCDR's student, or the supervised model.
    """

    files: StudyFiles
    settings: GazeTraining
    init: Path
    images: Path
    student: bool


def chosen(trial: Trial, how: str, count: int, seed: int) -> np.ndarray:
    """``sample_id`` (n,) of the people whose label is added."""
    if how == "none":
        return np.zeros(0, np.int64)
    if how == "random":
        shown = read_shown(trial.files.labels)
        pool = shown.loc[shown["role"] == UNLABELLED, "sample_id"].to_numpy()
        return np.random.default_rng(seed).choice(pool, count, replace=False)
    table, _ = suggestions(trial.files, count, seed=seed, by=SCORES[how])
    return table["person"].to_numpy()


def with_labels(trial: Trial, ids: np.ndarray, folder: Path) -> tuple[Path, Path, Path]:
    """The split in which people are labelled as well, larger pictures, and pseudo-labels of the others."""
    people, annotated = (
        read_people(trial.files.manifest),
        read_annotated(trial.files.manifest.with_name("annotated.parquet")),
    )
    digest = people_digest(people)
    labels = read_shown(trial.files.labels, digest)
    added = labels["sample_id"].isin(ids)
    labels.loc[added, "role"] = LABELLED
    known = annotated.set_index("sample_id").loc[labels.loc[added, "sample_id"], LABELS]
    for name in LABELS:
        labels.loc[added, name] = known[name].to_numpy()
    paths = folder / "labels.parquet", folder / "originals.h5", folder / "pseudo.h5"
    write_table(labels, paths[0], digest)
    with torch.no_grad():
        write_originals(
            people, labels, trial.images, open_cache(trial.files.samples).size, paths[1]
        )
    rest = labels.loc[labels["role"] == UNLABELLED, "sample_id"].to_numpy()
    store = read_labels(trial.files.pseudo, digest, rest)
    made_by = {"split": split_identity(paths[0])}
    write_labels(
        paths[2], rest, store.heatmap, store.valid, store.columns, people=digest, made_by=made_by
    )
    return paths


def distance(trial: Trial, ids: np.ndarray, seed: int) -> float:
    """AvgDist on test people of a model that is trained with the labels of people added."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        labels, originals, pseudo = with_labels(trial, ids, folder)
        train_gaze_model(
            trial.files.samples,
            originals,
            labels,
            pseudo if trial.student else None,
            None,
            trial.init,
            trial.settings,
            seed,
            CPU,
            folder / "model",
        )
        manifest = trial.files.manifest
        annotations = manifest.with_name("annotations.parquet")
        tested = test_people(manifest, annotations, trial.files.samples).looking_inside()
        predictor = Predictor(load_gaze_model(folder / "model"), CPU)
        maps = predictor.of_people(open_cache(trial.files.samples), tested.ids, None).heatmap
        found = point_distances(peak_points(maps).numpy(), tested.points)
    return float(found["dist_to_mean"].mean())


def trial_of(split: Path, model: str, steps: int | None, init: Path) -> Trial:
    """The trial of a split's model.

    Args:
        split: folder of a label split.
        model: of :data:`MODELS`.
        steps: of a training; None as the study's.
        init: what models start from.
    """
    files = find_study(split)
    card = read_card(split / "teachers/vat+vat")
    settings = GazeTraining.from_json(card["settings"], "settings")
    if steps:
        settings = replace(settings, recipe=replace(settings.recipe, steps=steps))
    if model == "gcdr":
        settings = replace(settings, labelled_per_batch=settings.recipe.batch // 4)
    return Trial(files, settings, init, files.manifest.parent / "images", model == "gcdr")


def sign_test(better: int, of: int) -> float:
    """How likely so lopsided a count is where neither is better (two-sided)."""
    tail = sum(math.comb(of, k) for k in range(min(better, of - better) + 1)) / 2**of
    return min(1.0, 2 * tail)


def summary(rows: pd.DataFrame) -> str:
    """AvgDist by way, and by how much each is apart from people at random, over worlds.

    Args:
        rows: ``world seed how dist``, every way of every world and seed.
    """
    table = rows.pivot(index=["world", "seed"], columns="how", values="dist")
    table = table[[how for how in HOW if how in table]]
    lines = [table.round(4).to_string()]
    worlds = table.groupby("world").mean()
    lines.append(f"\nmean over {len(worlds)} worlds")
    for how, found in worlds.items():
        spread = f" ±{found.std():.4f}" if len(found) > 1 else ""
        said = f"{how:10s} {found.mean():.4f}{spread}"
        if "random" in worlds and how != "random":
            apart = found - worlds["random"]
            better, ties = int((apart < 0).sum()), int((apart == 0).sum())
            of = len(apart) - ties
            spread = f" ±{apart.std():.4f}" if len(apart) > 1 else ""
            said += (
                f"   minus random {apart.mean():+.4f}{spread} ({apart.min():+.4f} … {apart.max():+.4f}), "
                f"nearer in {better} of {len(apart)}, p = {sign_test(better, of):.2f}"
            )
        lines.append(said)
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("splits", type=Path, nargs="+", help="folders of label splits, one a world")
    parser.add_argument("--count", type=int, default=120, help="labels to add")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--how", nargs="+", choices=HOW, default=["none", "random", "suggested"])
    parser.add_argument("--models", nargs="+", choices=MODELS, default=["vat"])
    parser.add_argument("--steps", type=int, help="steps of a training, in place of the study's")
    parser.add_argument("--init", type=Path, default=Path("assets/world/backbone"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    for model in args.models:
        rows, begun = [], time.process_time()
        for split in args.splits:
            trial = trial_of(split, model, args.steps, args.init)
            for seed in args.seeds:
                for how in args.how:
                    found = distance(trial, chosen(trial, how, args.count, seed), seed)
                    world = f"{split.parent.name}/{split.name}"
                    rows.append({"world": world, "seed": seed, "how": how, "dist": found})
                    print(f"{model}, {world}, seed {seed}, {how}: {found:.4f}", flush=True)
        spent = (time.process_time() - begun) / 60
        head = f"{model}, {args.count} labels added, {len(rows)} trainings in {spent:.1f} CPU min"
        print(f"\n{head}\n{summary(pd.DataFrame(rows))}\n")


if __name__ == "__main__":
    main()
