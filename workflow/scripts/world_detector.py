"""Train a detector of the demo world, of people or of heads."""

from gcdr.base.command import arguments, run
from gcdr.world.weights.detectors import train_world_detector


def main() -> None:
    args = arguments(__doc__, "finds", "settings:json", "seed:int", "device", "out:path")
    train_world_detector(args.out, args.finds, args.seed, device=str(args.device), **args.settings)


if __name__ == "__main__":
    run(main)
