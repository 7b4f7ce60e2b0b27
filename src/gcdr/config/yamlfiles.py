"""Configuration files as YAML: what cannot be read is named with its line, and so are keys that stand twice,
of which YAML would keep the last and say nothing."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from gcdr.base.errors import InputError
from gcdr.base.plain import JsonTable
from gcdr.config.schema import dotted

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml where it is there


def read_table(path: Path) -> JsonTable:
    """The content of a YAML file that holds a table.

    Raises:
        InputError: the file cannot be read, or is something else; names the line of what is no YAML.
    """
    content = _read(path, yaml.load)
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected a table at the top level")
    return content


def check_duplicates(paths: Sequence[Path]) -> None:
    """Check that no table of some configuration files has a key twice.

    Raises:
        InputError: names every such key with its file and both lines; or see :func:`read_table`.
    """
    problems = [
        f"{path}, line {second}: {dotted(key)} stands in line {first} already; expected it once"
        for path in dict.fromkeys(paths)
        for key, first, second in _twice(_read(path, yaml.compose), ())
    ]
    if problems:
        raise InputError(
            "\n  ".join(["configuration: keys that stand twice in a table", *problems])
        )


def _read(path: Path, reader: Callable[[str, Any], Any]) -> Any:
    try:
        return reader(path.read_text(encoding="utf-8-sig"), LOADER)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: found bytes that are no UTF-8, expected YAML") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        said = f"{error.problem or error.context}".replace("\n", " ")
        tab = "; a tab stands where blanks are expected" if "\\t" in said else ""
        raise InputError(f"{path}{where}: no valid YAML ({said}{tab})") from None
    except yaml.YAMLError as error:
        raise InputError(f"{path}: no valid YAML ({' '.join(str(error).split())})") from None
    except (ValueError, RecursionError) as error:  # a date with 13 months, lists without end
        raise InputError(f"{path}: no valid YAML ({error})") from None


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
