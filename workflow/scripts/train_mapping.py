"""Train a direct mapping from Grad-CAM maps to labels."""

from gcdr.base.command import TRAINING, arguments, run
from gcdr.training.mapping_runs import train_mapping_model


def main() -> None:
    train_mapping_model(**vars(arguments(__doc__, "prior:path", *TRAINING, init=None)))


if __name__ == "__main__":
    run(main)
