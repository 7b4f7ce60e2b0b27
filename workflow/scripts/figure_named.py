"""Test people of data sets with the names of what they look at."""

from gcdr.base.command import arguments, run
from gcdr.report.semantic_figures import write_named_figure


def main() -> None:
    write_named_figure(**vars(arguments(__doc__, "datasets:json", "out:paths")))


if __name__ == "__main__":
    run(main)
