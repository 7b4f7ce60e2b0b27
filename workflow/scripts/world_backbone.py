"""Pretrain the towers of the demo world's gaze models."""

from gcdr.base.command import arguments, run
from gcdr.world.weights.tower_lessons import BackboneRecipe, make_backbone


def main() -> None:
    args = arguments(__doc__, "settings:json", "seed:int", "workers:int", "device", "out:path")
    recipe = BackboneRecipe.from_json(args.settings, "world_weights.backbone")
    make_backbone(recipe, args.seed, args.device, args.workers, args.out)


if __name__ == "__main__":
    run(main)
