"""The rooms of the package use one another in one direction, as docs/architecture.md lists them."""

import ast
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

from gcdr.base.provenance import DATA, EXEMPT, modules_behind

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src/gcdr"
FILES = sorted(path for path in PACKAGE.rglob("*.py") if not path.name.startswith("__"))


def listed_rooms() -> dict[str, int]:
    """Number of the row that names each room: a folder, a folder within one, or a file of the root."""
    text = (ROOT / "docs/architecture.md").read_text()
    table = text[text.index("| room | holds |") :].split("\n\n")[0]
    rows = [re.findall(r"`([\w/]+?)/?`", row.split("|")[1]) for row in table.splitlines()[2:]]
    return {name: number for number, names in enumerate(rows) for name in names}


ROOMS = listed_rooms()


def name_of(path: Path) -> str:
    """A module's name below the package, parts separated by slashes."""
    return path.relative_to(PACKAGE).with_suffix("").as_posix()


def room_of(module: str) -> str:
    """The room that a module is in: the longest one listed that its name begins with."""
    fitting = [room for room in ROOMS if f"{module}/".startswith(f"{room}/")]
    return max(fitting, key=len, default=module)


def imported(path: Path) -> set[str]:
    """The package's modules that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "gcdr":
            base = node.module.replace(".", "/").removeprefix("gcdr").strip("/")
            inner = {f"{base}/{alias.name}".strip("/") for alias in node.names}
            modules = {name for name in inner if (PACKAGE / f"{name}.py").exists()}
            found |= modules or ({base} if base else set())
    return found


def test_rooms_are_listed_and_use_those_above_them() -> None:
    uses = {name_of(path): imported(path) for path in FILES}
    assert {room_of(module) for module in uses} == set(ROOMS)
    below = {
        (module, other)
        for module, others in uses.items()
        for other in others
        if ROOMS[room_of(other)] > ROOMS[room_of(module)]
    }
    assert not below


def test_tests_stand_in_the_rooms_of_what_they_test() -> None:
    """Helpers stand above them; what concerns no single room is in ``workflow`` or ``house``."""
    tests = [path.relative_to(ROOT / "tests") for path in ROOT.glob("tests/**/test_*.py")]
    assert {path.parent.as_posix() for path in tests} <= {*ROOMS, "workflow", "house"}
    names = Counter(path.name for path in tests)
    assert not {name for name, count in names.items() if count > 1}


def test_files_do_not_go_in_circles() -> None:
    uses = {name_of(path): imported(path) for path in FILES}
    while free := {module for module, others in uses.items() if not others & uses.keys()}:
        uses = {module: others for module, others in uses.items() if module not in free}
    assert not uses


def test_a_name_is_one_file() -> None:
    names = Counter(path.name for path in FILES)
    assert not {name for name, count in names.items() if count > 1}


def test_no_file_is_two() -> None:
    long = {name_of(path): count for path in FILES if (count := len(path.open().readlines())) > 400}
    assert not long


def test_faces_of_packages_are_empty() -> None:
    """What a script imports is then the file that decides, and the face of the root is for users alone."""
    for path in PACKAGE.rglob("*/__init__.py"):
        assert all(isinstance(node, ast.Expr) for node in ast.parse(path.read_text()).body), path
    through_root = re.compile(r"^from gcdr import (?!__version__$)|^import gcdr$", re.M)
    inside = [*FILES, *ROOT.glob("workflow/**/*.py"), *ROOT.glob("workflow/**/*.smk")]
    assert not [path for path in inside if through_root.search(path.read_text())]


def test_provenance_follows_the_file_of_a_package(tmp_path: Path, monkeypatch) -> None:
    from gcdr.base import provenance

    package = tmp_path / "gcdr"
    (package / "room").mkdir(parents=True)
    (package / "room/__init__.py").write_text("from gcdr.room.inner import value\n")
    (package / "room/inner.py").write_text("value = 1\n")
    script = tmp_path / "script.py"
    script.write_text("from gcdr.room import value\n")
    monkeypatch.setattr(provenance, "PACKAGE", package)
    assert [path.name for path in modules_behind(script)] == ["__init__.py", "inner.py"]


def test_package_data_is_behind_the_module_that_it_is_named_after() -> None:
    """An edit of a style, a script or a template makes the pages again that it is in."""
    data = {path.name for suffix in DATA for path in PACKAGE.rglob(f"*{suffix}")}
    behind = {
        script: {path.name for path in modules_behind(ROOT / f"workflow/scripts/{script}.py")}
        for script in ("gallery", "report", "tables")
    }
    assert {name for name in behind["gallery"] if not name.endswith(".py")} >= {
        "gallery.css",
        "gallery.html.j2",
        "gallery.js",
        "page.css",
    }
    assert {"page.css", "page.html.j2"} <= behind["report"]
    assert "gallery.js" not in behind["report"]
    assert not behind["tables"] & data
    assert data <= behind["gallery"] | behind["report"], "a file that no module is named after"


def test_exempt_modules_exist() -> None:
    for name in EXEMPT - {"gcdr"}:
        assert (PACKAGE / Path(*name.split(".")[1:])).with_suffix(".py").is_file()


def test_planning_needs_no_torch() -> None:
    """Its import takes seconds, and every start of Snakemake would pay them."""
    rules = "\n".join(path.read_text() for path in sorted(ROOT.glob("workflow/rules/*.smk")))
    imports = re.findall(r"^from gcdr\S* import (?:\([^)]*\)|.+)$", rules, re.M)
    asked = "import sys; sys.exit('torch' in sys.modules)"
    assert imports
    assert not subprocess.run([sys.executable, "-c", "\n".join([*imports, asked])]).returncode
