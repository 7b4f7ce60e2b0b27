"""Small good files of every kind that the package reads."""

import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image

from gcdr.data.cache import write_samples
from gcdr.data.manifest import BOX, build_manifest, people_digest
from gcdr.data.parquet import write_table
from gcdr.data.prior_shards import merge_priors
from gcdr.data.split import split_labels
from gcdr.data.stores import write_labels, write_prior
from gcdr.models.build import build_model, save_model
from gcdr.models.sizes import VATConfig

PEOPLE = 12


def people() -> pd.DataFrame:
    """A manifest of twelve people in six pictures."""
    rows = pd.DataFrame({name: [4.0 + i % 2 for i in range(PEOPLE)] for name in BOX[:2]})
    rows[BOX[2]], rows[BOX[3]] = 20.0 + np.arange(PEOPLE) % 2, 22.0
    rows["image"] = [f"{i // 2}.png" for i in range(PEOPLE)]
    rows = rows.assign(width=32, height=24, split=["train"] * 10 + ["test"] * 2)
    rows = rows.assign(gaze_x=0.5, gaze_y=0.25, in_frame=True)
    return build_manifest(rows, "made-up people")


IDS = np.arange(PEOPLE)
DIGEST = people_digest(people())


def prior(folder: Path, name: str = "prior.h5", ids: np.ndarray = IDS, beam: int = 1) -> Path:
    maps = np.random.default_rng(0).random((len(ids), 2, 4, 4)).astype(np.float32)
    answers = [f"the ball {i}" for i in ids]
    write_prior(
        folder / name, ids, maps, np.ones(len(ids), bool), {"answer": answers},
        layers=[1, 2], people=DIGEST, made_by={"beam": beam},
    )  # fmt: skip
    return folder / name


def merged(folder: Path) -> Path:
    shards = [
        prior(folder, f"merged/{n}-of-2.h5", part) for n, part in enumerate((IDS[:6], IDS[6:]), 1)
    ]
    merge_priors(shards, folder / "merged.h5")
    return folder / "merged.h5"


def labels(folder: Path) -> Path:
    maps = np.random.default_rng(1).random((PEOPLE, 8, 8))
    peak = maps.max((1, 2))
    path = folder / "labels.h5"
    write_labels(
        path, IDS, maps, np.ones(PEOPLE, bool), {"peak": peak}, people=DIGEST, made_by={"seed": 0}
    )
    return path


def cache(folder: Path) -> Path:
    for name in people()["image"].unique():
        if not (folder / name).exists():
            pixels = np.random.default_rng(2).integers(0, 255, (24, 32, 3), np.uint8)
            Image.fromarray(pixels).save(folder / name)
    write_samples(people(), folder, 16, folder / "samples.h5", 0)
    return folder / "samples.h5"


def manifest(folder: Path) -> Path:
    write_table(people(), folder / "manifest.parquet")
    return folder / "manifest.parquet"


def split(folder: Path) -> Path:
    table = split_labels(people(), 50, 0, 0, "person")
    write_table(table, folder / "labels.parquet", DIGEST, share=50, seed=0)
    return folder / "labels.parquet"


def annotations(folder: Path) -> Path:
    table = pd.DataFrame({"sample_id": IDS[-2:], "annotator": 0, "gaze_x": 0.5, "gaze_y": 0.5})
    write_table(table, folder / "annotations.parquet", DIGEST)
    return folder / "annotations.parquet"


def bodies(folder: Path) -> Path:
    table = pd.DataFrame({"sample_id": IDS, "body_x0": 1.0, "detected": True, "problem": ""})
    write_table(table, folder / "bodies.parquet", DIGEST)
    return folder / "bodies.parquet"


def weights(folder: Path) -> Path:
    model = build_model({"model": "vat", "config": VATConfig.world().to_json()})
    save_model(folder / "model", model, {"seed": 0})
    return folder / "model/model.safetensors"


def pickled(folder: Path) -> Path:
    maps = {"a.jpg": {0.5: {"answer": "ball", "9th_layer": np.ones((4, 4), np.float32)}}}
    (folder / "maps.pkl").write_bytes(pickle.dumps(maps))
    return folder / "maps.pkl"


def checkpoint(folder: Path) -> Path:
    torch.save({"state_dict": {"w": torch.arange(64.0)}}, folder / "model.pt")
    return folder / "model.pt"


def points(folder: Path) -> Path:
    table = people()[["image", "sample_id"]].assign(x=5.0, y=5.0, score=1.0)
    table.to_csv(folder / "points.csv", index=False)
    return folder / "points.csv"
