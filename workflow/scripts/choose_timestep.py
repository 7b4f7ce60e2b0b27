"""Choose the noise timestep by labelled people that the diffusion model did not learn from."""

from gcdr.base.command import arguments, run
from gcdr.evaluation.sweeps import choose_timestep
from gcdr.refine.options import ChoiceSettings


def main() -> None:
    args = vars(
        arguments(
            __doc__,
            "folds:paths",
            "samples:path",
            "manifest:path",
            "labels:path",
            "prior:path",
            "about:json",
            "seed:int",
            "device",
            "out:path",
            settings=ChoiceSettings,
            prior_made_by={},
        )
    )
    choose_timestep(**args)


if __name__ == "__main__":
    run(main)
