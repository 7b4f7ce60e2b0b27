"""Which modules of this package decide what a script makes.

A job of the workflow has a digest of them among its parameters, so that an edit reruns that stage and what
follows, and nothing else. They are found by reading ``import`` statements; nothing is imported or run.
"""

import ast
import re
import sys
from functools import cache
from pathlib import Path

from gcdr.base.files import text_digest

PACKAGE = Path(__file__).parents[1]
DATA = (".css", ".js", ".j2")  # package data, as pyproject.toml lists it

# Modules that read, write, check or report and do not decide a number.
EXEMPT = frozenset(
    {
        "gcdr",
        *(
            f"gcdr.base.{name}"
            for name in (
                "errors",
                "failures",
                "problems",
                "files",
                "device",
                "gpus",
                "download",
                "plain",
                "provenance",
            )
        ),
        "gcdr.models.kinds",  # the table: a job knows the module of its own gaze model, and no other
    }
)


@cache
def modules_behind(script: str | Path) -> list[Path]:
    """Source files of the package that ``script`` reaches through imports, in sorted order.

    A package's own file is followed like any other, so that what is imported through its face is found.
    Modules in ``EXEMPT`` and package files that hold nothing but a docstring are left out. A module's styles,
    scripts and templates, which lie beside it under its name (``page.py``, ``page.css``), are of it.
    """
    found: set[str] = set()
    queue = list(_imports(Path(script)))
    while queue:
        name = queue.pop()
        if name not in found:
            found.add(name)
            queue.extend(_imports(_source(name)))
    files = [_source(name) for name in found - EXEMPT if _does_something(_source(name))]
    return sorted([*files, *(data for file in files for data in _data(file))])


@cache
def code_digest(script: str | Path, *modules: str) -> str:
    """What tells the code that a job runs from any other: twelve hexadecimal digits.

    Args:
        script: what the job calls; its own text is not looked at.
        modules: further modules of the package that this job runs, by their full names, such as that of its
            kind of gaze model.
    """
    own = [_source(name) for name in modules]
    files = {file for start in (Path(script), *own) for file in modules_behind(start)}.union(own)
    parts = ((file.relative_to(PACKAGE).as_posix(), file.read_bytes()) for file in sorted(files))
    return text_digest(*(part for file in parts for part in file))[:12]


def code_of(file: str, model: object | None = None) -> list[Path]:
    """The source files that a module's results come from, itself among them; with those of a model."""
    files = [file] if model is None else [file, str(sys.modules[type(model).__module__].__file__)]
    return sorted({path for name in files for path in (Path(name), *modules_behind(name))})


# Statements are found as text: parsing every file would take most of the time that planning takes.
FROM = re.compile(r"^[ \t]*from[ \t]+(gcdr[\w.]*)[ \t]+import[ \t]+(\([^)]*\)|[^\n#]+)", re.M)
PLAIN = re.compile(r"^[ \t]*import[ \t]+([^\n#]*\bgcdr\b[^\n#]*)", re.M)
RELATIVE = re.compile(r"^[ \t]*from[ \t]+\.", re.M)


@cache
def _imports(path: Path) -> frozenset[str]:
    text, names = path.read_text(), set()
    if RELATIVE.search(text):
        raise ValueError(f"{path}: a relative import, which is not followed; write it in full")
    for module, listed in FROM.findall(text):
        names.add(module)
        entries = re.sub(r"#[^\n]*", "", listed.strip("() \t")).split(",")
        names |= {f"{module}.{entry.split()[0]}" for entry in entries if entry.split()}
    for listed in PLAIN.findall(text):
        names |= {entry.split()[0] for entry in listed.split(",") if entry.split()}
    ours = {name for name in names if name.split(".")[0] == "gcdr"}
    packages = {
        ".".join(name.split(".")[:n]) for name in ours for n in range(2, name.count(".") + 1)
    }
    return frozenset(name for name in ours | packages if _source(name).is_file()) - {"gcdr"}


def _does_something(path: Path) -> bool:
    """Whether a file holds more than a docstring; a module of its own does."""
    if path.name != "__init__.py":
        return True
    return any(not isinstance(node, ast.Expr) for node in ast.parse(path.read_text()).body)


@cache
def _data(path: Path) -> list[Path]:
    """A module's package data: files beside it whose names begin with its own and a dot."""
    return [file for file in path.parent.glob(f"{path.stem}.*") if file.suffix in DATA]


@cache
def _source(name: str) -> Path:
    """File of a module, or of a package its ``__init__.py``."""
    path = PACKAGE.joinpath(*name.split(".")[1:])
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
