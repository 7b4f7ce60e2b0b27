"""Decode and resize every image once into the cache that training reads."""

from gcdr.command import arguments, run
from gcdr.manifest import read_people
from gcdr.samples import write_samples


def main() -> None:
    args = arguments(
        __doc__, "manifest:path", "images:path", "size:int", "failures:float", "out:path"
    )
    people = read_people(args.manifest)
    write_samples(people, args.images, args.size, args.out, args.failures)


if __name__ == "__main__":
    run(main)
