"""Score raw maps of a prior on the test people."""

from gcdr.base.command import arguments, run
from gcdr.evaluation.stages import evaluate_prior
from gcdr.refine.options import MapSettings


def main() -> None:
    args = vars(
        arguments(
            __doc__,
            "prior:path",
            "samples:path",
            "manifest:path",
            "annotations:path",
            "about:json",
            "out:path",
            settings=MapSettings,
            prior_made_by={},
        )
    )
    evaluate_prior(**args)


if __name__ == "__main__":
    run(main)
