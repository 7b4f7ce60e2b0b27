"""Train VAT or the diffusion teacher with Mean Teacher."""

from gcdr.command import arguments, run
from gcdr.device import pick_device
from gcdr.training.mean_teacher_runs import train_mean_teacher_model


def main() -> None:
    args = vars(
        arguments(
            __doc__,
            "family",
            "samples:path",
            "labels:path",
            "settings:json",
            "seed:int",
            "device",
            "out:path",
            init=None,
        )
    )
    train_mean_teacher_model(**args | {"device": pick_device(args["device"])})


if __name__ == "__main__":
    run(main)
