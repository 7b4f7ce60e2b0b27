"""Draw the demo world: pictures, manifest, annotators and true body boxes."""

from gcdr.base.command import arguments, run
from gcdr.data.manifest import write_table
from gcdr.datasets.world import write_world


def main() -> None:
    args = arguments(
        __doc__,
        "settings:json",
        "images:path",
        "manifest:path",
        "annotations:path",
        "bodies:path",
        "workers:int",
    )
    keys = {"train_people": "train", "test_people": "test"}
    settings = {keys.get(key, key): value for key, value in args.settings.items() if key != "kind"}
    tables = write_world(args.images, workers=args.workers, **settings)
    write_table(tables.annotations, args.annotations)
    write_table(tables.bodies, args.bodies)
    write_table(tables.manifest, args.manifest)


if __name__ == "__main__":
    run(main)
