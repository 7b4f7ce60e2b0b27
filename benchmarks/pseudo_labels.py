"""What a student's training holds of its label store: time and memory to the first batch, and over an epoch.

    python benchmarks/pseudo_labels.py [--people 27500 110000] [--folder FOLDER]

Makes a store of so many maps of 64 x 64 cells, where one person in ten has a label too, and starts a training
on it as the workflow does: the store is opened, joined with the labelled people, and the maps of batches of
20 labelled and 60 others are taken, first 100, then all of an epoch. Times are CPU seconds. Memory is the
process's own (anonymous) and its peak, in which pages of mapped files count that the system may take back at
any time. Files are warm in the page cache.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from gcdr.data.cache import Cached
from gcdr.data.stores import write_labels
from gcdr.training.batches import compose
from gcdr.training.targets import Targets, join, pseudo_targets

CELLS, LABELLED, OTHERS, PEOPLE = 64, 20, 60, "made-up people"


def make(path: Path, people: int) -> None:
    """Write a label store of random maps."""
    maps = np.random.default_rng(0).random((people, CELLS, CELLS), np.float32)
    everybody = np.ones(people, bool)
    write_labels(path, np.arange(people), maps, everybody, {}, people=PEOPLE, made_by={})


def everybody_readable(people: int, path: Path) -> Cached:
    """A picture cache without pictures."""
    return Cached(
        sample_id=np.arange(people),
        head_box=np.zeros((people, 4), np.float32),
        scene_index=np.arange(people),
        problem=np.full(people, "", object),
        people=PEOPLE,
        path=path,
    )


def memory() -> dict[str, float]:
    """GB by the names that the system gives them."""
    lines = (line.split() for line in Path("/proc/self/status").read_text().splitlines())
    return {line[0]: int(line[1]) / 1e6 for line in lines if line[-1] == "kB"}


def case(path: Path, people: int) -> None:
    """Start a training on a store."""
    before, begun = memory()["VmHWM:"], time.process_time()

    def said(what: str) -> None:
        now, taken = memory(), time.process_time() - begun
        own, peak = now["RssAnon:"], now["VmHWM:"]
        print(
            f"{people:8,} {what:22s} {taken:7.2f} CPU s {own:6.2f} GB own {peak:6.2f} GB at most",
            flush=True,
        )

    others = pseudo_targets(path, everybody_readable(people, path))
    ids = np.arange(0, people, 10)
    labelled = Targets(ids, np.full((len(ids), 2), 0.5, np.float32))
    targets = join(labelled, others)
    composed = compose(labelled, others, LABELLED + OTHERS, LABELLED, 0)
    said(f"opened (from {before:.2f} GB)")
    for step in range(round(composed.per_epoch)):
        targets.maps(composed.ids(step))
        if step == 99:
            said("100 batches")
    said("an epoch")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--people", type=int, nargs="+", default=[27_500, 110_000])
    parser.add_argument("--folder", type=Path, help="where stores are made, and kept")
    parser.add_argument("--case", type=Path, help="start a training on this store")
    options = parser.parse_args()
    if options.case:
        case(options.case, options.people[0])
        return
    with tempfile.TemporaryDirectory() as temporary:
        for people in options.people:
            path = (options.folder or Path(temporary)) / f"{people}.h5"
            if not path.exists():
                make(path, people)
            command = [sys.executable, __file__, "--people", str(people), "--case", str(path)]
            subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
