"""Score names that an image tower gives what is left of pictures where people look."""

from gcdr.base.command import arguments, run
from gcdr.evaluation.two_stage import evaluate_two_stage


def main() -> None:
    files = (
        *("maps", "images", "samples", "manifest", "annotated", "annotations", "labels"),
        *("space", "tower", "out"),
    )
    paths = [f"{name}:path" for name in files]
    evaluate_two_stage(
        **vars(arguments(__doc__, *paths, "how", "sigma:float", "about:json", "device"))
    )


if __name__ == "__main__":
    run(main)
