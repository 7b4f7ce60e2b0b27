"""Score a gaze model on the test people."""

from gcdr.base.command import arguments, run
from gcdr.evaluation.stages import evaluate_model
from gcdr.refine.options import MapSettings


def main() -> None:
    args = vars(
        arguments(
            __doc__,
            "model:path",
            "samples:path",
            "manifest:path",
            "annotations:path",
            "about:json",
            "device",
            "out:path",
            settings=MapSettings,
            prior=None,
            prior_made_by={},
        )
    )
    evaluate_model(**args)


if __name__ == "__main__":
    run(main)
