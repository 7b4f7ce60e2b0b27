"""Labels that ``gcdr suggest`` asks for against as many at random, on a drawn world with all labels known.

    python benchmarks/suggest.py results/calibration/labels10-seed42 --count 120 --seeds 0 1 2

Takes a study of which ``snakemake suggestions`` has made the files and of which supervised VAT is trained,
adds the labels of N unlabelled people, trains VAT again and prints its AvgDist on the test people: with no
label added, with N of people at random, and with the suggested ones, by score and novelty together and by
either alone. ``--students`` trains GCDR's student in its place, on the labels and the old pseudo-labels of
all others; the diffusion model is not trained again. To choose the form of the score, take calibration worlds
(configs/calibration.yaml).
"""

import argparse
import tempfile
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
HOW = ("none", "random", "both", "doubt", "novelty")


@dataclass(frozen=True)
class Trial:
    """What is the same for all trainings.

    Attributes:
        files: the study's.
        teacher: folder of the supervised model, whose settings are taken.
        init: what models start from.
        images: folder of the pictures.
        steps: of a training; None as the study's.
        students: whether a student is trained, or the supervised model.
    """

    files: StudyFiles
    teacher: Path
    init: Path
    images: Path
    steps: int | None
    students: bool


def chosen(trial: Trial, how: str, count: int, seed: int) -> np.ndarray:
    """``sample_id`` (n,) of the people whose label is added."""
    if how == "none":
        return np.zeros(0, np.int64)
    if how == "random":
        shown = read_shown(trial.files.labels)
        pool = shown.loc[shown["role"] == UNLABELLED, "sample_id"].to_numpy()
        return np.random.default_rng(seed).choice(pool, count, replace=False)
    weights = {"both": (True, True), "doubt": (True, False), "novelty": (False, True)}[how]
    table, _ = suggestions(trial.files, count, seed=seed, by=weights)
    return table["person"].to_numpy()


def with_labels(trial: Trial, ids: np.ndarray, folder: Path) -> tuple[Path, Path, Path]:
    """The split in which people are labelled as well, larger pictures, and pseudo-labels of the others."""
    people, annotated = read_people(trial.files.manifest), read_annotated(trial.files.manifest)
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
    settings = GazeTraining.from_json(read_card(trial.teacher)["settings"], "settings")
    if trial.steps:
        settings = replace(settings, recipe=replace(settings.recipe, steps=trial.steps))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        labels, originals, pseudo = with_labels(trial, ids, folder)
        if trial.students:
            settings = replace(settings, labelled_per_batch=settings.recipe.batch // 4)
        train_gaze_model(
            trial.files.samples,
            originals,
            labels,
            pseudo if trial.students else None,
            None,
            trial.init,
            settings,
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("split", type=Path, help="folder of a label split")
    parser.add_argument("--count", type=int, default=120)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--how", nargs="+", choices=HOW, default=HOW)
    parser.add_argument("--steps", type=int, help="steps of a training, in place of the study's")
    parser.add_argument("--students", action="store_true")
    parser.add_argument("--teacher", default="vat+vat", help="the supervised model's name")
    parser.add_argument("--init", type=Path, default=Path("assets/world/backbone"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    files = find_study(args.split)
    images = files.manifest.parent / "images"
    teacher = args.split / "teachers" / args.teacher
    trial = Trial(files, teacher, args.init, images, args.steps, args.students)
    rows = []
    for seed in args.seeds:
        for how in args.how:
            found = distance(trial, chosen(trial, how, args.count, seed), seed)
            rows.append({"seed": seed, "how": how, "dist": found})
            print(f"seed {seed}, {how}: {found:.4f}", flush=True)
    table = pd.DataFrame(rows).pivot(index="seed", columns="how", values="dist")[list(args.how)]
    print(table.agg(["mean", "std"]).round(4).to_string())
    if "random" in table:
        apart = table.sub(table["random"], axis=0).drop(columns="random")
        print(f"minus random:\n{apart.agg(['mean', 'std']).round(4).to_string()}")


if __name__ == "__main__":
    main()
