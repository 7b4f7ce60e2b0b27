"""Make pseudo-labels by diffusion or by one of the methods it is compared with."""

from gcdr.base.command import arguments, run
from gcdr.refine.labels import make_labels


def main() -> None:
    args = vars(
        arguments(
            __doc__,
            "method",
            "manifest:path",
            "which",
            "samples:path",
            "settings:json",
            "seed:int",
            "device",
            "out:path",
            labels=None,
            prior=None,
            teacher=None,
        )
    )
    make_labels(**args)


if __name__ == "__main__":
    run(main)
