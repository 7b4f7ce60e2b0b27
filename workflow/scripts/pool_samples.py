"""The picture caches of several data sets as that of their pool."""

from pathlib import Path

from gcdr.base.command import arguments, run
from gcdr.data.manifest import people_digest, read_people
from gcdr.data.parquet import read_table, table_about
from gcdr.data.pool import pool_samples


def main() -> None:
    args = arguments(
        __doc__, "members:path", "manifest:path", "caches:json", "size:int", "out:path"
    )
    caches = {name: Path(path) for name, path in args.caches.items()}
    people = read_people(args.manifest)
    members = read_table(args.members, people=people_digest(people))
    digests = table_about(args.members)["sources"]
    pool_samples(members, people, caches, args.size, args.out, digests)


if __name__ == "__main__":
    run(main)
