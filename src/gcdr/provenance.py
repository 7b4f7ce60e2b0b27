"""Which modules of this package decide what a script makes.

The workflow names them as inputs of a rule, so that an edit reruns that stage and what follows, and
nothing else. They are found by reading ``import`` statements; nothing is imported or run.
"""

import ast
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent

# Modules that read, write, check or report and do not decide a number.
EXEMPT = frozenset(
    {
        "gcdr",
        "gcdr.errors",
        "gcdr.failures",
        "gcdr.problems",
        "gcdr.files",
        "gcdr.device",
        "gcdr.download",
        "gcdr.provenance",
    }
)


def modules_behind(script: str | Path) -> list[Path]:
    """Source files of the package that ``script`` reaches through imports, in sorted order.

    Modules in ``EXEMPT`` and package files that hold nothing but a docstring are left out.
    """
    found: set[str] = set()
    queue = list(_imports(Path(script)))
    while queue:
        name = queue.pop()
        if name not in found:
            found.add(name)
            queue.extend(_imports(_source(name)))
    return sorted(_source(name) for name in found - EXEMPT)


@cache
def _imports(path: Path) -> frozenset[str]:
    names = set()
    tree = ast.parse(path.read_text(), str(path))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return frozenset(
        name for name in names if name.split(".")[0] == "gcdr" and _source(name).is_file()
    ) - {"gcdr"}


def _source(name: str) -> Path:
    """File of a module; a package's ``__init__.py`` counts only if it does something."""
    path = PACKAGE.joinpath(*name.split(".")[1:])
    return path.with_suffix(".py")
