"""Train a student whose pseudo-labels are made again in every batch."""

from gcdr.base.command import TRAINING, arguments, run
from gcdr.training.online_runs import train_online_student


def main() -> None:
    train_online_student(
        **vars(arguments(__doc__, "pseudo:path", "teacher:path", *TRAINING, init=None))
    )


if __name__ == "__main__":
    run(main)
