"""Train a gaze model: a teacher on labels, a student on labels and pseudo-labels."""

from gcdr.base.command import TRAINING, arguments, run
from gcdr.training.gaze import train_gaze_model
from gcdr.training.recipes import GazeTraining


def main() -> None:
    optional = {"pseudo": None, "prior": None, "init": None, "space": None, "named": None}
    optional |= {"pseudo_made_by": {}, "prior_made_by": {}}
    train_gaze_model(**vars(arguments(__doc__, *TRAINING, settings=GazeTraining, **optional)))


if __name__ == "__main__":
    run(main)
