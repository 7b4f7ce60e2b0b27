"""Train a gaze model or the diffusion teacher by Mean Teacher."""

from gcdr.base.command import TRAINING, arguments, run
from gcdr.training.mean_teacher import train_mean_teacher_model
from gcdr.training.recipes import MEAN_TEACHERS


def main() -> None:
    args = vars(arguments(__doc__, *TRAINING, "family", "settings:json", init=None))
    kind = MEAN_TEACHERS[args.pop("family")]
    settings = kind.from_json(args.pop("settings"), "settings")
    train_mean_teacher_model(settings=settings, **args)


if __name__ == "__main__":
    run(main)
