"""What a run says on the terminal when it has ended well: the results that were asked for, no others."""

from collections.abc import Iterable
from pathlib import Path

OPENED = (".html", ".md", ".svg", ".png", ".pdf", ".csv")
"""Endings of files that people open."""

SUMMARY, ADVICE, REPORT = "summary.txt", "label_advice.md", "report.html"
"""Names of files whose text is short enough for a terminal, and of the page that has the first of them."""


def closing_lines(made: Iterable[str]) -> list[str]:
    """What is said of files that a run was asked for, as far as they are there.

    Args:
        made: their paths.

    Returns:
        the tables of a report and the sentences of advice, then where each file is that people open; of a
        table in several formats one.
    """
    files = [path for path in map(Path, dict.fromkeys(made)) if path.is_file()]
    texts = {path.with_name("tables") / SUMMARY for path in files if path.name == REPORT}
    texts |= {path for path in files if path.name == SUMMARY}
    said = [path.read_text() for path in sorted(texts) if path.is_file()]
    said += [advice_sentences(path.read_text()) for path in files if path.name == ADVICE]
    pages = {path.with_suffix("") for path in files if path.suffix == ".md"}
    said += [
        f"Open {path}"
        for path in files
        if path.suffix in OPENED and not (path.suffix == ".csv" and path.with_suffix("") in pages)
    ]
    return said


def suggestion_line(study: str, split: str) -> str:
    """How the list of whom to label next is made in a study, whose split lies in a folder."""
    return f"Whom to label next: gcdr suggest 50 {split} --out next-{study}.csv"


def advice_sentences(page: str) -> str:
    """The first list of a page of advice, before its table."""
    lines = page.splitlines()
    first = next((i for i, line in enumerate(lines) if line.startswith("- ")), 0)
    last = next((i for i, line in enumerate(lines) if line.startswith("|")), len(lines))
    return "\n".join(lines[first:last]).rstrip() + "\n"
