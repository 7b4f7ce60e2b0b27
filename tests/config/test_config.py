"""Messages of the configuration check."""

import copy
import math
import re
from pathlib import Path

import pytest

from gcdr.base.errors import InputError
from gcdr.base.texts import FORMATS
from gcdr.cli.commands import main
from gcdr.config import checked
from gcdr.config.checked import check_config, read_config
from gcdr.config.schema import describe_values, inline_references, read_values, validate_config
from gcdr.config.yamlfiles import check_duplicates

ROOT = Path(__file__).parents[2]
BREAK = "a\\nb"
REFERRING = {
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
                                "root": {"type": ["string", "null"], "format": "path"},
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
SCHEMA = inline_references(REFERRING)
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
        ("refine/steps", 2.0, "refine.steps: found 2.0, expected an integer at least 1"),
        ("refine/rate", math.nan, "refine.rate: found NaN, expected a number above 0"),
        ("refine/rate", math.inf, "refine.rate: found Infinity, expected a number above 0"),
        (
            "data/mine/root",
            "a\nb" * 50,
            f'data.mine.root: found "{(BREAK * 50)[:76]}..., expected {FORMATS["path"].words} or null',
        ),
        ("a\nb", 1, "a\\nb: unknown key. Allowed here: device, shares, refine, data"),
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
        ("shares", [], "shares: found [], expected 1 or more"),
        (
            "data/mine/root",
            "",
            f'data.mine.root: found "", expected {FORMATS["path"].words} or null',
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
        ("refine/steps", 1000.0, 1000),
        ("refine/steps", "1e3", 1000),
        ("refine/steps", "1000.0", 1000),
        ("refine/timestep", {"10": 1e2}, {"10": 100}),
        ("shares", ["10", 2e1], [10, 2e1]),
        ("data/mine/root", "null", None),
        ("refine/timestep", "100", 100),
        ("refine/timestep", {"10": "100"}, {"10": 100}),
        ("shares", ["10", 20.0], [10, 20.0]),
        ("data/mine/root", "3", "3"),  # a text is expected and stays one
    ],
)
def test_numbers_handed_over_as_text_are_read(path, text, value):
    config = changed(path, text)
    read_values(config, SCHEMA)
    assert repr(config) == repr(changed(path, value))  # 2 and 2.0 are told apart
    validate_config(config, SCHEMA)


@pytest.mark.parametrize("value", [2.5, "2.5", "1_000", " 2", "0x10", 1e300, "1e300", "9" * 5000])
def test_what_spells_no_whole_number_is_refused(value):
    config = changed("refine/timestep", value)
    with pytest.raises(InputError, match=r"1 problem\n  refine\.timestep: found [^\n]{1,200}$"):
        read_values(config, SCHEMA)
        validate_config(config, SCHEMA)


def test_what_has_no_end_is_refused():
    endless: dict = {"steps": 2}
    endless["timestep"] = endless
    for value in (endless, {1 << 20000: 2}, 1 << 20000):
        with pytest.raises(InputError, match=r"^configuration: 1 problem\n  refine[^\n]{1,200}$"):
            read_values(changed("refine", value), SCHEMA)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a: [1\nb: 2\n", "line 2, column 2: no valid YAML"),
        (b"a: 1\n\tb: 2\n", "line 2, column 1: no valid YAML"),
        (b"a: 'x\n", "line 2, column 1: no valid YAML"),
        (b"a: *b\n", "line 1, column 4: no valid YAML"),
        (b"a: 2026-13-45\n", "no valid YAML (month must be in 1..12"),
        (b"a: \xff\n", "found bytes that are no UTF-8"),
        (b"a: \x07\n", "no valid YAML"),
        (
            b"a:\n  timestep: 1:30\n",
            "line 2, column 13: no valid YAML (found 1:30, a number to the base 60",
        ),
        (b"a: -1:2:3\n", "line 1, column 4: no valid YAML (found -1:2:3, a number to the base 60"),
        (b"a: 1:30.5\n", "found 1:30.5, a number to the base 60; expected decimal digits"),
        (b"a: !!int '1:30'\n", "found 1:30, a number to the base 60"),
        (b"a: [1, 010]\n", "line 1, column 8: no valid YAML (found 010, a number to the base 8"),
        (b"a: {05: 1}\n", "line 1, column 5: no valid YAML (found 05, a number to the base 8"),
        (b"- a\n", "expected a table at the top level"),
        (b"", "expected a table at the top level"),
    ],
)
def test_a_file_that_is_no_yaml_is_named_with_its_line(tmp_path, content, said):
    file = tmp_path / "mine.yaml"
    file.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_config([file])
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"{file}") and said in line
    if "to the base" in said:  # and so it is where Snakemake has read the file already
        with pytest.raises(InputError, match=re.escape(line)):
            check_duplicates([file])


