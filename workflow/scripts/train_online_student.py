"""Train a student whose pseudo-labels are made again in every batch."""

from gcdr.base.command import TRAINING, arguments, run
from gcdr.training.online import train_online_student
from gcdr.training.recipes import OnlineTraining


def main() -> None:
    names = (*TRAINING, "pseudo:path", "teacher:path")
    optional = {"init": None, "choice": None, "pseudo_made_by": {}}
    train_online_student(**vars(arguments(__doc__, *names, settings=OnlineTraining, **optional)))


if __name__ == "__main__":
    run(main)
