"""The prior maps of several data sets as those of their pool."""

from pathlib import Path

from gcdr.base.command import arguments, run
from gcdr.data.manifest import people_digest, read_people
from gcdr.data.parquet import read_table
from gcdr.data.pool import pool_priors


def main() -> None:
    args = arguments(__doc__, "members:path", "manifest:path", "stores:json", "out:path")
    stores = {name: (Path(people), Path(prior)) for name, (people, prior) in args.stores.items()}
    digest = people_digest(read_people(args.manifest))
    pool_priors(read_table(args.members, people=digest), digest, stores, args.out)


if __name__ == "__main__":
    run(main)
