"""Rules are short, connect and compute nothing, and hand no value to a shell that is not quoted."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = [ROOT / "Snakefile", *sorted(ROOT.glob("workflow/rules/*.smk"))]
RULE = re.compile(r"^( *)(?:use )?rule\b.*:$")
SEVERAL = {
    "shards",
    "metrics",
    "sweeps",
    "methods",
    "priors",
}  # of this workflow's own paths and names
LEFT_ALONE = re.compile(r"(?<!\{)\{(?!\{)[^}]*(?<!:q)\}")  # a value that is not quoted


def rules_of(path: Path) -> dict[str, list[str]]:
    """The lines of each rule by its first one, without blank ones at the end."""
    rules: dict[str, list[str]] = {}
    lines, depth = None, 0
    for line in path.read_text().splitlines():
        indent = len(line) - len(line.lstrip())
        if start := RULE.match(line):
            lines, depth = rules.setdefault(line.strip(), []), len(start[1])
        elif line and indent <= depth:
            lines = None
        if lines is not None:
            lines.append(line)
    return {name: "\n".join(found).strip().splitlines() for name, found in rules.items()}


RULES = {f"{path.stem}: {name}": lines for path in FILES for name, lines in rules_of(path).items()}


def test_rules_have_25_lines_at_most() -> None:
    assert len(RULES) > 40
    assert not {name: len(lines) for name, lines in RULES.items() if len(lines) > 25}


def test_the_path_scheme_is_short() -> None:
    assert len((ROOT / "workflow/rules/common.smk").read_text().splitlines()) < 150


def commands() -> dict[str, str]:
    return {
        name: "\n".join(lines[lines.index("    shell:") + 1 :])
        for name, lines in RULES.items()
        if "    shell:" in lines
    }


def test_commands_quote_every_value() -> None:
    assert len(commands()) > 30
    assert not {
        name: LEFT_ALONE.findall(text)
        for name, text in commands().items()
        if LEFT_ALONE.search(text)
    }


def test_values_may_begin_with_a_dash() -> None:
    """One stands behind ``--name=``; several of them are our own, or made by ``options``."""
    found = {name: re.findall(r"--([\w-]+) +\{", text) for name, text in commands().items()}
    assert not {name: names for name, names in found.items() if set(names) - SEVERAL}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_option_is_written_outside_a_command(path: Path) -> None:
    outside = re.sub(r"\n    shell:\n(?:        .*\n?)+", "\n", path.read_text())
    assert not re.findall(r"[\"' ]--[\w-]+", outside)
