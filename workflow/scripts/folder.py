"""Read a folder of images and a CSV of head boxes into a manifest."""

from gcdr.command import arguments, run
from gcdr.datasets.folder import read_folder
from gcdr.manifest import write_table


def main() -> None:
    args = arguments(__doc__, "images:path", "table:path", "manifest:path")
    write_table(read_folder(args.images, args.table), args.manifest)


if __name__ == "__main__":
    run(main)
