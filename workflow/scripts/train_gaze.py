"""Train a gaze model: a teacher on labels, a student on labels and pseudo-labels."""

from gcdr.base.command import TRAINING, arguments, run
from gcdr.training.runs import train_gaze_model


def main() -> None:
    train_gaze_model(**vars(arguments(__doc__, *TRAINING, pseudo=None, prior=None, init=None)))


if __name__ == "__main__":
    run(main)
