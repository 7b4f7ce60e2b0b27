"""Draw the depth of the demo world's pictures."""

from gcdr.base.command import arguments, run
from gcdr.data.manifest import read_people
from gcdr.datasets.world_depth import write_world_depth
from gcdr.world.dataset import DrawnDepth


def main() -> None:
    names = ("manifest:path", "images:path", "workers:int", "out:path")
    args = arguments(__doc__, *names, settings=DrawnDepth)
    people = read_people(args.manifest)
    write_world_depth(people, args.images, args.settings, args.out, args.workers)


if __name__ == "__main__":
    run(main)
