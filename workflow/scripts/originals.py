"""Keep the labelled people's pictures as large as their random crops need them."""

import pandas as pd

from gcdr.base.command import arguments, run
from gcdr.data.manifest import read_people
from gcdr.data.originals import write_originals


def main() -> None:
    args = arguments(__doc__, "manifest:path", "labels:path", "images:path", "size:int", "out:path")
    labels = pd.read_parquet(args.labels)
    write_originals(read_people(args.manifest), labels, args.images, args.size, args.out)


if __name__ == "__main__":
    run(main)
