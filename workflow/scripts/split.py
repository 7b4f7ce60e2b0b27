"""Choose who keeps their label; everybody else's is left out of the file."""

from gcdr.command import arguments, run
from gcdr.labels import split_labels
from gcdr.manifest import read_annotated, write_table


def main() -> None:
    args = arguments(
        __doc__, "manifest:path", "share:float", "validation:float", "seed:int", "out:path"
    )
    labels = split_labels(read_annotated(args.manifest), args.share, args.validation, args.seed)
    write_table(labels, args.out)
    print(labels["role"].value_counts().to_string())


if __name__ == "__main__":
    run(main)
