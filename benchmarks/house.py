"""Count the rooms of the package and the arrows between them, at commits.

    python benchmarks/house.py 50e22af^ HEAD

A room is a file or a folder in the package's root, an arrow leads from it to another that it imports.
"""

import ast
import io
import subprocess
import sys
import tarfile
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).parents[1]
PACKAGE = PurePosixPath("src/gcdr")


def modules_at(commit: str) -> dict[PurePosixPath, str]:
    """Text of each module of the package at a commit, by its path within it."""
    packed = subprocess.run(
        ["git", "archive", commit, str(PACKAGE)], cwd=ROOT, check=True, capture_output=True
    ).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as files:
        texts = {
            PurePosixPath(member.name).relative_to(PACKAGE): files.extractfile(member).read()
            for member in files
            if member.name.endswith(".py")
        }
    return {path: text.decode() for path, text in texts.items() if not path.name.startswith("__")}


def room_of(path: PurePosixPath) -> str:
    """The room that a module is in."""
    return path.parts[0].removesuffix(".py")


def imports(text: str) -> set[str]:
    """What a module imports of the package, without the package's own name."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "gcdr":
            below = node.module.split(".")[1:]
            found |= {below[0]} if below else {alias.name for alias in node.names}
    return found


def count(commit: str) -> dict[str, int]:
    """Rooms, arrows, files and lines at a commit."""
    modules = modules_at(commit)
    rooms = {room_of(path) for path in modules}
    arrows = {
        (room_of(path), room)
        for path, text in modules.items()
        for room in imports(text) & rooms - {room_of(path)}
    }
    lines = sum(len(text.splitlines()) for text in modules.values())
    return {"rooms": len(rooms), "arrows": len(arrows), "files": len(modules), "lines": lines}


if __name__ == "__main__":
    for commit in sys.argv[1:] or ["HEAD"]:
        print(commit, *(f"{number:,} {what}" for what, number in count(commit).items()), sep="  ")
