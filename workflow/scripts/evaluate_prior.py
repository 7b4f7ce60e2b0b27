"""Score raw Grad-CAM maps of the test people, and the baselines centre, random and one annotator."""

from gcdr.base.command import arguments, run
from gcdr.evaluation.stages import evaluate_prior


def main() -> None:
    args = vars(
        arguments(
            __doc__,
            "prior:path",
            "samples:path",
            "manifest:path",
            "annotations:path",
            "settings:json",
            "about:json",
            "out:path",
        )
    )
    evaluate_prior(**args)


if __name__ == "__main__":
    run(main)
