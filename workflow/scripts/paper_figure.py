"""A figure of the paper, drawn anew from a study's own people."""

from gcdr.base.command import arguments, run
from gcdr.report.plates import write_paper_figure
from gcdr.settings.reporting import FigureSettings


def main() -> None:
    names = ("figure", "scores:path", "stores:json", "out:paths")
    write_paper_figure(**vars(arguments(__doc__, *names, settings=FigureSettings, steps=None)))


if __name__ == "__main__":
    run(main)
