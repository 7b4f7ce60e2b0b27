"""Score the rulers beside every table: image centre, a random point, one annotator."""

from gcdr.base.command import arguments, run
from gcdr.evaluation.stages import evaluate_baselines


def main() -> None:
    args = vars(
        arguments(
            __doc__,
            "samples:path",
            "manifest:path",
            "annotations:path",
            "about:json",
            "out:path",
        )
    )
    evaluate_baselines(**args)


if __name__ == "__main__":
    run(main)
