"""Teach the demo world's VQA model."""

from gcdr.base.command import arguments, run
from gcdr.world.weights.vqa_lessons import VQARecipe, teach_world_vqa


def main() -> None:
    args = arguments(__doc__, "settings:json", "seed:int", "workers:int", "device", "out:path")
    recipe = VQARecipe.from_json(args.settings, "world_weights.vqa")
    teach_world_vqa(recipe, args.seed, args.device, args.workers, args.out)


if __name__ == "__main__":
    run(main)
