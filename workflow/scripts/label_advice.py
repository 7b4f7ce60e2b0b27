"""How many labels to add, and whether the prior helps, as a table, a page and a figure."""

from gcdr.base.command import arguments, run
from gcdr.report.label_curve import write_advice


def main() -> None:
    names = ("curves:paths", "choices:json", "csv:path", "page:path", "figure:path")
    write_advice(**vars(arguments(__doc__, *names)))


if __name__ == "__main__":
    run(main)
