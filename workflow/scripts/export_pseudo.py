"""Pseudo-labels of own images, with the labels that are known, as a folder in a format for other code."""

from gcdr.base.command import arguments, run
from gcdr.data.export import export_pseudo


def main() -> None:
    places = ("manifest:path", "annotations:path", "maps:path", "out:path")
    args = arguments(__doc__, *places, "format", labels=None)
    export_pseudo(args.format, args.out, args.manifest, args.maps, args.annotations, args.labels)


if __name__ == "__main__":
    run(main)
