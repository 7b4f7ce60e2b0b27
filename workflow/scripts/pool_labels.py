"""The labels of a pool's people: of labelled sources alone, and the annotators' of test people."""

from pathlib import Path

from gcdr.base.command import arguments, run
from gcdr.data.manifest import people_digest, read_people, write_table
from gcdr.data.pool import pool_annotations, pool_people


def main() -> None:
    args = arguments(
        __doc__, "sources:json", "people:json", "annotations:path", "annotated:path", "points:path"
    )
    sources = args.sources
    paths = {name: Path(path) for name, path in args.people.items()}
    test = sources["test"]
    annotated, members = pool_people(paths, sources["labelled"], sources["unlabelled"], test)
    tested = people_digest(read_people(paths[test]))
    points = pool_annotations(members, test, args.annotations, tested)
    digest = people_digest(annotated)
    write_table(points, args.points, digest)
    write_table(annotated, args.annotated, digest)


if __name__ == "__main__":
    run(main)
