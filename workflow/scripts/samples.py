"""Decode and resize every image once into the cache that training reads."""

from gcdr.base.command import arguments, run
from gcdr.data.cache import write_samples
from gcdr.data.crops import HEAD_PADDING
from gcdr.data.manifest import read_people


def main() -> None:
    names = ("manifest:path", "images:path", "size:int", "failures:float", "out:path")
    args = arguments(__doc__, *names, depth=None, shuffled=0, padding=HEAD_PADDING)
    people = read_people(args.manifest)
    cached = (people, args.images, args.size, args.out, args.failures)
    write_samples(*cached, args.depth, bool(args.shuffled), args.padding)


if __name__ == "__main__":
    run(main)
