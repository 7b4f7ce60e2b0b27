"""A row a show: how many of its people are labelled, and each method's distance and AUC."""

from gcdr.base.command import arguments, run
from gcdr.report.show_tables import write_show_table


def main() -> None:
    write_show_table(**vars(arguments(__doc__, "shows:json", "csv:path", "page:path")))


if __name__ == "__main__":
    run(main)
