"""Check a data set, and read its people with labels, its test people's annotations and given bodies."""

from pathlib import Path

from gcdr.base.command import arguments, run
from gcdr.base.files import atomic
from gcdr.data.manifest import people_digest, write_table
from gcdr.datasets.check import allow_unreadable, decode_images, summary
from gcdr.datasets.read import read_dataset


def main() -> None:
    args = arguments(
        __doc__,
        "source:json",
        "failures:float",
        "annotated:path",
        "annotations:path",
        "bodies:path",
        "summary:path",
    )
    dataset = read_dataset(args.source)
    for line in allow_unreadable(dataset, args.failures):
        print(line)
    text = summary(dataset, decode_images(dataset, full=False, fatal=False))
    print(text)
    dataset.problems.stop(str(dataset.root))
    with atomic(args.summary) as temporary:
        Path(temporary).write_text(text + "\n")
    digest = people_digest(dataset.manifest)
    write_table(dataset.annotations, args.annotations, digest)
    write_table(dataset.bodies, args.bodies, digest)
    write_table(dataset.manifest, args.annotated, digest)


if __name__ == "__main__":
    run(main)
