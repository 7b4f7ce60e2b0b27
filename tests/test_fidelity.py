"""The ledger of docs/fidelity.md against configs/gazefollow.yaml."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from snakemake.utils import update_config

from gcdr.config import by_share, validate_config
from gcdr.methods import METHODS
from gcdr.training.loop import Recipe

ROOT = Path(__file__).parents[1]
HELD = ("split", "samples", "heatmap", "gaze", "diffusion", "refine")


def read(name: str) -> dict[str, Any]:
    return yaml.safe_load((ROOT / name).read_text())


@pytest.fixture(scope="module")
def config() -> dict[str, Any]:
    merged = read("config.yaml")
    update_config(merged, read("configs/gazefollow.yaml"))
    return merged


def table(title: str) -> list[list[str]]:
    """Rows of the first table below a heading."""
    text = (ROOT / "docs/fidelity.md").read_text().split(f"\n## {title}\n", 1)[1]
    lines = [line for line in text.split("\n## ")[0].splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def leaf(config: dict[str, Any], path: str) -> Any:
    """A value by its dotted path; in a table by label share, that of the share."""
    value: Any = config
    for name in path.split("."):
        value = value.get(name, value["default"]) if "default" in value else value[name]
    return value


def code(cell: str) -> str:
    found = re.fullmatch(r"`([^`]+)`", cell)
    assert found, f"expected one literal, found {cell!r}"
    return found[1]


@pytest.mark.parametrize("row", table("Settings"), ids=lambda row: row[0])
def test_row_is_what_the_configuration_says(config: dict[str, Any], row: list[str]) -> None:
    _, paper, released, ours, path, given = row
    assert leaf(config, code(path)) == yaml.safe_load(code(ours))
    assert given in ("paper", "code", "assumed")
    assert paper != "–" or given != "paper", "the paper gives something where it is the source"
    assert released != "–" or given != "code" or code(ours) == "null"


def test_every_training_leaf_is_in_the_ledger() -> None:
    listed = {code(row[4]) for row in table("Settings")}

    def leaves(value: Any, path: str) -> list[str]:
        if isinstance(value, dict) and value and "default" not in value:
            return [found for key, part in value.items() for found in leaves(part, f"{path}.{key}")]
        return [path]

    overlay = read("configs/gazefollow.yaml")
    for section in HELD:
        for path in leaves(overlay[section], section):
            assert any(name == path or re.fullmatch(rf"{path}\.\d+", name) for name in listed), path


def test_options_lead_to_leaves(config: dict[str, Any]) -> None:
    for option, _, target in table("Options of the released command lines"):
        assert option.startswith("`--")
        for path in re.findall(r"`([a-z_]+\.[a-z_.]+)`", target.replace("configs/", "")):
            if not path.endswith(".yaml"):
                leaf(config, path)
        if target.startswith("`report.methods`"):
            named = re.findall(r"`([a-z-]+)`", target)
            assert named and set(named) <= set(METHODS)
        assert target.startswith(("`", "–"))


@pytest.mark.parametrize("share", [5, 10, 20, 50, 100])
def test_recipes_of_every_share_can_be_read(config: dict[str, Any], share: int) -> None:
    validate_config(config, read("workflow/schemas/config.schema.yaml"))
    gaze, diffusion = config["gaze"], config["diffusion"]
    for base, changes in (
        (gaze["recipe"], {}),
        (gaze["recipe"], gaze["teacher"]),
        (gaze["recipe"], gaze["mean_teacher"]["recipe"]),
        (diffusion["recipe"], diffusion["mapping"]),
        (diffusion["recipe"], diffusion["mean_teacher"]["recipe"]),
    ):
        chosen = by_share({**base, **changes}, share)
        chosen.pop("draws", None)
        recipe = Recipe.from_json(chosen, "recipe")
        assert recipe.length(100.0) == 100 * chosen["epochs"]
        assert recipe.ema is None and recipe.optimiser == "adam"
