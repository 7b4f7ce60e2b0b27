"""Choose who keeps their label; everybody else's is left out of the file."""

from gcdr.base.command import arguments, run
from gcdr.data.chosen import for_adapting, people_to_label
from gcdr.data.manifest import people_digest, read_annotated, write_table
from gcdr.data.split import DrawnSplit, split_labels
from gcdr.data.split_name import CHOSEN, OWN
from gcdr.datasets.gazefollow import read_released_split


def main() -> None:
    args = arguments(
        __doc__,
        "annotated:path",
        "seed:int",
        "out:path",
        released=None,
        source="",
        settings=DrawnSplit,
    )
    settings = args.settings
    released = read_released_split(args.released) if args.released else None
    if args.source:  # in a pool, images are named after the data set that they are from
        released["image"] = f"{args.source}/" + released["image"]
    annotated = read_annotated(args.annotated)
    digest = people_digest(annotated)
    if settings.adapt:
        annotated = for_adapting(annotated)
    if settings.labels:
        released = people_to_label(annotated, settings.labels, args.seed)
    labels = split_labels(
        annotated,
        settings.share,
        settings.validation,
        args.seed,
        settings.by,
        released,
        settings.unlabelled,
        settings.out_of_frame,
        settings.part,
    )
    share = CHOSEN if settings.labels else OWN if settings.share is None else settings.share
    write_table(labels, args.out, digest, share=share, seed=args.seed)
    drawn = f"drawn with seed {args.seed}" if settings.share is not None else "all who have a label"
    if settings.labels:
        drawn = f"of {released['sequence' if 'sequence' in released else 'group'].nunique()} clips"
    print(f"labelled people: {args.released or drawn}, by {settings.by}")
    print(labels["role"].value_counts().to_string())


if __name__ == "__main__":
    run(main)
