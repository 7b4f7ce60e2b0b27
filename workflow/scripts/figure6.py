"""Distance and AUC by show and method, drawn from Table S1."""

from gcdr.base.command import arguments, run
from gcdr.report.show_figure import write_show_figure


def main() -> None:
    write_show_figure(**vars(arguments(__doc__, "table:path", "out:paths")))


if __name__ == "__main__":
    run(main)
