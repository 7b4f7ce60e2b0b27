"""The body boxes of several data sets as those of their pool."""

from gcdr.base.command import arguments, run
from gcdr.data.parquet import read_table, table_about, write_table
from gcdr.data.pool import pool_rows


def main() -> None:
    args = arguments(__doc__, "members:path", "bodies:json", "out:path")
    about = table_about(args.members)
    tables = {
        name: read_table(path, people=about["sources"][name]) for name, path in args.bodies.items()
    }
    write_table(pool_rows(read_table(args.members), tables), args.out, about["people"])


if __name__ == "__main__":
    run(main)
