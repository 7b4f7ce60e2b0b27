"""Score where test people look and what is there, as a model says both."""

from gcdr.base.command import arguments, run
from gcdr.evaluation.semantic_stages import evaluate_semantics


def main() -> None:
    files = ("model", "samples", "manifest", "annotated", "annotations", "space", "out")
    paths = [f"{name}:path" for name in files]
    evaluate_semantics(**vars(arguments(__doc__, *paths, "about:json", "device")))


if __name__ == "__main__":
    run(main)
