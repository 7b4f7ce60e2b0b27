"""Train a student on a teacher's tokens, without any label."""

from gcdr.base.command import TRAINING, arguments, run
from gcdr.training.recipes import TokenTraining
from gcdr.training.token_student import train_token_student


def main() -> None:
    names = (*TRAINING, "teacher:path", "shown:path")
    train_token_student(**vars(arguments(__doc__, *names, settings=TokenTraining, init=None)))


if __name__ == "__main__":
    run(main)
