"""Write released OFA weights as a folder of this package."""

from gcdr.base.command import arguments, run
from gcdr.priors.vqa.ofa.conversion import convert_ofa
from gcdr.priors.vqa.ofa.layouts import Released


def main() -> None:
    args = arguments(__doc__, "weights:path", "out:path", settings=Released)
    convert_ofa(args.weights, args.out, args.settings.size, args.settings.image_size)


if __name__ == "__main__":
    run(main)
