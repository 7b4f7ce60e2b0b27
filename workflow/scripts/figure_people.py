"""What a model says of everybody in pictures, and what a second stage is shown."""

from gcdr.base.command import arguments, run
from gcdr.report.semantic_figures import write_people_figures


def main() -> None:
    files = (
        "model",
        "maps",
        "samples",
        "shown",
        "images",
        "manifest",
        "annotated",
        "annotations",
        "space",
    )
    paths = [f"{name}:path" for name in files]
    write_people_figures(
        **vars(arguments(__doc__, *paths, "seen_by", "people:paths", "stages:paths"))
    )


if __name__ == "__main__":
    run(main)
