"""Score raw Grad-CAM maps by overlay and decoder layer, as in the paper's Table S7."""

from gcdr.base.command import arguments, run
from gcdr.report.table_s7 import write_table_s7


def main() -> None:
    args = arguments(
        __doc__,
        "priors:paths",
        "names:texts",
        "samples:path",
        "manifest:path",
        "annotations:path",
        "size:int",
        "csv:path",
        "page:path",
    )
    write_table_s7(**vars(args))


if __name__ == "__main__":
    run(main)
