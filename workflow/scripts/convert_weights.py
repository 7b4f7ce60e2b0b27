"""Write released OFA weights as a folder of this package."""

from gcdr.base.command import arguments, run
from gcdr.priors.vqa.ofa.conversion import convert


def main() -> None:
    args = arguments(__doc__, "weights:path", "settings:json", "out:path")
    convert(args.weights, args.out, **args.settings)


if __name__ == "__main__":
    run(main)
