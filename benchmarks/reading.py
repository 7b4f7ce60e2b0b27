"""How long it takes to read and check a data set of GazeFollow's size.

    python benchmarks/reading.py [FOLDER]

Makes 122,000 images and annotation files of 130,000 training rows and 4,782 test people with ten
annotators each. The images are real, separate files, but small: JPEGs of 64 x 48 pixels (about 1 KB), so
that the disk holds them. Their headers cost as much as those of large ones; decoding the sample costs
less. Files are warm in the page cache, as they have just been written.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from gcdr.base.problems import Problems
from gcdr.config.people_checks import read_as_its_job
from gcdr.datasets.gazefollow import COLUMNS, read_gazefollow_rows

IMAGES, TRAIN, TEST, ANNOTATORS = 122_000, 130_000, 4_782, 10


def make(folder: Path) -> None:
    """Write images and annotation files."""
    rng = np.random.default_rng(0)
    stream = BytesIO()
    pixels = rng.integers(0, 255, (48, 64, 3), np.uint8)
    Image.fromarray(pixels).save(stream, "JPEG", quality=30)
    names = {
        "train": [f"train/{n // 1000:08d}/{n:08d}.jpg" for n in range(IMAGES - TEST)],
        "test": [f"test2/{n // 1000:08d}/{n:08d}.jpg" for n in range(TEST)],
    }
    for name in names["train"] + names["test"]:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(stream.getvalue())
    chosen = np.sort(
        np.r_[np.arange(IMAGES - TEST), rng.integers(0, IMAGES - TEST, TRAIN - IMAGES + TEST)]
    )
    _write(folder / "train_annotations_release.txt", np.array(names["train"])[chosen], rng, 1)
    _write(folder / "test_annotations_release.txt", np.array(names["test"]), rng, ANNOTATORS)


def _write(path: Path, images: np.ndarray, rng: np.random.Generator, annotators: int) -> None:
    table = pd.DataFrame({"path": images, "idx": np.arange(len(images))})
    for name in COLUMNS[2:10]:
        table[name] = rng.random(len(images))
    corner = rng.random((len(images), 2)) * (40, 30)
    for column, name in enumerate(COLUMNS[10:]):
        table[name] = np.round(corner[:, column % 2] + 10 * (column > 1), 2)
    table = table.loc[np.repeat(table.index, annotators)]
    table[["gaze_x", "gaze_y"]] = rng.random((len(table), 2))
    if annotators == 1:
        table["inout"] = rng.choice([-1, 0, 1], len(table), p=[0.01, 0.07, 0.92])
    table["meta"], table["ori_name"] = "COCO", "COCO_train2014_000000000000.jpg"
    table.to_csv(path, header=False, index=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "folder", type=Path, nargs="?", help="where to make the files, and keep them"
    )
    given = parser.parse_args().folder
    with tempfile.TemporaryDirectory() as temporary:
        folder = given or Path(temporary)
        if not (folder / "test_annotations_release.txt").exists():
            make(folder)
        print(f"processors: {len(os.sched_getaffinity(0))}")
        for split in ("train", "test"):
            path, problems = folder / f"{split}_annotations_release.txt", Problems()
            with timed(f"read {path.name}"):
                rows, _ = read_gazefollow_rows(path, split, problems)
            assert not problems.errors and len(rows)
        source = {"kind": "gazefollow", "root": str(folder)}
        with timed("its people, for a plan with a prior of a file, before any job has read it"):
            assert read_as_its_job(0, json.dumps(source)) is not None
        with timed(f"gcdr check of {IMAGES:,} images"):
            subprocess.run([sys.executable, "-m", "gcdr", "check", str(folder)], check=True)


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Print how long a block took, and the processor time of it and its children."""
    start, used = time.perf_counter(), sum(os.times()[:4])
    yield
    cpu = sum(os.times()[:4]) - used
    print(f"{what}: {time.perf_counter() - start:.2f} s, {cpu:.2f} CPU seconds")


if __name__ == "__main__":
    main()
