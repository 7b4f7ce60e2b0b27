"""Train VAT or the diffusion teacher with Mean Teacher."""

from gcdr.base.command import TRAINING, arguments, run
from gcdr.training.mean_teacher_runs import train_mean_teacher_model


def main() -> None:
    train_mean_teacher_model(**vars(arguments(__doc__, "family", *TRAINING, init=None)))


if __name__ == "__main__":
    run(main)
