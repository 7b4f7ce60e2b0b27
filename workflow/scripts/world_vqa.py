"""Teach the demo world's VQA model."""

from gcdr.base.command import arguments, run
from gcdr.world.lessons import VQARecipe
from gcdr.world.weights.vqa_lessons import teach_world_vqa


def main() -> None:
    args = arguments(__doc__, "seed:int", "workers:int", "device", "out:path", settings=VQARecipe)
    teach_world_vqa(args.settings, args.seed, args.device, args.workers, args.out)


if __name__ == "__main__":
    run(main)
