"""Train the diffusion teacher on the labels."""

from gcdr.command import arguments, run
from gcdr.device import pick_device
from gcdr.training.diffusion_runs import train_diffusion_model


def main() -> None:
    args = vars(
        arguments(
            __doc__,
            "samples:path",
            "labels:path",
            "settings:json",
            "seed:int",
            "device",
            "out:path",
            init=None,
        )
    )
    train_diffusion_model(**args | {"device": pick_device(args["device"])})


if __name__ == "__main__":
    run(main)
