"""A study small enough for unit tests: a drawn world, a made-up prior, models trained for a few steps."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from gcdr.base.seeds import numpy_rng
from gcdr.data.cache import write_samples
from gcdr.data.manifest import people_digest, read_annotated, read_people, write_table
from gcdr.data.originals import write_originals
from gcdr.data.split import split_labels
from gcdr.data.stores import write_prior
from gcdr.datasets.world import write_world
from gcdr.priors.vqa.ofa.config import OFAConfig
from gcdr.priors.vqa.ofa.model import OFA
from gcdr.priors.vqa.ofa.tokenizer import Tokenizer
from gcdr.priors.vqa.ofa_vqa import OFAForVQA
from gcdr.refine.labels import make_labels
from gcdr.refine.options import LabelSettings, MapSettings, RefineSettings, SamplerSettings
from gcdr.training.denoising import train_diffusion_model
from gcdr.training.gaze import train_gaze_model
from gcdr.training.recipes import (
    DenoiserTraining,
    DiffusionRecipe,
    GazeModelSettings,
    GazeTraining,
    NetworkSettings,
)
from gcdr.training.recipes import Recipe as GazeRecipe
from gcdr.world.dataset import WorldSettings

CPU = torch.device("cpu")
GAZE = GazeTraining(
    model=GazeModelSettings("vat", "world"),
    recipe=GazeRecipe(steps=3, batch=8, lr=0.01),
    sigma=3.0,
    labelled_per_batch=4,
)
DIFFUSION = DenoiserTraining(
    network=NetworkSettings("world", 3.0, "mass"),
    timesteps=500,
    recipe=DiffusionRecipe(steps=2, batch=4, lr=0.01, draws=2),
)
SAMPLING = SamplerSettings(500, "linear", "consistent", eta=1.0, last_alpha="one")
REFINE = RefineSettings(SAMPLING, timestep=250)
MAPS = MapSettings(size=32, sigma=3.0)
LABELS = LabelSettings(MAPS, "diffusion", refine=REFINE)

BOXED = "What is the person in the green bounding box looking at?"
ASK = {
    "overlay": "body",
    "questions": {"body": BOXED, "head": BOXED, "none": "What is the person looking at?"},
    "box_colour": [0, 255, 0],
    "box_thickness": 2,
    "layers": [1, 2],
    "tagger": "rules",
    "word": "compound",
    "beam": 2,
    "normalise": True,
    "length_penalty": 1.0,
    "max_length": 4,
    "precision": "fp32",
    "block": 4,
    "which": "all",
}


@dataclass(frozen=True)
class Study:
    """Paths of a study's files."""

    folder: Path
    manifest: Path
    annotations: Path
    samples: Path
    prior: Path


def make_study(
    folder: Path, train: int = 24, test: int = 6, seed: int = 3, film: int | None = None
) -> Study:
    """Draw a world and make up a prior for it; with ``film``, so many images each are taken for a film's."""
    world = WorldSettings(seed, "gaze", train, test, annotators=4, width=96, height=72)
    tables = write_world(folder / "images", world)
    study = Study(
        folder,
        folder / "manifest.parquet",
        folder / "annotations.parquet",
        folder / "samples.h5",
        folder / "prior.h5",
    )
    if film is not None:
        image = pd.factorize(tables.manifest["image"])[0]
        tables.manifest["sequence"] = [f"film {number}" for number in image // film]
        tables.manifest["frame"] = pd.array(image % film, "Int64")
        place = tables.manifest.groupby("image").cumcount()
        tables.manifest["track"] = [f"person {number}" for number in place]
    write_table(tables.manifest, study.manifest)
    write_table(tables.annotations, study.annotations)
    people = read_people(study.manifest)
    write_samples(people, folder / "images", 56, study.samples, failures=0)
    maps = numpy_rng(0, "prior").random((len(people), 1, 8, 8)).astype(np.float32)
    write_prior(
        study.prior,
        people["sample_id"].to_numpy(),
        maps,
        np.ones(len(people), bool),
        {"answer": ["the ball"] * len(people)},
        layers=[1],
        people=people_digest(people),
        made_by={},
    )
    return study


def pictures_of(study: Study, labels: Path) -> tuple[Path, Path, Path]:
    """What a training takes first: the picture cache, larger pictures of the labelled, and the labels."""
    originals, table = labels.with_suffix(".originals.h5"), pd.read_parquet(labels)
    write_originals(read_people(study.manifest), table, study.folder / "images", 56, originals)
    return study.samples, originals, labels


def make_vqa(folder: Path) -> Path:
    """A VQA model of random weights."""
    tokenizer = Tokenizer.train([BOXED.lower(), "the ball", "another person"], 300)
    torch.manual_seed(0)
    OFAForVQA(OFA(OFAConfig.world(vocabulary=len(tokenizer))), tokenizer).save(folder, {})
    return folder


def run_study(study: Study, manifest: Path, out: Path) -> dict[str, bytes]:
    """Split, teachers, refinement and a student from ``manifest``; every file that came of it."""
    labels = out / "labels.parquet"
    write_table(split_labels(read_annotated(manifest), 40, 0.2, 0), labels)
    given = pictures_of(study, labels)
    vat, diffusion, student = out / "vat", out / "diffusion", out / "student"
    train_gaze_model(*given, None, None, None, GAZE, 0, CPU, vat)
    train_diffusion_model(*given, vat, DIFFUSION, 0, CPU, diffusion)
    pseudo = out / "gcdr.h5"
    make_labels(
        "gcdr",
        manifest,
        labels,
        "unlabelled",
        study.samples,
        study.prior,
        diffusion,
        LABELS,
        0,
        CPU,
        pseudo,
    )
    train_gaze_model(*given, pseudo, None, None, GAZE, 0, CPU, student)
    weights = {
        f"{folder.name}/{name}": (folder / name).read_bytes()
        for folder in (vat, diffusion, student)
        for name in ("model.safetensors", "log.csv")
    }
    table = pd.read_parquet(labels).to_csv(index=False).encode()
    return {**weights, "labels": table}
