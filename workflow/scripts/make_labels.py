"""Make pseudo-labels by diffusion or by one of the methods it is compared with."""

from gcdr.refine.maps.labels import make_labels
from gcdr.refine.maps.options import LabelSettings

from gcdr.base.command import arguments, run


def main() -> None:
    args = vars(
        arguments(
            __doc__,
            "method",
            "manifest:path",
            "which",
            "samples:path",
            "seed:int",
            "device",
            "out:path",
            settings=LabelSettings,
            labels=None,
            prior=None,
            teacher=None,
        )
    )
    make_labels(**args)


if __name__ == "__main__":
    run(main)
