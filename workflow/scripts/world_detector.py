"""Train a detector of the demo world, of people or of heads."""

from gcdr.command import arguments, run
from gcdr.device import pick_device
from gcdr.training.world_detector import train_world_detector


def main() -> None:
    args = arguments(__doc__, "finds", "settings:json", "seed:int", "device", "out:path")
    device = str(pick_device(args.device))
    train_world_detector(args.out, args.finds, args.seed, device=device, **args.settings)


if __name__ == "__main__":
    run(main)
