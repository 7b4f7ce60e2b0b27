"""Put where and what of several models side by side."""

from gcdr.base.command import arguments, run
from gcdr.report.table_semantic import write_table_semantic


def main() -> None:
    write_table_semantic(
        **vars(arguments(__doc__, "rows:json", "csv:path", "page:path", gaze_titles={}))
    )


if __name__ == "__main__":
    run(main)
