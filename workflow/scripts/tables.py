"""Tables of all studies of a report."""

from gcdr.base.command import arguments, run
from gcdr.report.summary import write_tables


def main() -> None:
    args = vars(
        arguments(
            __doc__, "metrics:paths", "sweeps:paths*", "methods:texts", "reference", "out:path"
        )
    )
    write_tables(**args)


if __name__ == "__main__":
    run(main)
