"""Draw the demo world: pictures, people, annotators and true body boxes."""

from gcdr.base.command import arguments, run
from gcdr.data.manifest import people_alone, people_digest, write_table
from gcdr.datasets.world import write_world
from gcdr.world.dataset import WorldSettings


def main() -> None:
    args = arguments(
        __doc__,
        "images:path",
        "manifest:path",
        "annotated:path",
        "annotations:path",
        "bodies:path",
        "workers:int",
        settings=WorldSettings,
    )
    tables = write_world(args.images, args.settings, args.workers)
    digest = people_digest(tables.manifest)
    write_table(tables.annotations, args.annotations, digest)
    write_table(tables.bodies, args.bodies, digest)
    write_table(tables.manifest, args.annotated, digest)
    write_table(people_alone(tables.manifest), args.manifest, digest)


if __name__ == "__main__":
    run(main)
