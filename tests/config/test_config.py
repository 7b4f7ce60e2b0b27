"""Messages of the configuration check."""

import copy

import pytest

from gcdr.base.errors import InputError
from gcdr.config.schema import describe, inline_references, read_texts, validate_config

SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["device", "refine"],
    "properties": {
        "device": {"enum": ["auto", "cpu", "cuda"]},
        "shares": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/percent"}},
        "refine": {
            "type": "object",
            "additionalProperties": False,
            "required": ["timestep", "steps"],
            "properties": {
                "timestep": {
                    "oneOf": [
                        {"$ref": "#/$defs/timestep"},
                        {
                            "type": "object",
                            "patternProperties": {"^[0-9]+$": {"$ref": "#/$defs/timestep"}},
                            "additionalProperties": False,
                        },
                    ]
                },
                "steps": {"type": "integer", "minimum": 1},
                "rate": {"type": "number", "exclusiveMinimum": 0},
            },
        },
        "data": {
            "type": "object",
            "additionalProperties": False,
            "patternProperties": {
                "^[a-z]+$": {
                    "oneOf": [
                        {
                            "type": "object",
                            "required": ["kind", "size"],
                            "additionalProperties": False,
                            "properties": {
                                "kind": {"const": "world"},
                                "size": {"type": "integer", "minimum": 1},
                            },
                        },
                        {
                            "type": "object",
                            "required": ["kind", "root"],
                            "additionalProperties": False,
                            "properties": {
                                "kind": {"const": "folder"},
                                "root": {"type": "string", "minLength": 1},
                            },
                        },
                    ]
                }
            },
        },
    },
    "$defs": {
        "timestep": {"type": "integer", "minimum": 1, "maximum": 500},
        "percent": {"type": "number", "exclusiveMinimum": 0, "maximum": 100},
    },
}
GOOD = {
    "device": "auto",
    "shares": [10, 20.0],
    "refine": {"timestep": {"5": 200, "10": 250}, "steps": 2, "rate": 0.1},
    "data": {"demo": {"kind": "world", "size": 3}, "mine": {"kind": "folder", "root": "x"}},
}


def changed(path: str, value: object) -> dict:
    """A copy of GOOD with one key set; ``...`` takes it away."""
    config = copy.deepcopy(GOOD)
    *parents, last = path.split("/")
    table = config
    for parent in parents:
        table = table[parent]
    if value is ...:
        del table[last]
    else:
        table[last] = value
    return config


@pytest.mark.parametrize(
    "config",
    [
        GOOD,
        changed("refine/timestep", 250),
        changed("refine/rate", ...),
        changed("data", {}),
    ],
)
def test_good_configurations_pass(config):
    validate_config(config, SCHEMA)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (
            "refine/timestp",
            1,
            "refine.timestp: unknown key, did you mean timestep? "
            "Allowed here: timestep, steps, rate",
        ),
        ("zebra", 1, "zebra: unknown key. Allowed here: device, shares, refine, data"),
        (
            "data/Mine",
            {},
            "data.Mine: unknown key. Allowed here: names that match ^[a-z]+$",
        ),
        ("device", ..., 'device: missing, expected one of "auto", "cpu", "cuda"'),
        ("refine/steps", ..., "refine.steps: missing, expected an integer at least 1"),
        ("device", "gpu", 'device: found "gpu", expected one of "auto", "cpu", "cuda"'),
        ("refine/steps", 0, "refine.steps: found 0, expected an integer at least 1"),
        ("refine/steps", True, "refine.steps: found true, expected an integer at least 1"),
        ("refine/steps", "2", 'refine.steps: found "2", expected an integer at least 1'),
        ("refine/rate", None, "refine.rate: found null, expected a number above 0"),
        ("refine/timestep", 501, "refine.timestep: found 501, expected an integer from 1 to 500"),
        (
            "refine/timestep",
            {"10": 501},
            "refine.timestep.10: found 501, expected an integer from 1 to 500",
        ),
        (
            "refine/timestep",
            {"ten": 250},
            "refine.timestep.ten: unknown key. Allowed here: names that match ^[0-9]+$",
        ),
        (
            "refine/timestep",
            {10: 250},
            'refine.timestep.10: a key must be text, write it in quotes: "10"',
        ),
        (
            "refine/timestep",
            "high",
            'refine.timestep: found "high", expected an integer from 1 to 500, '
            "or a table of names, each with an integer from 1 to 500",
        ),
        ("shares", [10, 200], "shares[1]: found 200, expected a number above 0 and at most 100"),
        ("shares", [], "shares: found []: [] should be non-empty"),
        (
            "data/mine/root",
            "",
            'data.mine.root: found "", expected a text that is not empty',
        ),
        ("data/demo/size", ..., "data.demo.size: missing, expected an integer at least 1"),
        ("refine", 3, "refine: found 3, expected a table"),
    ],
)
def test_one_problem(path, value, message):
    with pytest.raises(InputError) as caught:
        validate_config(changed(path, value), SCHEMA)
    assert str(caught.value) == f"configuration: 1 problem\n  {message}"


@pytest.mark.parametrize(
    ("path", "text", "value"),
    [
        ("refine/rate", "1e-4", 1e-4),
        ("refine/steps", "2", 2),
        ("refine/timestep", "100", 100),
        ("refine/timestep", {"10": "100"}, {"10": 100}),
        ("shares", ["10", 20.0], [10, 20.0]),
        ("data/mine/root", "3", "3"),  # a text is expected and stays one
    ],
)
def test_numbers_handed_over_as_text_are_read(path, text, value):
    config = changed(path, text)
    read_texts(config, SCHEMA)
    assert config == changed(path, value)
    validate_config(config, SCHEMA)


def test_texts_that_spell_nothing_stay_as_they_are():
    config = {**changed("refine/steps", "two"), "zebra": "1", "device": "nan"}
    before = copy.deepcopy(config)
    read_texts(config, SCHEMA)
    assert config == {**before, "zebra": 1}  # an unknown key is refused, whatever it says
    with pytest.raises(InputError, match=r'refine\.steps: found "two"'):
        validate_config(config, SCHEMA)


def test_all_problems_at_once_sorted_by_path():
    config = {"device": 1, "refine": {"steps": 0, "x": 1}, "other": 2}
    with pytest.raises(InputError) as caught:
        validate_config(config, SCHEMA)
    first, *lines = str(caught.value).splitlines()
    assert first == "configuration: 5 problems"
    names = [line.strip().split(":")[0] for line in lines]
    assert names == ["device", "other", "refine.steps", "refine.timestep", "refine.x"]


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": ["integer", "null"], "minimum": 0}, "an integer at least 0 or null"),
        (
            {"type": "number", "minimum": 0, "exclusiveMaximum": 1},
            "a number at least 0 and below 1",
        ),
        ({"type": "string", "pattern": "^a"}, "a text that matches ^a"),
        ({"type": "array", "items": {"type": "boolean"}}, "a list of true or false"),
        ({"type": "array", "minItems": 2}, "a list of 2 or more: values"),
        ({}, "any value"),
    ],
)
def test_describe(schema, words):
    assert describe(schema) == words


def test_inline_references_keeps_what_stands_beside():
    schema = {
        "properties": {"a": {"$ref": "#/$defs/b", "description": "mine"}},
        "$defs": {"b": {"type": "integer", "description": "theirs"}},
    }
    expected = {"type": "integer", "description": "mine"}
    assert inline_references(schema)["properties"]["a"] == expected
