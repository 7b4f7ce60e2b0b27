"""Score a store of heatmaps of the test people."""

from gcdr.base.command import arguments, run
from gcdr.evaluation.stages import evaluate_labels


def main() -> None:
    args = vars(
        arguments(
            __doc__,
            "store:path",
            "samples:path",
            "manifest:path",
            "annotations:path",
            "about:json",
            "out:path",
            store_made_by={},
        )
    )
    evaluate_labels(**args)


if __name__ == "__main__":
    run(main)
