"""The table of results that labs have sent: ``python -m gcdr.verification.collected docs/submissions``."""

import sys
from collections.abc import Sequence
from pathlib import Path

from gcdr.verification.submission import read_submission

NONE = "None yet."
HEADER = (
    "| file | result | test people | published | measured (95 % interval) | agrees | computed on |"
)


def collected(files: Sequence[Path]) -> str:
    """A Markdown table of files of :func:`gcdr.verification.submission.submission`, a line a metric.

    Raises:
        InputError: one of them is none.
    """
    if not files:
        return NONE
    lines = [HEADER, f"|{' --- |' * (HEADER.count('|') - 1)}"]
    for file in sorted(files):
        content = read_submission(file)
        result, device = content["result"], content["hardware"]["device"]
        title = f"{result['title']} on {result['dataset']}"
        people = f"{result['people']:,} of {result['of']:,}"
        for name, one in result["metrics"].items():
            measured = f"{one['measured']:.4f} ({one['low']:.4f} to {one['high']:.4f})"
            cells = [
                file.name, f"{title}, {name}", people, f"{one['published']:.3f}", measured,
                "yes" if one["agrees"] else "no", device,
            ]  # fmt: skip
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(collected([*Path(sys.argv[1]).glob("*.json")]))
