"""Checking a configuration against its schema, with messages for people.

The schema is JSON Schema, draft 2020-12. Snakemake can validate too, but stops at the first
problem and prints the schema; here every problem is named at once, with what would be right.
"""

import difflib
import json
import re
from collections.abc import Iterator
from typing import Any

from jsonschema.exceptions import ValidationError

from gcdr.base.errors import InputError
from gcdr.base.jsonconfig import LIMITS
from gcdr.base.plain import Config, JsonTable
from gcdr.base.texts import FORMATS, NAME, SHARE, printable
from gcdr.config.strict import StrictValidator, check_plain, spelt
from gcdr.data.split_name import CHOSEN, OWN

Schema = JsonTable
Path = tuple[str | int, ...]
KeyProblem = tuple[Path, str]

MOST_LINES = 30
"""Problems that are named; a list of a thousand wrong entries says no more than its first."""

KEY_NAMES = {NAME: FORMATS["name"].words, SHARE: "label shares, 1 to 100"}

TYPE_NAMES = {
    "integer": "an integer",
    "number": "a number",
    "string": "a text",
    "boolean": "true or false",
    "null": "null",
    "array": "a list",
    "object": "a table",
}


def validate_config(config: dict, schema: Schema) -> None:
    """Check ``config`` against ``schema``.

    Args:
        config: the whole configuration as read from YAML.
        schema: JSON Schema of it (draft 2020-12) without references (:func:`inline_references`).

    Raises:
        InputError: names every problem, one a line, sorted by the dotted path of its key: unknown
            keys with those allowed there, missing keys, and wrong values with what is expected.
    """
    problems = _all_problems(config, schema)
    if problems:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        lines = sorted(f"{dotted(path)}: {message}" for path, message in problems)
        if len(lines) > MOST_LINES:
            lines[MOST_LINES:] = [f"and {len(lines) - MOST_LINES} more"]
        raise InputError("\n  ".join([f"configuration: {count}", *lines]))


def read_values(config: dict, schema: Schema) -> None:
    """Turn, in place, values that ``schema`` refuses into what they spell: the only place that does.

    Snakemake hands on as text what stands within braces on its command line, as the 100 of
    ``--config 'refine={timestep: 100}'`` or a null; 1e-4 without a point is text to YAML, and a whole
    number may be written as 1e3 or 1000.0. What follows sees an integer, a number, true, false or null.

    Args:
        config: the whole configuration.
        schema: as for :func:`validate_config`.

    Raises:
        InputError: see :func:`gcdr.config.strict.check_plain`.
    """
    check_plain(config)
    for path, _ in _all_problems(config, schema):
        table = config
        try:
            for key in path[:-1]:
                table = table[key]
            table[path[-1]] = spelt(table[path[-1]])
        except (KeyError, IndexError, TypeError):
            continue  # the problem is a key, or one that is missing


def _all_problems(config: dict, schema: Schema) -> set[KeyProblem]:
    problems = set(_keys_not_text(config))
    for error in StrictValidator(schema, format_checker=StrictValidator.FORMAT_CHECKER).iter_errors(
        _with_text_keys(config)
    ):
        problems.update(_problems(error))
    return problems


def first_study(config: Config) -> str:
    """The study that a report names first, or the first that there is."""
    return str(next(iter(config["report"]["studies"] or config["studies"])))


def study_share(config: Config, study: str | None) -> int | str:
    """Labelled share in per cent of a study, its own or ``split.share``, :data:`OWN` or :data:`CHOSEN`."""
    about = config["studies"].get(study, {})
    if "labels" in about:
        return CHOSEN
    share = about.get("share", config["split"]["share"])
    return OWN if share is None else share


def study_timestep(config: Config, study: str | None, share: int | str) -> int | str:
    """How far a study noises maps at a label share: its own ``timestep``, or ``refine.timestep``."""
    own = config["studies"].get(study, {}).get("timestep")
    return by_share(config["refine"]["timestep"], share) if own is None else own


def by_share(setting: Any, share: int | str) -> Any:
    """A setting with every table by label share, ``{"5": 200, default: 250}``, replaced by its entry.

    Args:
        setting: plain values, lists and tables; a table with a key ``default`` is one by share.
        share: labelled share in per cent, or :data:`OWN` or :data:`CHOSEN`, for which no table has an entry
            of its own.
    """
    if isinstance(setting, dict):
        if "default" in setting:
            return setting.get(str(share), setting["default"])
        return {key: by_share(value, share) for key, value in setting.items()}
    return setting


def alternatives(setting: Any) -> list[Any]:
    """All values that a setting may take: the entries of a table by label share, or itself."""
    return list(setting.values()) if isinstance(setting, dict) else [setting]


def dotted(path: Path) -> str:
    """A key's full name: ``("a", "b", 0)`` is ``a.b[0]``; the root is ``(top level)``."""
    name = "".join(f"[{part}]" if isinstance(part, int) else f".{printable(part)}" for part in path)
    return name.removeprefix(".") or "(top level)"


