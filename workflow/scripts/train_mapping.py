"""Train a network that turns prior maps into labels at once."""

from gcdr.base.command import TRAINING, arguments, run
from gcdr.training.mapping import train_mapping_model
from gcdr.training.recipes import MappingTraining


def main() -> None:
    names = (*TRAINING, "prior:path")
    optional = {"init": None, "prior_made_by": {}}
    train_mapping_model(**vars(arguments(__doc__, *names, settings=MappingTraining, **optional)))


if __name__ == "__main__":
    run(main)
