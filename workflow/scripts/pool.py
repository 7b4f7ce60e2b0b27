"""Put the people of several data sets together; their images are linked, not copied."""

from pathlib import Path

from gcdr.base.command import arguments, run
from gcdr.data.manifest import people_digest, read_people, write_table
from gcdr.data.pool import link_images, pool_annotations, pool_people


def main() -> None:
    args = arguments(
        __doc__,
        "sources:json",
        "manifests:json",
        "roots:json",
        "annotations:path",
        "images:path",
        "manifest:path",
        "points:path",
        "members:path",
    )
    sources = args.sources
    paths = {name: Path(path) for name, path in args.manifests.items()}
    manifest, members = pool_people(
        paths, sources["labelled"], sources["unlabelled"], sources["test"]
    )
    digest = people_digest(manifest)
    digests = {name: people_digest(read_people(path)) for name, path in paths.items()}
    test = sources["test"]
    points = pool_annotations(members, test, args.annotations, digests[test])
    link_images({name: Path(root) for name, root in args.roots.items()}, args.images)
    write_table(manifest, args.manifest, digest)
    write_table(points, args.points, digest)
    write_table(members, args.members, digest, sources=digests)
    print(members.assign(split=manifest["split"]).value_counts(["source", "split"]).to_string())


if __name__ == "__main__":
    run(main)
