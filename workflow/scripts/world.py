"""Draw the demo world: pictures, people, annotators and true body boxes."""

from gcdr.base.command import arguments, run
from gcdr.datasets.world import write_world
from gcdr.world.dataset import WorldSettings

TABLES = ("manifest", "annotated", "annotations", "bodies")


def main() -> None:
    paths = (f"{name}:path" for name in TABLES)
    args = arguments(__doc__, "images:path", *paths, "workers:int", settings=WorldSettings)
    tables = write_world(args.images, args.settings, args.workers)
    tables.write(**{name: getattr(args, name) for name in TABLES})


if __name__ == "__main__":
    run(main)
