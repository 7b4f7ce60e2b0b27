"""The reference page of the configuration."""

from pathlib import Path

import pytest
import yaml
from jsonschema_specifications import REGISTRY

from gcdr.config.generated import read_schema
from gcdr.config.reference import main, reference_page

ROOT = Path(__file__).parents[2]

SCHEMA = {
    "title": "Settings",
    "description": "What can be set.",
    "type": "object",
    "properties": {
        "device": {"enum": ["auto", "cpu"], "description": "Where to\n  compute."},
        "refine": {
            "type": "object",
            "description": "Refinement.",
            "properties": {
                "timestep": {"$ref": "#/$defs/timestep", "description": "Start | of the reverse."},
                "sampler": {
                    "type": "object",
                    "description": "How to sample.",
                    "properties": {"steps": {"type": "integer", "minimum": 1, "default": 2}},
                },
            },
        },
        "data": {
            "type": "object",
            "patternProperties": {
                "^[a-z]+$": {
                    "type": "object",
                    "description": "One data set.",
                    "properties": {"root": {"type": "string"}},
                }
            },
        },
    },
    "$defs": {"timestep": {"type": "integer", "minimum": 1, "maximum": 500}},
}
DEFAULTS = {"device": "auto", "refine": {"timestep": 250}, "data": {"demo": {"root": "x"}}}


def test_every_key_has_a_row():
    lines = reference_page(SCHEMA, DEFAULTS).splitlines()
    for row in (
        '| `device` | one of "auto", "cpu" | `"auto"` | Where to compute. |',
        "| `refine.timestep` | an integer from 1 to 500 | `250` | Start \\| of the reverse. |",
        "| `refine.sampler` | a table |  | How to sample. |",
        "| `refine.sampler.steps` | an integer at least 1 | `2` |  |",
        "| `data.<name>` | a table |  | One data set. |",
        "| `data.<name>.root` | a text |  |  |",
    ):
        assert row in lines
    assert "# Settings" in lines
    assert "## refine" in lines


def test_alternatives_that_are_tables_are_listed_beneath_their_key():
    kinds = [
        {
            "type": "object",
            "description": f"Kind {kind}.",
            "properties": {"kind": {"const": kind}, key: {"type": "integer"}},
        }
        for kind, key in (("world", "size"), ("folder", "limit"))
    ]
    schema = {"properties": {"data": {"patternProperties": {".": {"oneOf": kinds}}}}}
    page = reference_page(schema, {})
    for key in ("kind", "size", "limit"):
        assert f"`data.<name>.{key}`" in page
    assert "Kind folder." in page


@pytest.fixture
def arguments(tmp_path):
    schema, config, page = (tmp_path / name for name in ("schema.yaml", "config.yaml", "page.md"))
    schema.write_text(yaml.safe_dump(SCHEMA))
    config.write_text(yaml.safe_dump(DEFAULTS))
    return ["--schema", str(schema), "--config", str(config), "--output", str(page)]


def test_check_notices_a_stale_page(arguments, tmp_path, capsys):
    assert main([*arguments, "--check"]) == 1
    assert main(arguments) == 0
    assert main([*arguments, "--check"]) == 0
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"refine": {"timestep": 200}}))
    assert main([*arguments, "--check"]) == 1
    assert "out of date" in capsys.readouterr().err


def test_missing_schema_is_named(tmp_path, capsys):
    assert main(["--schema", str(tmp_path / "absent.yaml")]) == 2
    assert "absent.yaml" in capsys.readouterr().err


def keywords(node, of=None):
    """Keywords of a schema, names of properties left out."""
    if isinstance(node, list):
        return {word for item in node for word in keywords(item)}
    if not isinstance(node, dict):
        return set()
    named = of in ("properties", "patternProperties", "$defs")
    inner = {
        word for key, value in node.items() for word in keywords(value, None if named else key)
    }
    return inner if named else inner | set(node)


def test_the_schema_has_no_stray_keywords():
    """An unquoted comma in a description would make one and cut the description short."""
    schema = read_schema(ROOT / "workflow/schemas/config.schema.yaml")
    known = {
        name
        for part in ("core", "applicator", "validation", "meta-data", "format-annotation")
        for name in REGISTRY[f"https://json-schema.org/draft/2020-12/meta/{part}"].contents[
            "properties"
        ]
    }
    assert keywords(schema) <= known
