"""Name what people look at by what a detector finds under the points of their pseudo-labels."""

from gcdr.base.command import arguments, run
from gcdr.priors.detected_names import name_by_detection


def main() -> None:
    files = ("pseudo", "manifest", "images", "labels", "space", "detector", "tower", "out")
    paths = [f"{name}:path" for name in files]
    name_by_detection(**vars(arguments(__doc__, *paths, "device")))


if __name__ == "__main__":
    run(main)
