"""Train a direct mapping from Grad-CAM maps to labels."""

from gcdr.command import arguments, run
from gcdr.device import pick_device
from gcdr.training.mapping_runs import train_mapping_model


def main() -> None:
    args = vars(
        arguments(
            __doc__,
            "prior:path",
            "samples:path",
            "labels:path",
            "settings:json",
            "seed:int",
            "device",
            "out:path",
            init=None,
        )
    )
    train_mapping_model(**args | {"device": pick_device(args["device"])})


if __name__ == "__main__":
    run(main)
