"""The report as one page."""

from gcdr.base.command import arguments, run
from gcdr.report.pages import write_report
from gcdr.settings.reporting import ReportSettings


def main() -> None:
    names = ("metrics:paths", "sweeps:paths", "benchmarks:path", "logs:path", "out:path")
    write_report(**vars(arguments(__doc__, *names, settings=ReportSettings)))


if __name__ == "__main__":
    run(main)
