"""What the reference says of a recipe's defaults is what a recipe has."""

from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from gcdr.training.recipes import DiffusionRecipe

SCHEMA = Path(__file__).parents[2] / "workflow/schemas/config.schema.yaml"
RECIPE = yaml.safe_load(SCHEMA.read_text())["$defs"]["recipe"]["properties"]
HAS = {field.name: field.default for field in fields(DiffusionRecipe)}


@pytest.mark.parametrize("name", [name for name, leaf in RECIPE.items() if "default" in leaf])
def test_the_schema_names_the_recipe_s_own_default(name: str) -> None:
    expected = RECIPE[name]["default"]
    assert HAS[name] == (tuple(expected) if isinstance(expected, list) else expected)


def test_the_schema_has_a_recipe_s_leaves() -> None:
    """The horizon is for the world's own weights."""
    assert set(RECIPE) == set(HAS) - {"horizon"}
