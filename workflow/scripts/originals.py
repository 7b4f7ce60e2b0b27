"""Keep the labelled people's pictures as large as their random crops need them."""

from gcdr.base.command import arguments, run
from gcdr.data.manifest import people_digest, read_people
from gcdr.data.originals import write_originals
from gcdr.data.shown import read_shown


def main() -> None:
    args = arguments(__doc__, "manifest:path", "labels:path", "images:path", "size:int", "out:path")
    people = read_people(args.manifest)
    labels = read_shown(args.labels, people_digest(people))
    write_originals(people, labels, args.images, args.size, args.out)


if __name__ == "__main__":
    run(main)
