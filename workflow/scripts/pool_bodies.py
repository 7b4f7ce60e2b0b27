"""The body boxes of several data sets as those of their pool."""

import pandas as pd

from gcdr.base.command import arguments, run
from gcdr.data.manifest import write_table
from gcdr.data.pool import pool_rows


def main() -> None:
    args = arguments(__doc__, "members:path", "bodies:json", "out:path")
    tables = {name: pd.read_parquet(path) for name, path in args.bodies.items()}
    write_table(pool_rows(pd.read_parquet(args.members), tables), args.out)


if __name__ == "__main__":
    run(main)
