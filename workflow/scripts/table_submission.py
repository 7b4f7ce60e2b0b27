"""A table of the paper as a file that other labs can set beside theirs."""

from gcdr.base.command import arguments, run
from gcdr.verification.table_submission import write_table_submission


def main() -> None:
    texts = (
        "table",
        "cells:json",
        "source:json",
        "settings:json",
        "weights:json",
        "runs:json",
        "computed-on",
    )
    paths = ("manifest:path", "benchmarks:path", "out:path")
    write_table_submission(**vars(arguments(__doc__, *texts, *paths)))


if __name__ == "__main__":
    run(main)
