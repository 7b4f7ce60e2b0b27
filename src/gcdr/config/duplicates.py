"""Keys that stand twice in one table of a configuration file: YAML would keep the last and say nothing."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from gcdr.base.errors import InputError
from gcdr.config.schema import dotted


def check_duplicates(paths: Sequence[Path]) -> None:
    """Check that no table of some configuration files has a key twice.

    Files that are not there or no YAML are left to who reads them.

    Raises:
        InputError: names every such key with its file and both lines.
    """
    problems = [line for path in dict.fromkeys(paths) for line in _of_file(path)]
    if problems:
        raise InputError(
            "\n  ".join(["configuration: keys that stand twice in a table", *problems])
        )


def _of_file(path: Path) -> list[str]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), loader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return []
    return [
        f"{path}, line {second}: {dotted(key)} stands in line {first} already; expected it once"
        for key, first, second in _twice(root, ())
    ]


def _twice(
    node: yaml.Node | None, path: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], int, int]]:
    """Keys below a node that stand twice in their table: path, first and second line from 1."""
    if isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            yield from _twice(item, (*path, number))
    if not isinstance(node, yaml.MappingNode):
        return
    lines: dict[str, int] = {}
    for key, value in node.value:
        name, line = str(key.value), key.start_mark.line + 1
        if name in lines and name != "<<":
            yield (*path, name), lines[name], line
        lines.setdefault(name, line)
        yield from _twice(value, (*path, name))
