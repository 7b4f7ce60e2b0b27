"""Overlays of own images."""

from gcdr.base.command import arguments, run
from gcdr.report.pages import write_gallery


def main() -> None:
    args = vars(
        arguments(
            __doc__,
            "manifest:path",
            "images:path",
            "bodies:path",
            "prior:path",
            "refined:path",
            "predicted:path",
            "layer:int",
            "notice",
            "out:path",
            prior_made_by={},
        )
    )
    write_gallery(**args)


if __name__ == "__main__":
    run(main)
