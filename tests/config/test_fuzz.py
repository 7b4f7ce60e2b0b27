"""Every leaf of the schema against what is senseless there; which that is stands in ``senseless.py``."""

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from senseless import NAMES, NO_REFERENCES, PAIRS, example, senseless

from gcdr.base.errors import InputError
from gcdr.config.checked import SCHEMA, check_values, lay_over, read_config
from gcdr.config.generated import read_schema
from gcdr.config.schema import dotted, read_values, validate_config

ROOT = Path(__file__).parents[2]
SMOKE = read_config([ROOT / "config.yaml", ROOT / "configs/smoke.yaml"])
WHOLE = read_schema(ROOT / SCHEMA)
SECTIONS = WHOLE["properties"]
SCALARS = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}

Keys = tuple[str | int, ...]
Leaf = tuple[Keys, dict[str, Any], Callable[[Any], Any]]


def leaves(schema: dict[str, Any], others: frozenset[str] = frozenset()) -> Iterator[Leaf]:
    """Every leaf, list and table of a schema: its keys, its schema, and what stands around a value of it.

    Args:
        schema: without references.
        others: types of the alternatives to it, under which a value may be right.
    """
    parts = [*schema.get("oneOf", []), *schema.get("anyOf", [])]
    for part in parts:
        types = (one.get("type", "object") for one in parts if one is not part)
        yield from leaves(
            part,
            frozenset(name for one in types for name in ([one] if isinstance(one, str) else one)),
        )
    if parts:
        return
    about = {**schema, "others": others}
    yield (), about, lambda value: value
    if schema.get("type") == "array" and "properties" in _one(schema["items"]):
        for keys, leaf, around in leaves(schema["items"]):
            yield (0, *keys), leaf, lambda value, around=around: [around(value)]
    for key, part in _children(schema):
        for keys, leaf, around in leaves(part):
            yield (
                (key, *keys),
                leaf,
                lambda value, key=key, around=around: {**example(schema), key: around(value)},
            )


def _one(schema: dict[str, Any]) -> dict[str, Any]:
    return next((part for part in schema.get("oneOf", []) if "properties" in part), schema)


