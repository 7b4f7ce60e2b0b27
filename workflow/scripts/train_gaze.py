"""Train a gaze model: a teacher on labels, a student on labels and pseudo-labels."""

from gcdr.command import arguments, run
from gcdr.device import pick_device
from gcdr.training.runs import train_gaze_model


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
            pseudo=None,
            prior=None,
            init=None,
        )
    )
    train_gaze_model(**args | {"device": pick_device(args["device"])})


if __name__ == "__main__":
    run(main)
