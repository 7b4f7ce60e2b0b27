"""Pretrain the frozen backbone of the demo world."""

from gcdr.base.command import arguments, run
from gcdr.world.lessons import FrozenRecipe
from gcdr.world.weights.frozen_lessons import make_frozen


def main() -> None:
    args = arguments(
        __doc__, "seed:int", "workers:int", "device", "out:path", settings=FrozenRecipe
    )
    make_frozen(args.settings, args.seed, args.device, args.workers, args.out)


if __name__ == "__main__":
    run(main)
