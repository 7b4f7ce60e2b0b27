"""Bring the paper authors' precomputed Grad-CAM maps into a prior store."""

from gcdr.base.command import arguments, run
from gcdr.priors.imported import import_gradcams


def main() -> None:
    args = arguments(
        __doc__, "manifest:path", "pickles:paths", "annotations:paths", "layers:json", "out:path"
    )
    import_gradcams(**vars(args))


if __name__ == "__main__":
    run(main)
