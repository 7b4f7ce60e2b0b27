"""A small manifest, tables for it, and the prior store that comes of them."""

from pathlib import Path
from typing import Any

import pandas as pd

from gcdr.data.manifest import BOX, build_manifest, people_digest, read_people, write_table
from gcdr.data.stores import Store, read_prior
from gcdr.priors.points import points_prior
from gcdr.priors.points_settings import ShapeSettings

# Pictures of 200 x 100 pixels: alone in a.jpg, two in b.jpg, two heads that nearly coincide in sub/c.jpg.
PEOPLE = [
    ("a.jpg", 10, 10, 30, 30),
    ("b.jpg", 10, 10, 30, 30),
    ("b.jpg", 100, 10, 120, 30),
    ("sub/c.jpg", 10, 10, 30, 30),
    ("sub/c.jpg", 11, 10, 31, 30),
]
WIDTH, HEIGHT = 200, 100


def write_manifest(folder: Path, tracks: list[str] | None = None) -> Path:
    """The manifest of ``PEOPLE``, who have no labels."""
    rows = pd.DataFrame(PEOPLE, columns=["image", *BOX])
    rows = rows.assign(width=WIDTH, height=HEIGHT, split="train")
    manifest = build_manifest(rows, "test")
    if tracks:
        manifest["track"] = tracks
    write_table(manifest, folder / "manifest.parquet")
    return folder / "manifest.parquet"


def prior(folder: Path, text: str | bytes, **settings: Any) -> Store:
    """The store that ``points_prior`` makes of a table, which need not be about everybody."""
    manifest = folder / "manifest.parquet"
    if not manifest.exists():
        write_manifest(folder)
    table = folder / "points.csv"
    table.write_bytes(text if isinstance(text, bytes) else text.encode())
    points_prior(
        manifest,
        table,
        folder / "prior.h5",
        ShapeSettings.from_json({"complete": False} | settings),
    )
    people = read_people(manifest)
    return read_prior(folder / "prior.h5", people_digest(people), people["sample_id"].to_numpy())
