"""Put the people of several data sets together; their images are linked, not copied."""

from pathlib import Path

from gcdr.base.command import arguments, run
from gcdr.data.manifest import people_digest, read_people, write_table
from gcdr.data.pool import link_images, pool_people


def main() -> None:
    args = arguments(
        __doc__,
        "sources:json",
        "people:json",
        "roots:json",
        "images:path",
        "manifest:path",
        "members:path",
    )
    sources = args.sources
    paths = {name: Path(path) for name, path in args.people.items()}
    people, members = pool_people(
        paths, sources["labelled"], sources["unlabelled"], sources["test"], read_people
    )
    digest = people_digest(people)
    digests = {name: people_digest(read_people(path)) for name, path in paths.items()}
    link_images({name: Path(root) for name, root in args.roots.items()}, args.images)
    write_table(people, args.manifest, digest)
    write_table(members, args.members, digest, sources=digests)
    print(members.assign(split=people["split"]).value_counts(["source", "split"]).to_string())


if __name__ == "__main__":
    run(main)
