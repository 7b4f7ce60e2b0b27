"""What a data set says of its people and their bodies, without where they look."""

from gcdr.base.command import arguments, run
from gcdr.data.manifest import people_digest, read_people, write_table
from gcdr.data.parquet import read_table


def main() -> None:
    args = arguments(__doc__, "annotated:path", "supplied:path", "manifest:path", "bodies:path")
    people = read_people(args.annotated)
    digest = people_digest(people)
    write_table(read_table(args.supplied, people=digest), args.bodies, digest)
    write_table(people, args.manifest, digest)


if __name__ == "__main__":
    run(main)
