"""Train a detector of the demo world, of people or of heads."""

from gcdr.base.command import arguments, run
from gcdr.world.lessons import DetectorRecipe
from gcdr.world.weights.detectors import train_world_detector


def main() -> None:
    args = arguments(__doc__, "finds", "seed:int", "device", "out:path", settings=DetectorRecipe)
    train_world_detector(args.out, args.finds, args.seed, args.settings, str(args.device))


if __name__ == "__main__":
    run(main)
