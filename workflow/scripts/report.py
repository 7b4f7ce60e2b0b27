"""The report as one page."""

from pathlib import Path

from gcdr.base.command import arguments, run
from gcdr.report.pages import write_report


def main() -> None:
    args = vars(
        arguments(
            __doc__,
            "files:json",
            "metrics:paths",
            "sweeps:paths",
            "methods:texts",
            "recipe",
            "layer:int",
            "settings:json",
            "benchmarks:path",
            "logs:path",
            "out:path",
        )
    )
    files = {name: Path(path) for name, path in args.pop("files").items()}
    write_report(**files, **args)


if __name__ == "__main__":
    run(main)