def _children(schema: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    named = "5" if "default" in schema.get("properties", {}) else "fuzz"
    others = [*schema.get("patternProperties", {}).values(), schema.get("additionalProperties")]
    return [
        *schema.get("properties", {}).items(),
        *((named, part) for part in others if isinstance(part, dict)),
    ]


def _kind(leaf: dict[str, Any]) -> str:
    return json.dumps({**leaf, "others": sorted(leaf["others"]), "description": ""}, sort_keys=True)


ALL = [(section, *leaf) for section, part in SECTIONS.items() for leaf in leaves(part)]
FIRST = {_kind(leaf): (section, *keys) for section, keys, leaf, _ in reversed(ALL)}


def type_of(value: Any) -> str:
    return SCALARS.get(type(value), "array" if isinstance(value, list) else "object")


def refuse(section: str, keys: Keys, value: Any) -> str:
    """What is said of a section; nothing if it is accepted."""
    schema = {"type": "object", "properties": {section: SECTIONS[section]}}
    config = {section: value}
    try:
        read_values(config, schema)
        validate_config(config, schema)
    except InputError as error:
        _, *lines = str(error).splitlines()
        name = dotted((section, *keys))
        for line in lines:
            told = line.strip()
            at = told.split(":")[0]
            near = at.startswith(name) or name.startswith(at) or told.startswith("and ")
            assert near and len(line) < 1000 and line.isprintable(), (name, line)
        assert 1 <= len(lines) <= 31
        return str(error)
    return ""


@pytest.mark.parametrize("section", SECTIONS)
@pytest.mark.slow
def test_no_leaf_takes_what_is_senseless(section: str) -> None:
    """A leaf that stands in several places is tried with all values in one, and with a few elsewhere."""
    accepted, tried = [], 0
    for of, keys, leaf, around in ALL:
        if of != section or ("const" in leaf and keys[-1] != "kind"):
            continue
        assert not refuse(section, keys, around(example(leaf))), keys
        values = [value for value in senseless(leaf) if type_of(value) not in leaf["others"]]
        for value in values if FIRST[_kind(leaf)] == (of, *keys) else values[:: len(values) // 3]:
            tried += 1
            if not refuse(section, keys, copy.deepcopy(around(value))):
                accepted.append((dotted((section, *keys)), value))
    assert tried and not accepted, accepted[:20]


def test_every_leaf_has_type_bounds_and_meaning() -> None:
    for section, keys, leaf, _ in ALL:
        name = dotted((section, *keys))
        if "const" in leaf or "enum" in leaf:
            continue
        types = leaf["type"] if isinstance(leaf["type"], list) else [leaf["type"]]
        if {"integer", "number"} & set(types):
            assert {"minimum", "exclusiveMinimum"} & set(leaf), name
            assert {"maximum", "exclusiveMaximum"} & set(leaf), name
        if "string" in types:
            assert "format" in leaf, name
        if "array" in types:
            assert "maxItems" in leaf, name


@pytest.mark.parametrize("section", ["datasets", "studies", "priors"])
def test_no_table_takes_a_name_that_leads_elsewhere(section: str) -> None:
    entry = next(iter(_children(SECTIONS[section])))[1]
    taken = [
        name
        for name in NAMES
        if not refuse(section, (), {name: example(entry), "good": example(entry)})
    ]
    assert not taken


def said(overlay: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """What is said of the smoke configuration with an overlay; nothing if it is accepted."""
    monkeypatch.chdir(ROOT)
    config = copy.deepcopy(SMOKE)
    lay_over(config, yaml.safe_load(overlay))
    try:
        check_values(config, WHOLE)
    except InputError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(("overlay", "key"), PAIRS)
def test_what_is_senseless_together_is_named(
    overlay: str, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [line.strip() for line in said(overlay, monkeypatch).splitlines()[1:]]
    assert any(line.startswith((f"{key}:", f"{key}.", f"{key},")) for line in lines), lines
    assert all(len(line) < 1000 for line in lines)


MENTIONS = [
    "prior: {}", "report: {{studies: [{}]}}", "report: {{methods: [{}]}}", "galleries: [{}]",
    "report: {{methods: [{{method: {}}}]}}", "report: {{methods: [{{method: vat, gaze: {}}}]}}",
    "report: {{methods: [{{method: gcdr, prior: {}}}]}}", "gaze: {{model: {}}}",
    "gaze: {{models: {{vat: {{kind: {}}}}}}}", "gaze: {{models: {{vat: {{size: {}}}}}}}",
    "studies: {{smoke: {{dataset: {}}}}}", "studies: {{smoke: {{prior: {}}}}}",
    "studies: {{smoke: {{teacher: {}}}}}",
    "studies: {{smoke: {{pretrained: {{{}: assets/world/backbone}}}}}}",
    "studies: {{smoke: {{init: {{study: {}, model: vat}}}}}}",
    "studies: {{smoke: {{init: {{study: demo, model: {}}}}}}}", "diffusion: {{init: {}}}",
    "priors: {{x: {{kind: points, tables: {{{}: config.yaml}}}}}}",
]  # fmt: skip


@pytest.mark.parametrize("mention", MENTIONS)
def test_a_name_of_nothing_is_refused(mention: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NO_REFERENCES:
        lines = said(mention.format(f"'{name}'"), monkeypatch).splitlines()[1:]
        null = name == "null" and "init: {}" in mention  # null is right there
        assert bool(lines) is not null, name
        assert all(len(line) < 1000 for line in lines)


def test_what_is_at_its_bounds_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    for overlay in (
        "refine: {timestep: 499}",
        "refine: {timestep: 5e2, sampler: consistent}\nreport: {methods: [vat, gcdr]}",
        "refine: {timestep: 1000.0}\ndiffusion: {timesteps: 1001}",
        "gaze: {models: {vat: {init: 'null'}}}",
        f"report: {{name: {'a' * 64}}}",
        "report: {methods: [vat], student_timesteps: []}\ngaze: {recipe: {batch: 4}}",
        "heatmap: {sigma: 16}",
        "report: {name: Smoke}",  # a report may be called as a study is
        "report: {name: console.null-1}",
    ):
        assert not said(overlay, monkeypatch), overlay
