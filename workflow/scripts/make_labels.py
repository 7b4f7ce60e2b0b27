"""Make pseudo-labels by diffusion or by one of the methods it is compared with."""

from gcdr.base.command import arguments, run
from gcdr.refine.labels import make_labels
from gcdr.refine.options import LabelSettings


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
            choice=None,
            prior_made_by={},
        )
    )
    make_labels(**args)


if __name__ == "__main__":
    run(main)
