"""Train the diffusion teacher on the labels."""

from gcdr.base.command import TRAINING, arguments, run
from gcdr.training.diffusion_runs import train_diffusion_model


def main() -> None:
    train_diffusion_model(**vars(arguments(__doc__, *TRAINING, init=None)))


if __name__ == "__main__":
    run(main)
