"""Score names that no gaze model says: random ones, the most frequent one, or a VQA model's answers."""

from gcdr.base.command import arguments, run
from gcdr.evaluation.semantic_stages import evaluate_guesses


def main() -> None:
    files = ("samples", "manifest", "annotated", "annotations", "labels", "space", "out")
    paths = [f"{name}:path" for name in files]
    evaluate_guesses(**vars(arguments(__doc__, *paths, "guess", "about:json", named=None)))


if __name__ == "__main__":
    run(main)
