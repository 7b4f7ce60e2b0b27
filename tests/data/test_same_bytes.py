"""Files that are made twice of the same are the same, byte for byte."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from small_data import LABELLED, write

from gcdr.data.cache import write_samples
from gcdr.data.export import WRITERS
from gcdr.data.export_rows import collect_rows
from gcdr.data.manifest import people_digest, read_annotated, read_people, write_table
from gcdr.data.originals import write_originals
from gcdr.data.prior_shards import concatenate_priors, merge_priors
from gcdr.data.split import split_labels
from gcdr.data.stores import write_labels, write_prior
from gcdr.datasets.read import read_dataset

ROWS = [f"{n % 2}.png,{n + 1},5,{n + 21},30,.5,.25,1,ball,train," for n in range(8)]


def write_all(folder: Path) -> None:
    """A file of each kind that this room writes, of one small data set."""
    write(folder, {"0.png": "picture", "1.png": "picture", "t.csv": "\n".join([LABELLED, *ROWS])})
    read = read_dataset({"kind": "folder", "images": folder, "table": folder / "t.csv"})
    write_table(read.manifest, folder / "manifest.parquet")
    write_table(read.annotations, folder / "annotations.parquet")
    annotated, people = (f(folder / "manifest.parquet") for f in (read_annotated, read_people))
    digest, ids = people_digest(people), people["sample_id"].to_numpy()
    labels = split_labels(annotated, 50, 0.25, 0)
    write_table(labels, folder / "labels.parquet", digest, share=50, seed=0)
    write_samples(people, folder, 32, folder / "samples.h5", failures=0)
    write_originals(people, labels, folder, 32, folder / "originals.h5")
    maps, whole = np.full((len(ids), 2, 4, 4), 0.5, np.float32), np.ones(len(ids), bool)
    shards = [folder / f"shards/{part}.h5" for part in (1, 2)]
    for path, part in zip(shards, (slice(0, 5), slice(5, None)), strict=True):
        said = {"answer": np.array(["the ball"] * len(ids), object)[part]}
        write_prior(
            path, ids[part], maps[part], whole[part], said, layers=[1, 2], people=digest, made_by={}
        )
    merge_priors(shards, folder / "merged.h5")
    concatenate_priors(shards, folder / "one.h5")
    write_labels(folder / "pseudo.h5", ids, maps[:, 0], whole, {}, people=digest, made_by={})
    rows = collect_rows(folder / "manifest.parquet", folder / "labels.parquet")
    for name, export in WRITERS.items():
        export(rows, folder / f"export/{name}")


@pytest.mark.slow
def test_files_do_not_depend_on_the_hour_nor_on_the_process(tmp_path: Path) -> None:
    began = time.time()
    write_all(tmp_path / "here")
    environment = {**os.environ, "PYTHONHASHSEED": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    time.sleep(max(0, began + 1 - time.time()))  # HDF5 counts whole seconds
    command = [sys.executable, __file__, tmp_path / "there"]
    subprocess.run(command, env=environment, check=True)
    made = [
        {
            path.relative_to(folder): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file()
        }
        for folder in (tmp_path / "here", tmp_path / "there")
    ]
    assert len(made[0]) == 21 and made[0].keys() == made[1].keys()
    assert not [path for path in made[0] if made[0][path] != made[1][path]]


if __name__ == "__main__":
    write_all(Path(sys.argv[1]))
