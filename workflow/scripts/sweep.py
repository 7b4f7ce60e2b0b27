"""Score refined maps at many noise timesteps."""

from gcdr.base.command import arguments, run
from gcdr.evaluation.sweeps import sweep_timesteps
from gcdr.refine.options import SweepSettings


def main() -> None:
    args = vars(
        arguments(
            __doc__,
            "teacher:path",
            "samples:path",
            "manifest:path",
            "annotations:path",
            "labels:path",
            "prior:path",
            "about:json",
            "seed:int",
            "device",
            "out:path",
            settings=SweepSettings,
            prior_made_by={},
        )
    )
    sweep_timesteps(**args)


if __name__ == "__main__":
    run(main)