def inline_references(schema: Any, root: Any = None) -> Any:
    """A copy of ``schema`` in which each ``$ref`` to a part of itself is replaced by that part.

    Keys beside a ``$ref`` (a description, say) outrank those of the part referred to.
    """
    root = schema if root is None else root
    if isinstance(schema, list):
        return [inline_references(item, root) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if isinstance(schema.get("$ref"), str):
        target = root
        for part in schema["$ref"].removeprefix("#").strip("/").split("/"):
            target = target[part] if part else target
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        return inline_references({**target, **beside}, root)
    return {key: inline_references(value, root) for key, value in schema.items()}


def describe_values(schema: Schema) -> str:
    """What values a schema without references allows, in words: ``an integer from 1 to 500``."""
    if "const" in schema:
        return show_value(schema["const"])
    if "enum" in schema:
        return "one of " + ", ".join(show_value(value) for value in schema["enum"])
    for choice in ("oneOf", "anyOf"):
        if choice in schema:
            return ", or ".join(describe_values(option) for option in schema[choice])
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    return " or ".join(_describe_type(name, schema) for name in types) or "any value"


def show_value(value: Any) -> str:
    """A value as it would be written in the file, shortened if it is long."""
    try:
        return printable(json.dumps(value, ensure_ascii=False, default=str))
    except TypeError:  # a table whose keys are no texts
        return printable(repr(value))


def _describe_type(name: str, schema: Schema) -> str:
    text = TYPE_NAMES[name]
    if name in ("integer", "number"):
        return text + _bounds(schema)
    if name == "string":
        return FORMATS[schema["format"]].words if "format" in schema else text
    if name == "array":
        text = f"{text} of " + (f"{least} or more: " if (least := schema.get("minItems")) else "")
        return text + (describe_values(schema["items"]) if "items" in schema else "values")
    if name == "object" and schema.get("patternProperties"):
        keys = "label shares" if SHARE in schema["patternProperties"] else "names"
        options = (describe_values(option) for option in schema["patternProperties"].values())
        return f"{text} of {keys}, each with {', or '.join(options)}"
    return text


def _bounds(schema: Schema) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if low is not None and high is not None:
        return f" from {low} to {high}"
    parts = [
        f"{word} {bound}"
        for word, bound in (
            ("at least", low),
            ("above", above),
            ("at most", high),
            ("below", below),
            ("a multiple of", schema.get("multipleOf")),
        )
        if bound is not None
    ]
    return " " + " and ".join(parts) if parts else ""


def _problems(error: ValidationError, parent: Path = ()) -> Iterator[KeyProblem]:
    """Problems behind one error of the validator, which may be a choice with errors beneath."""
    path = parent + tuple(error.path)
    found = error.instance
    if error.validator == "additionalProperties" and isinstance(found, dict):
        yield from _unknown_keys(error.schema, found, path)
    elif error.validator == "required":
        for key in error.validator_value:
            if key not in found:
                expected = describe_values(error.schema.get("properties", {}).get(key, {}))
                yield (*path, key), f"missing, expected {expected}"
    elif error.validator in ("oneOf", "anyOf"):
        yield from _choice(error, path)
    else:
        yield path, _wrong_value(error)


def _unknown_keys(schema: Schema, found: dict, path: Path) -> Iterator[KeyProblem]:
    known = list(schema.get("properties", {}))
    patterns = list(schema.get("patternProperties", {}))
    allowed = [*known, *(KEY_NAMES.get(one, f"names that match {one}") for one in patterns)]
    for key in found:
        if key in known or any(re.search(pattern, key) for pattern in patterns):
            continue
        near = difflib.get_close_matches(key, known, n=1)
        hint = f", did you mean {near[0]}?" if near else "."
        yield (*path, key), f"unknown key{hint} Allowed here: {', '.join(allowed) or 'nothing'}"


def _choice(error: ValidationError, path: Path) -> Iterator[KeyProblem]:
    """Of several alternatives: the errors within the one that was meant, if that can be told."""
    branches: dict[int, list[ValidationError]] = {}
    for inner in error.context:
        branches.setdefault(inner.schema_path[0], []).append(inner)
    # An alternative was not meant if the value itself is of another type, a key that tells the
    # alternatives apart (a constant) has another value, or it holds what only others may hold.
    meant = [
        errors
        for errors in branches.values()
        if not any(
            (inner.validator == "type" and not inner.path) or inner.validator in ("const", "not")
            for inner in errors
        )
    ]
    kinds = _kinds(error.schema)
    if len(meant) == 1:
        for inner in meant[0]:
            yield from _problems(inner, path)
    elif kinds and isinstance(error.instance, dict):
        key, names = kinds
        found = f"found {show_value(error.instance[key])}" if key in error.instance else "missing"
        yield (*path, key), f"{found}, expected one of {', '.join(map(show_value, names))}"
    else:
        yield path, _wrong_value(error)


def _kinds(schema: Schema) -> tuple[str, list[Any]] | None:
    """The key that tells alternatives apart, and its values; None if there is no such key."""
    consts = [
        {
            key: part["const"]
            for key, part in option.get("properties", {}).items()
            if "const" in part
        }
        for option in [*schema.get("oneOf", []), *schema.get("anyOf", [])]
    ]
    shared = set.intersection(*map(set, consts)) if consts else set()
    return next(((key, [one[key] for one in consts]) for key in sorted(shared)), None)


def _wrong_value(error: ValidationError) -> str:
    found, expected = error.instance, describe_values(error.schema)
    if error.validator in ("minItems", "maxItems", "minProperties", "uniqueItems"):
        expected = LIMITS[error.validator][0].format(error.validator_value)
    return f"found {show_value(found)}, expected {expected}"


def _keys_not_text(value: Any, path: Path = ()) -> Iterator[KeyProblem]:
    items = value.items() if isinstance(value, dict) else ()
    items = enumerate(value) if isinstance(value, list) else items
    for key, inner in items:
        if isinstance(value, dict) and not isinstance(key, str):
            yield (*path, str(key)), f'a key must be text, write it in quotes: "{key}"'
        yield from _keys_not_text(inner, (*path, key if isinstance(value, list) else str(key)))


def _with_text_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _with_text_keys(inner) for key, inner in value.items()}
    return [_with_text_keys(inner) for inner in value] if isinstance(value, list) else value