def test_other_numbers_of_yaml_are_what_they_look_like(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(
        "{a: 0, b: -0, c: '010', d: '1:30', e: 0.5, f: 1_000, g: 08.5, h: 0x10, i: http://x:80}"
    )
    assert read_config([file]) == {
        "a": 0, "b": 0, "c": "010", "d": "1:30", "e": 0.5, "f": 1000, "g": 8.5, "h": 16, "i": "http://x:80"
    }  # fmt: skip


def test_files_are_laid_over_one_another(tmp_path):
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    first.write_bytes(b"\xef\xbb\xbfa: {b: 1, c: [1, 2]}\r\n")
    second.write_text("a: {c: [3], d: {e: 4}}\n")
    assert read_config([first, second]) == {"a": {"b": 1, "c": [3], "d": {"e": 4}}}


def test_texts_that_spell_nothing_stay_as_they_are():
    config = {**changed("refine/steps", "two"), "zebra": "1", "device": "nan"}
    before = copy.deepcopy(config)
    read_values(config, SCHEMA)
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
        ({"type": "string", "format": "address"}, FORMATS["address"].words),
        ({"type": "array", "items": {"type": "boolean"}}, "a list of true or false"),
        ({"type": "array", "minItems": 2}, "a list of 2 or more: values"),
        ({}, "any value"),
    ],
)
def test_describe(schema, words):
    assert describe_values(schema) == words


def test_inline_references_keeps_what_stands_beside():
    schema = {
        "properties": {"a": {"$ref": "#/$defs/b", "description": "mine"}},
        "$defs": {"b": {"type": "integer", "description": "theirs"}},
    }
    expected = {"type": "integer", "description": "mine"}
    assert inline_references(schema)["properties"]["a"] == expected


def test_files_are_checked_without_a_run(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(ROOT)
    assert main(["config", "configs/smoke.yaml"]) == 0
    assert "configs/smoke.yaml: nothing is wrong" in capsys.readouterr().out
    (tmp_path / "mine.yaml").write_text("refine: {timestep: 9000}\ndevice: gpu\n")
    assert main(["config", "configs/smoke.yaml", str(tmp_path / "mine.yaml")]) == 2
    assert 'device: found "gpu"' in capsys.readouterr().err
    monkeypatch.chdir(tmp_path)
    assert main(["config"]) == 2
    assert "expected the top folder of the repository" in capsys.readouterr().err


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("refine: &r {timestep: 100, self: *r}\n", "line 1, column 9: .* holds itself"),
        ("studies: &s {demo: *s}\n", "holds itself"),
        ("refine: &r {<<: *r, timestep: 100}\n", "holds itself"),
        ("a: &a [[*a]]\n", "holds itself"),
        (BOMB, "more than 100,000 values when aliases are followed"),
        (f"a: {'[' * 5000}{']' * 5000}\n", "nested more than 12 deep|no valid YAML"),
    ],
    ids=["itself", "study", "merged", "list", "bomb", "deep"],
)
def test_yaml_without_end_is_one_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(InputError, match=said) as error:
        files = [Path("config.yaml"), tmp_path / "x.yaml"]
        check_config(read_config(files), files, Path(checked.SCHEMA))
    assert len(str(error.value).splitlines()) <= 2
