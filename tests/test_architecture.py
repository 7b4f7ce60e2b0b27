"""The rooms of the package use one another in one direction, as docs/architecture.md lists them."""

import ast
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src/gcdr"


def listed_rooms() -> dict[str, int]:
    """Number of the row that names each room."""
    text = (ROOT / "docs/architecture.md").read_text()
    table = text[text.index("| room | holds |") :].split("\n\n")[0]
    rows = [re.findall(r"`(\w+)/?`", row.split("|")[1]) for row in table.splitlines()[2:]]
    return {name: number for number, names in enumerate(rows) for name in names}


def imported_rooms(path: Path) -> set[str]:
    imports = [node for node in ast.walk(ast.parse(path.read_text())) if is_ours(node)]
    return {
        name
        for node in imports
        for name in (
            [node.module.split(".")[1]]
            if "." in node.module
            else [alias.name for alias in node.names]
        )
    }


def is_ours(node: ast.AST) -> bool:
    return isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "gcdr"


def test_rooms_are_listed_and_use_those_above_them() -> None:
    rooms, uses = listed_rooms(), {}
    for path in PACKAGE.rglob("*.py"):
        room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if not room.startswith("__"):
            uses.setdefault(room, set()).update(imported_rooms(path) - {"__version__"})
    assert set(uses) == set(rooms)
    below = {(room, other) for room in uses for other in uses[room] if rooms[other] > rooms[room]}
    assert not below


def test_planning_needs_no_torch() -> None:
    """Its import takes seconds, and every start of Snakemake would pay them."""
    rules = "\n".join(path.read_text() for path in sorted(ROOT.glob("workflow/rules/*.smk")))
    imports = re.findall(r"^from gcdr\S* import .+$", rules, re.M)
    asked = "import sys; sys.exit('torch' in sys.modules)"
    assert imports
    assert not subprocess.run([sys.executable, "-c", "\n".join([*imports, asked])]).returncode
