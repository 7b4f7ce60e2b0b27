"""How durations, progress and jobs are written on a terminal."""

import re
from collections.abc import Mapping
from pathlib import Path

from gcdr.base.endings import BAD_INPUT, BAR, TROUBLE, without_bars

PURPOSES: dict[str, str] = {}
"""What a job of each rule does, with its wildcards in braces; the workflow fills it in."""

EXCEPTION = re.compile(r"^[A-Za-z_][\w.]*(?:Error|Exception): (?:\[Errno \d+\] )?")
# How Snakemake tells which parameters of a job were others before.
CHANGED = re.compile(r"Params have changed since last execution: .*?before: (.*) now: (.*)", re.S)
CODE = re.compile(r"code of (\w+) [0-9a-f]{12}")
LEAF = re.compile(r'"(\w+)": ("[^"]*"|[-\w.]+)')
USUAL = ("Missing output files", "Input files updated by another job")
TAIL = 4096  # bytes at the end of a log in which a bar is looked for


def purpose(rule: str, wildcards: Mapping[str, str]) -> str:
    """What a job does, in a few words; the rule's name with its wildcards where nothing better is known."""
    try:
        return PURPOSES[rule].format_map(wildcards)
    except KeyError:
        return " ".join([rule, *map(str, wildcards.values())])


def why(reason: str, width: int = 110) -> str:
    """Why a job would run, shortened; empty where its result is not there yet or follows from other jobs."""
    parts = [part for part in reason.split("; ") if not part.startswith(USUAL)]
    said = CHANGED.sub(_changed, "; ".join(parts))
    return said if len(said) <= width else said[: width - 1] + "…"


def _changed(found: re.Match[str]) -> str:
    """Which parameters are others: that of the code by its name, of tables of settings the keys."""
    before, now = (CODE.findall(side) for side in found.groups())
    if before and now:
        return f"the code of {now[0]} has changed"
    old, new = (dict(LEAF.findall(side)) for side in found.groups())
    leaves = [f"{key} {old[key]} → {new[key]}" for key in new if old.get(key, new[key]) != new[key]]
    return "settings have changed" + (f" ({', '.join(leaves)})" if leaves else "")


def duration(seconds: float) -> str:
    """``0:07``, ``12:30`` or ``3:05:00``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def about(seconds: float) -> str:
    """A duration that is only guessed: ``under a minute``, ``about 4 min``, ``about 2 h 10 min``."""
    if seconds < 50:
        return "under a minute"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"about {minutes} min"
    hours, minutes = divmod(round(minutes, -1), 60)
    return f"about {hours} h {minutes} min" if minutes else f"about {hours} h"


def bar_of(log: str | Path) -> str | None:
    """How far the job that writes a log has come: its last progress bar in words; None without one."""
    try:
        with open(log, "rb") as handle:
            handle.seek(max(0, handle.seek(0, 2) - TAIL))
            found = BAR.findall(handle.read().decode(errors="replace"))
    except OSError:
        return None
    if not found:
        return None
    what, percent, done, total, left, rate = found[-1]
    pace = "" if "?" in rate + left else f", {rate}, {left.removeprefix('0')} left"
    return f"{what.strip()} {done}/{total} ({percent} %){pace}"


def end_of_traceback(text: str) -> str:
    """What an exception says, where its traceback shows nothing but how Snakemake read its arguments.

    One that came through our own code is a mistake of ours, and is shown whole.
    """
    if any(place in text for place in ("/gcdr/", "/workflow/rules/", "Snakefile")):
        return text
    lines = text.rstrip().splitlines()
    first = max((n for n, line in enumerate(lines) if EXCEPTION.match(line)), default=None)
    return text if first is None else EXCEPTION.sub("", "\n".join(lines[first:]))


def text_of(log: str | Path) -> str:
    """What a log says; nothing where there is none."""
    try:
        return Path(log).read_text(errors="replace")
    except OSError:
        return ""


def last_words(log: str | Path, lines: int = 20) -> list[str]:
    """The end of a log without its progress bars; of a clear message, or of Ctrl-C, that alone."""
    said = without_bars(text_of(log))
    if said and said[-1] == "KeyboardInterrupt":  # Ctrl-C, before the job could answer it
        return ["stopped by SIGINT"]
    clear = [number for number, line in enumerate(said) if line.startswith((BAD_INPUT, TROUBLE))]
    return said[clear[-1] :] if clear else said[-lines:]
