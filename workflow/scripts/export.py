"""The points of a label store as a table of one's own folder."""

from gcdr.base.command import arguments, run
from gcdr.data.export import write_csv_rows
from gcdr.data.export_rows import collect_rows


def main() -> None:
    args = arguments(__doc__, "manifest:path", "maps:path", "out:path")
    write_csv_rows(collect_rows(args.manifest, maps=args.maps), args.out)


if __name__ == "__main__":
    run(main)
