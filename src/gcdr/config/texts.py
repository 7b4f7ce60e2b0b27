"""Which texts a configuration may hold: those that reach a job as they are."""

import unicodedata
from collections.abc import Iterator

from gcdr.base.errors import InputError
from gcdr.config.schema import dotted, show

FREE = frozenset({"notice", "questions"})  # keys of texts that are neither a name nor a path
Key = tuple[str | int, ...]  # as gcdr.config.schema.dotted takes it


def check_texts(config: dict) -> None:
    """Refuse texts that could not be a file's name in a rule; all others reach the jobs as they are.

    Snakemake takes braces in a path for a wildcard. A line break or another control character in a name is
    always a slip (an escape or a block of YAML that was not meant), and breaks listings of files.

    Args:
        config: the configuration.

    Raises:
        InputError: names each key whose value, or whose own name, does not do, and what is wrong with it.
    """
    problems = [
        f"{_on_one_line(dotted(key))}: found {show(text)}, expected a text without {wrong}"
        for key, text in _texts(config)
        if (wrong := unfit(text, free=bool(FREE.intersection(key))))
    ]
    if problems:
        raise InputError("\n  ".join([f"configuration: {len(problems)} problem(s)", *problems]))


def unfit(text: str, free: bool = False) -> str:
    """What is in a text that a path cannot have, in words; empty where there is nothing.

    Args:
        text: a path, a name or an address.
        free: whether it is for people to read; it then may have braces and line breaks.
    """
    if text == "--":
        return "two dashes alone, which end a command's options"
    kinds = {unicodedata.category(one) for one in text if not (free and one in "\n\t")}
    if "Cs" in kinds:
        return "half a pair of surrogates"
    if "Cc" in kinds:
        return "line breaks or other control characters"
    return "braces" if not free and {"{", "}"} & set(text) else ""


def _texts(value: object, key: Key = ()) -> Iterator[tuple[Key, str]]:
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield (*key, name), str(name)
            yield from _texts(inner, (*key, name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _texts(inner, (*key, number))


def _on_one_line(text: str) -> str:
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)
