"""AvgDist against the label share, and the share of labels saved at equal AvgDist."""

from gcdr.base.command import arguments, run
from gcdr.report.savings import write_savings


def main() -> None:
    names = ("shares:json", "cells:json", "csv:path", "page:path", "figure:path")
    write_savings(**vars(arguments(__doc__, *names)))


if __name__ == "__main__":
    run(main)
