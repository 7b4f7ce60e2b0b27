"""Estimate the depth of every picture of a data set."""

from gcdr.base.command import arguments, run
from gcdr.data.manifest import read_people
from gcdr.detection.depth_estimator import estimate_depth


def main() -> None:
    args = arguments(__doc__, "manifest:path", "images:path", "weights:path", "device", "out:path")
    people = read_people(args.manifest)
    estimate_depth(people, args.images, args.weights, args.device, args.out)


if __name__ == "__main__":
    run(main)
