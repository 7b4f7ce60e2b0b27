"""Pretrain the towers of the demo world's gaze models."""

from gcdr.base.command import arguments, run
from gcdr.world.lessons import BackboneRecipe
from gcdr.world.weights.tower_lessons import make_backbone


def main() -> None:
    args = arguments(
        __doc__, "seed:int", "workers:int", "device", "out:path", settings=BackboneRecipe
    )
    make_backbone(args.settings, args.seed, args.device, args.workers, args.out)


if __name__ == "__main__":
    run(main)
