"""Tables of all studies of a report."""

from gcdr.base.command import arguments, run
from gcdr.report.summary import write_tables


def main() -> None:
    names = ("metrics:paths", "sweeps:paths*", "methods:texts", "reference", "out:path")
    write_tables(**vars(arguments(__doc__, *names, gaze_titles={}, typical=None)))


if __name__ == "__main__":
    run(main)
