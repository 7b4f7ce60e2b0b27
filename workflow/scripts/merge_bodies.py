"""Join the shards of detected bodies, and those that came with the data set, into one table."""

from gcdr.base.command import arguments, run
from gcdr.detection.joined import merge_bodies


def main() -> None:
    merge_bodies(**vars(arguments(__doc__, "shards:paths", "out:path", annotated=None)))


if __name__ == "__main__":
    run(main)
