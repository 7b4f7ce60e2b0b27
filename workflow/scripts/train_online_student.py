"""Train a student whose pseudo-labels are made again in every batch."""

from gcdr.command import arguments, run
from gcdr.device import pick_device
from gcdr.training.online_runs import train_online_student


def main() -> None:
    args = vars(
        arguments(
            __doc__,
            "pseudo:path",
            "teacher:path",
            "samples:path",
            "labels:path",
            "settings:json",
            "seed:int",
            "device",
            "out:path",
            init=None,
        )
    )
    train_online_student(**args | {"device": pick_device(args["device"])})


if __name__ == "__main__":
    run(main)
