"""One name, one thing: what a module offers bears no name that another module's has."""

import ast
import re
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src/gcdr"
# Of the command line, whose functions are named as its commands are.
COMMANDS = "cli"
ALLOWED = {
    "main": "where a program begins",
    "load": "gcdr.load is gcdr.predictor.predictor.load",
    "Bottleneck": "ResNet's block, in two published networks whose weights name their tensors after it",
}


def files() -> list[Path]:
    return [path for path in sorted(PACKAGE.rglob("*.py")) if path.parent.name != COMMANDS]


def defined(path: Path) -> set[str]:
    """Public names that a module defines at its top."""
    names = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return {name for name in names if not name.startswith("_")}


def lent() -> set[tuple[str, str]]:
    """Modules, as files of the package, and the names that others take from them."""
    found = set()
    for path in [*files(), *ROOT.glob("workflow/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("gcdr."):
                file = node.module.removeprefix("gcdr.").replace(".", "/") + ".py"
                found |= {(file, alias.name) for alias in node.names}
    return found


def test_a_name_is_one_thing() -> None:
    """A class or function; of constants, those that others take: a module's own are its own matter."""
    modules, taken = defaultdict(list), lent()
    for path in files():
        file = path.relative_to(PACKAGE).as_posix()
        for name in defined(path):
            if not name.isupper() or (file, name) in taken:
                modules[name].append(file)
    twice = {name: found for name, found in modules.items() if len(found) > 1}
    assert {name: found for name, found in twice.items() if name not in ALLOWED} == {}
    assert twice.keys() >= ALLOWED.keys()


def test_names_are_of_the_field() -> None:
    """Functions, classes and their fields; "two-way" is what the layers are called in their paper."""
    words = {"given", "told", "kept", "said", "wanted", "way"}
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                found.add(node.name)
            if isinstance(node, ast.ClassDef):
                fields = (one.target for one in node.body if isinstance(one, ast.AnnAssign))
                found |= {field.id for field in fields if isinstance(field, ast.Name)}
    parts = {name: re.findall(r"[A-Z]?[a-z]+", name) for name in found if "TwoWay" not in name}
    assert not {name for name, every in parts.items() if words & {one.lower() for one in every}}
