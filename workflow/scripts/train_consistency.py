"""Train a gaze model or the diffusion teacher on labels and on the unlabelled people's pictures."""

from gcdr.base.command import TRAINING, arguments, run
from gcdr.training.consistency import train_consistency_model
from gcdr.training.recipes import CONSISTENCY


def main() -> None:
    args = vars(arguments(__doc__, *TRAINING, "family", "settings:json", init=None))
    kind = CONSISTENCY[args.pop("family")]
    settings = kind.from_json(args.pop("settings"), "settings")
    train_consistency_model(settings=settings, **args)


if __name__ == "__main__":
    run(main)
