"""A folder as a lab might bring it: pictures, a table of head boxes, and a label for few of the people.

python benchmarks/own_folder.py FOLDER [--people 80] [--labels 8] [--test 20] [--seed 5]

The pictures are drawn by the demo world. Of the people for training --labels have a label; those for test
all have one, so that a report can be made. docs/own-data.md goes on from here.
"""

import argparse
from pathlib import Path

from gcdr.base.csvtext import write_csv
from gcdr.base.seeds import numpy_rng
from gcdr.data.manifest import BOX
from gcdr.datasets.world import write_world
from gcdr.world.dataset import WorldSettings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--people", type=int, default=80)
    parser.add_argument("--labels", type=int, default=8)
    parser.add_argument("--test", type=int, default=20)
    parser.add_argument("--seed", type=int, default=5)
    args = parser.parse_args()
    train = args.people - args.test
    world = WorldSettings(args.seed, "gaze", train, args.test, 2, 320, 240)
    people = write_world(args.folder, world).manifest
    known = people["split"].eq("test")
    for row in numpy_rng(args.seed, "labels").permutation(people.index[~known])[: args.labels]:
        known[row] = True
    labels = ["gaze_x", "gaze_y"]
    table = people[["image", *BOX, *labels, "in_frame", "split"]].copy()
    table[labels] = (
        table[labels].where(known & table["in_frame"].fillna(False).astype(bool)).round(4)
    )
    table["in_frame"] = table["in_frame"].map({True: "true", False: "false"}).where(known)
    write_csv(table.round({name: 1 for name in BOX}), args.folder / "heads.csv")
    labelled = int((known & table["split"].eq("train")).sum())
    print(f"{args.folder}: {len(table)} people, {labelled} of those for training labelled")


if __name__ == "__main__":
    main()
