"""Judge models of parts of the labels on people whom none has learned from."""

from gcdr.base.command import arguments, run
from gcdr.evaluation.held_out import judge_parts


def main() -> None:
    names = ("parts:json", "samples:path", "manifest:path", "labels:path", "about:json", "device")
    judge_parts(**vars(arguments(__doc__, *names, "out:path")))


if __name__ == "__main__":
    run(main)
