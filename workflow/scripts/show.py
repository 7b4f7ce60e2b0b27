"""Draw clips of the moving demo world: frames, manifest, annotators and true body boxes."""

from gcdr.base.command import arguments, run
from gcdr.data.manifest import people_digest, write_table
from gcdr.datasets.world import write_show
from gcdr.world.dataset import ShowSettings


def main() -> None:
    args = arguments(
        __doc__,
        "images:path",
        "manifest:path",
        "annotations:path",
        "bodies:path",
        "workers:int",
        settings=ShowSettings,
    )
    tables = write_show(args.images, args.settings, args.workers)
    digest = people_digest(tables.manifest)
    write_table(tables.annotations, args.annotations, digest)
    write_table(tables.bodies, args.bodies, digest)
    write_table(tables.manifest, args.manifest, digest)


if __name__ == "__main__":
    run(main)
