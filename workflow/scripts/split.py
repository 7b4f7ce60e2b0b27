"""Choose who keeps their label; everybody else's is left out of the file."""

from gcdr.base.command import arguments, run
from gcdr.data.manifest import read_annotated, write_table
from gcdr.data.split import split_labels
from gcdr.datasets.gazefollow import read_released


def main() -> None:
    args = arguments(
        __doc__,
        "manifest:path",
        "validation:float",
        "seed:int",
        "by",
        "out:path",
        released=None,
        source=None,
        share=-1.0,  # without it, who has a label is labelled
        unlabelled=-1.0,
    )
    released = read_released(args.released) if args.released else None
    if args.source:  # in a pool, images are named after the data set that they are from
        released["image"] = f"{args.source}/" + released["image"]
    annotated = read_annotated(args.manifest)
    labels = split_labels(
        annotated,
        None if args.share < 0 else args.share,
        args.validation,
        args.seed,
        args.by,
        released,
        None if args.unlabelled < 0 else args.unlabelled,
    )
    write_table(labels, args.out)
    drawn = f"drawn with seed {args.seed}" if args.share >= 0 else "all who have a label"
    print(f"labelled people: {args.released or drawn}, by {args.by}")
    print(labels["role"].value_counts().to_string())


if __name__ == "__main__":
    run(main)
