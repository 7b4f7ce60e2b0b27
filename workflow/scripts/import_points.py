"""Bring points or boxes that another source made into a prior store."""

from gcdr.base.command import arguments, run
from gcdr.priors.points import points_prior


def main() -> None:
    args = arguments(__doc__, "manifest:path", "table:path", "settings:json", "out:path")
    points_prior(**vars(args))


if __name__ == "__main__":
    run(main)
