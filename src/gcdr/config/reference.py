"""The reference page of the configuration, made from its schema.

``python -m gcdr.config.reference`` writes it; with ``--check`` it only says whether it is up to date.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from gcdr.base.errors import InputError
from gcdr.base.files import atomic
from gcdr.base.plain import JsonTable
from gcdr.config.generated import read_schema
from gcdr.config.schema import Schema, describe_values, inline_references, show_value
from gcdr.config.yamlfiles import read_yaml

NAME = "<name>"
NOTICE = (
    "<!-- Made from the schema by `python -m gcdr.config.reference`; edit the schema instead. -->"
)
HEADER = "| key | value | default | meaning |\n| --- | --- | --- | --- |"


class KeyRow(NamedTuple):
    """One key: dotted path, allowed values in words, default (empty if none), description."""

    path: str
    value: str
    default: str
    meaning: str


def reference_page(schema: Schema, defaults: JsonTable) -> str:
    """The Markdown page that lists every key.

    Args:
        schema: JSON Schema of the configuration; ``$ref`` only within itself and not recursive.
        defaults: the default configuration; a key that it lacks shows the schema's ``default``.

    Returns:
        A page with one section for each table at the top level, and one for the single keys.
    """
    schema = inline_references(schema)
    properties = schema.get("properties", {})
    tables = {key: part for key, part in properties.items() if _children(part)}
    single = {key: part for key, part in properties.items() if key not in tables}
    parts = [NOTICE, f"# {schema.get('title', 'Configuration')}", _text(schema)]
    if single:
        rows = [_row(key, part, defaults.get(key, ...)) for key, part in single.items()]
        parts += ["## Single keys", _table(rows)]
    for key, part in tables.items():
        rows = list(_rows(part, key, defaults.get(key, ...)))
        parts += [f"## {key}", _text(part), _table(rows)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _rows(schema: Schema, path: str, default: Any) -> Iterator[KeyRow]:
    """Rows of everything beneath a table, in the order of the schema."""
    for name, part in _children(schema):
        inner = default.get(name, ...) if isinstance(default, dict) else ...
        inner_path = f"{path}.{name}" if name else path
        if name or part.get("description"):
            yield _row(inner_path, part, inner if name else ...)
        yield from _rows(part, inner_path, inner if name else default)


def _children(schema: Schema) -> list[tuple[str, Schema]]:
    """Named parts of a table; an alternative that is a table itself comes with an empty name."""
    alternatives = [*schema.get("oneOf", []), *schema.get("anyOf", [])]
    return [
        *schema.get("properties", {}).items(),
        *((NAME, part) for part in schema.get("patternProperties", {}).values()),
        *(("", part) for part in alternatives if "properties" in part),
    ]


def _row(path: str, schema: Schema, default: Any) -> KeyRow:
    if default is ...:
        default = schema.get("default", ...)
    is_table = bool(_children(schema))
    shown = "" if default is ... or is_table else f"`{show_value(default)}`"
    value = "a table" if is_table and "properties" in schema else describe_values(schema)
    return KeyRow(path, value, shown, _text(schema))


def _text(schema: Schema) -> str:
    return " ".join(str(schema.get("description", "")).split())


def _table(rows: Sequence[KeyRow]) -> str:
    lines = [HEADER]
    for row in rows:
        cells = (f"`{row.path}`", row.value, row.default, row.meaning)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page, or check it; 0 if all is well, 1 if it is out of date, 2 on bad input."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--schema", type=Path, default=Path("workflow/schemas/config.schema.yaml"))
    parser.add_argument("--config", type=Path, default=Path("config.yaml"), help="the defaults")
    parser.add_argument("--output", type=Path, default=Path("docs/configuration.md"))
    parser.add_argument("--check", action="store_true", help="write nothing; fail if out of date")
    options = parser.parse_args(arguments)
    try:
        page = reference_page(read_schema(options.schema), read_yaml(options.config))
        if not options.check:
            with atomic(options.output) as temporary:
                temporary.write_text(page, encoding="utf-8")
        elif not options.output.is_file() or options.output.read_text(encoding="utf-8") != page:
            print(
                f"{options.output}: out of date, run: python -m gcdr.config.reference",
                file=sys.stderr,
            )
            return 1
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
