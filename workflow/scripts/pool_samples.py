"""The picture caches of several data sets as that of their pool."""

from pathlib import Path

import pandas as pd

from gcdr.base.command import arguments, run
from gcdr.data.manifest import read_people
from gcdr.data.pool import pool_samples


def main() -> None:
    args = arguments(
        __doc__, "members:path", "manifest:path", "caches:json", "size:int", "out:path"
    )
    caches = {name: Path(path) for name, path in args.caches.items()}
    people = read_people(args.manifest)
    pool_samples(pd.read_parquet(args.members), people, caches, args.size, args.out)


if __name__ == "__main__":
    run(main)
