"""Options of a script's command line, for rules whose options differ from job to job."""

from collections.abc import Sequence
from pathlib import Path


def options(**values: str | Path | int | Sequence[str | Path] | None) -> list[str]:
    """Options of a script's command line, one element each; quoting is left to who joins them.

    Args:
        values: by name; of several values each gets an option of its own. What is None or empty is left out.

    Returns:
        ``--name=value`` in the order of ``values``, also for values that begin with a dash.
    """
    made = []
    for name, value in values.items():
        several = [value] if isinstance(value, str | Path | int) else value or []
        made += [f"--{name.replace('_', '-')}={one}" for one in several if one != ""]
    return made
