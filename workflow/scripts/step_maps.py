"""What the diffusion model makes of a few test people's maps, step by step."""

from gcdr.base.command import arguments, run
from gcdr.evaluation.stepwise import write_step_maps
from gcdr.refine.options import LabelSettings


def main() -> None:
    names = ("teacher:path", "samples:path", "manifest:path", "labels:path", "prior:path")
    names += ("scores:path", "seed:int", "device", "out:path")
    optional = {"settings": LabelSettings, "choice": None, "prior_made_by": {}}
    write_step_maps(**vars(arguments(__doc__, *names, **optional)))


if __name__ == "__main__":
    run(main)
