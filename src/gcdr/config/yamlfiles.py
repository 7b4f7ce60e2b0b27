"""Configuration files as YAML: what cannot be read is named with its line, and so are keys that stand twice,
of which YAML would keep the last and say nothing, and numbers that it would read to another base."""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from gcdr.base.errors import InputError
from gcdr.base.plain import JsonTable
from gcdr.base.texts import printable
from gcdr.config.schema import dotted

MOST = 100_000  # values of a file
LONGEST = 20  # parts of a path that are named
NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
SIXTY = re.compile(r"[-+]?[0-9_]+(:[0-9_]+)+(\.[0-9_]*)?")
EIGHT = re.compile(r"[-+]?0[0-7_]*[0-7]_*")
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml where it is there


def read_yaml(path: Path) -> JsonTable:
    """The content of a YAML file that holds a table.

    Raises:
        InputError: the file cannot be read, or is something else; names the line of what is no YAML.
    """
    _read(path, _composed)
    content = _read(path, yaml.load)
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected a table at the top level")
    return content


def check_duplicates(paths: Sequence[Path]) -> None:
    """Check that no table of some configuration files has a key twice, and what :func:`read_yaml` does.

    Raises:
        InputError: names every such key with its file and both lines; or see :func:`read_yaml`.
    """
    problems = [
        f"{path}, line {second}: {dotted(key)} stands in line {first} already; expected it once"
        for path in dict.fromkeys(paths)
        for key, first, second in _twice(_read(path, _composed))
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
        problem = f"{error.problem or error.context}".replace("\n", " ")
        tab = "; a tab stands where blanks are expected" if "\\t" in problem else ""
        raise InputError(f"{path}{where}: no valid YAML ({problem}{tab})") from None
    except yaml.YAMLError as error:
        raise InputError(f"{path}: no valid YAML ({' '.join(str(error).split())})") from None
    except (ValueError, RecursionError) as error:  # a date with 13 months, lists without end
        raise InputError(f"{path}: no valid YAML ({error})") from None


def _composed(text: str, loader: Any) -> yaml.Node | None:
    """The nodes of a text, none of which holds itself, nor more than ``MOST`` when aliases are followed.

    Nor is one a number to another base than it looks: 1:30 is 90 to YAML 1.1, and 010 is 8.

    One after another, not by recursion: lists may lie in one another without end.
    """
    root = yaml.compose(text, loader)
    held: dict[int, int] = {}  # how many nodes a finished one is
    waiting: list[tuple[yaml.Node | None, bool]] = [(root, False)]
    begun: set[int] = set()
    while waiting:
        node, finished = waiting.pop()
        if node is None or id(node) in held:
            continue
        if finished:
            begun.discard(id(node))
            _check_base(node)
            held[id(node)] = 1 + sum(held[id(child)] for child in _inner(node))
            if held[id(node)] > MOST:
                problem = f"more than {MOST:,} values when aliases are followed"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)
            continue
        if id(node) in begun:
            raise yaml.MarkedYAMLError(
                problem="a table or list that holds itself", problem_mark=node.start_mark
            )
        begun.add(id(node))
        waiting.append((node, True))
        waiting += [(child, False) for child in _inner(node)]
    return root


def _check_base(node: yaml.Node) -> None:
    if not isinstance(node, yaml.ScalarNode) or node.tag not in NUMBERS:
        return
    for base, form in ((60, SIXTY), (8, EIGHT)):
        if form.fullmatch(node.value):
            problem = f"found {printable(node.value)}, a number to the base {base}; expected decimal digits"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)


def _inner(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [one for pair in node.value for one in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _twice(root: yaml.Node | None) -> Iterator[tuple[tuple[str | int, ...], int, int]]:
    """Keys that stand twice in their table: path, first and second line from 1; each table once."""
    waiting: list[tuple[yaml.Node | None, tuple[str | int, ...]]] = [(root, ())]
    seen: set[int] = set()
    while waiting:
        node, path = waiting.pop()
        if node is None or id(node) in seen or isinstance(node, yaml.ScalarNode):
            continue
        seen.add(id(node))
        inner: list[tuple[str | int, yaml.Node]] = []
        if isinstance(node, yaml.SequenceNode):
            inner += enumerate(node.value)
        lines: dict[str, int] = {}
        for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
            name, line = str(key.value), key.start_mark.line + 1
            if name in lines and name != "<<":
                yield (*path, name), lines[name], line
            lines.setdefault(name, line)
            inner.append((name, value))
        # A path is for people: of one that is too long the beginning does.
        waiting += [(child, (*path, name)[:LONGEST]) for name, child in reversed(inner)]
