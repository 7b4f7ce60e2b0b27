"""Bring another model's heatmaps, kept as a label store, into a prior store."""

from gcdr.base.command import arguments, run
from gcdr.priors.stored_maps import maps_prior


def main() -> None:
    args = arguments(__doc__, "manifest:path", "store:path", "out:path", "complete:json")
    maps_prior(**vars(args))


if __name__ == "__main__":
    run(main)
