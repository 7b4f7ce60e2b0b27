"""A table of the paper, with the paper's numbers beside ours."""

from gcdr.base.command import arguments, run
from gcdr.report.paper_tables import write_paper_table


def main() -> None:
    write_paper_table(**vars(arguments(__doc__, "table", "cells:json", "csv:path", "page:path")))


if __name__ == "__main__":
    run(main)
