"""The people of a user's own table and their given bodies, whatever it says of where they look."""

from gcdr.base.command import arguments, run
from gcdr.data.manifest import people_alone, people_digest, write_table
from gcdr.datasets.check import allow_unreadable
from gcdr.datasets.read import read_dataset


def main() -> None:
    args = arguments(__doc__, "source:json", "failures:float", "manifest:path", "bodies:path")
    dataset = read_dataset(args.source)
    for line in allow_unreadable(dataset, args.failures):
        print(line)
    dataset.problems.stop(str(dataset.root))
    digest = people_digest(dataset.manifest)
    write_table(dataset.bodies, args.bodies, digest)
    write_table(people_alone(dataset.manifest), args.manifest, digest)


if __name__ == "__main__":
    run(main)
