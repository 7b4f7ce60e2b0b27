"""Decode and resize every image once into the cache that training reads."""

from gcdr.base.command import arguments, run
from gcdr.data.cache import write_samples
from gcdr.data.manifest import read_people


def main() -> None:
    args = arguments(
        __doc__, "manifest:path", "images:path", "size:int", "failures:float", "out:path"
    )
    people = read_people(args.manifest)
    write_samples(people, args.images, args.size, args.out, args.failures)


if __name__ == "__main__":
    run(main)
