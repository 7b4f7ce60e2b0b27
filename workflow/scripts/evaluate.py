"""Score a gaze model on the test people."""

from gcdr.base.command import arguments, run
from gcdr.evaluation.stages import evaluate_model


def main() -> None:
    args = vars(
        arguments(
            __doc__,
            "model:path",
            "samples:path",
            "manifest:path",
            "annotations:path",
            "settings:json",
            "about:json",
            "device",
            "out:path",
            prior=None,
        )
    )
    evaluate_model(**args)


if __name__ == "__main__":
    run(main)
