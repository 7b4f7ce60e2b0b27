"""Name what people look at by the nouns of a VQA model's answers."""

from gcdr.base.command import arguments, run
from gcdr.priors.named_people import name_people


def main() -> None:
    files = ("prior:path", "manifest:path", "labels:path", "tower:path", "space:path", "out:path")
    name_people(**vars(arguments(__doc__, *files)))


if __name__ == "__main__":
    run(main)
