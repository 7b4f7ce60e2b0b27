"""Write the points of people whom the split of an adapting study hides, for the evaluation alone."""

from gcdr.base.command import arguments, run
from gcdr.evaluation.hidden import write_hidden_points


def main() -> None:
    names = ("annotated", "annotations", "labels", "out")
    write_hidden_points(**vars(arguments(__doc__, *(f"{name}:path" for name in names))))


if __name__ == "__main__":
    run(main)
