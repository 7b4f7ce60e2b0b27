"""Embed the names of a vocabulary by a text tower."""

from gcdr.base.command import arguments, run
from gcdr.priors.text_towers import embed_vocabulary


def main() -> None:
    embed_vocabulary(**vars(arguments(__doc__, "tower:path", "out:path", vocabulary=None)))


if __name__ == "__main__":
    run(main)
