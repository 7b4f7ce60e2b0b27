"""Train the diffusion teacher on the labels."""

from gcdr.base.command import TRAINING, arguments, run
from gcdr.training.denoising import train_diffusion_model
from gcdr.training.recipes import DenoiserTraining


def main() -> None:
    train_diffusion_model(
        **vars(arguments(__doc__, *TRAINING, settings=DenoiserTraining, init=None, manifest=None))
    )


if __name__ == "__main__":
    run(main)
