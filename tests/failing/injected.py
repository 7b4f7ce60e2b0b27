"""Runs scripts of a finished workflow again, each with one call of the system that fails; started by fail.so.

    LD_PRELOAD=fail.so python injected.py WORKSPACE FAIL.SO EACH KIND...

A script is a process forked from this one, which has imported them all. A kind is ``write``, ``rename`` or
``fsync``, one of which fails, or ``full``, a disk that takes no write from one on. For every script it prints
a line of JSON: how many writes, renames and fsyncs it makes below ``results/``, and what was wrong
after which.
"""

import ctypes
import hashlib
import json
import os
import re
import runpy
import sys
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path

CALLS = ("write", "rename", "fsync")
KINDS = (*CALLS, "full")
STATES = re.compile(r"/\.[^/]*-[0-9a-f]{16}/")  # what a job that failed leaves for the next one

workspace, library, each, chosen = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4:]
sys.path[:0] = [str(Path(__file__).parents[2] / "benchmarks")]
from digest import READERS  # noqa: E402

FAIL = ctypes.CDLL(library)
FAIL.fail_at.argtypes = [ctypes.c_char_p, ctypes.c_int, ctypes.c_long]
FAIL.calls_of.argtypes, FAIL.calls_of.restype = [ctypes.c_int], ctypes.c_long


def run(command: list[str], kind: int = 0, number: int = 0) -> tuple[int, str, list[int]]:
    """Run a script; its exit status, what it said, and its calls of each kind."""
    with tempfile.TemporaryFile("w+") as said, tempfile.TemporaryFile("w+") as counted:
        if (child := os.fork()) == 0:
            os.dup2(said.fileno(), 1), os.dup2(said.fileno(), 2)
            status = 1
            FAIL.fail_at(bytes(workspace / "results"), kind, number)
            try:
                sys.argv = command
                runpy.run_path(command[0], run_name="__main__")
                status = 0
            except SystemExit as end:
                status = end.code if isinstance(end.code, int) else int(end.code is not None)
            except BaseException:
                traceback.print_exc()
            finally:
                counted.write(json.dumps([FAIL.calls_of(kind) for kind in range(len(CALLS))]))
                for stream in (counted, sys.stdout, sys.stderr):
                    stream.flush()
                os._exit(status)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        said.seek(0), counted.seek(0)
        return status, said.read(), json.loads(counted.read() or "[0, 0, 0]")


def files() -> dict[str, str]:
    """Digest of the bytes of every file below results/; an empty folder has none."""
    found = {}
    for path in sorted((workspace / "results").rglob("*")):
        name = str(path.relative_to(workspace))
        if STATES.search(f"{name}/") or path.name == ".snakemake_timestamp":
            continue
        if path.is_file():
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
        elif path.is_dir() and not any(path.iterdir()):
            found[name] = "an empty folder"
    return found


def digest_of(path: Path) -> str:
    """Digest of what a file holds: its arrays, columns or numbers, else its bytes."""
    if path.suffix == ".html":
        # a page names times
        return str(path.read_text().rstrip().endswith("</html>"))
    parts = READERS[path.suffix](path) if path.suffix in READERS else [path.read_bytes()]
    return hashlib.sha256(b"".join(parts)).hexdigest()


def content(names: Iterator[str]) -> dict[str, str]:
    """Digests of what files hold, whatever their bytes."""
    return {name: digest_of(workspace / name) for name in names}


def differences(before: dict[str, str], meant: dict[str, str]) -> list[str]:
    """What is not as it was: files that are gone, new, or hold something else."""
    after = files()
    gone = [f"gone: {name}" for name in before if name not in after]
    new = [f"left: {name}" for name in after if name not in before]
    other = [name for name in after if name in before and after[name] != before[name]]
    changed = []
    for name in other:
        try:
            changed += [] if digest_of(workspace / name) == meant[name] else [f"changed: {name}"]
        except Exception as error:
            changed.append(f"broken: {name} ({error})")
    return gone + new + changed


def numbers(count: int) -> list[int]:
    """Which calls fail: all of a few, else the first, the last and some between."""
    if count <= each:
        return [*range(1, count + 1)]
    return sorted({1 + round(step * (count - 1) / (each - 1)) for step in range(each)})


os.chdir(workspace)
commands = [json.loads(path.read_text()) for path in sorted(Path("commands").iterdir())]
for command in commands:
    sys.argv = command
    runpy.run_path(command[0], run_name="imported")
meant = content(name for name in files() if (workspace / name).is_file())
for command in commands:
    before, wrong = files(), []
    status, said, counts = run(command)
    if status or (found := differences(before, meant)):
        wrong.append(["undisturbed", 0, said.splitlines()[-3:] if status else found])
    before, cases, passed = files(), 0, 0
    for name in chosen:
        for number in numbers(counts[0 if name == "full" else CALLS.index(name)]):
            status, said, made = run(command, KINDS.index(name), number)
            found = differences(before, meant)
            ending = said.rstrip().rpartition("\n")[2]
            told = said.count("trouble: ") == 1 and ending.startswith("trouble: ")
            if (
                status == 0 and name == "full" and made[0] >= number
            ):  # else it went on from kept blocks
                found.append("ended as if nothing had been")
            if status and ("Traceback" in said or not told):
                found.append("said: " + " | ".join(said.splitlines()[-3:]))
            wrong += [[name, number, found]] if found else []
            before, cases, passed = files(), cases + 1, passed + (status == 0)
    status, said, _ = run(command)
    if status or (found := differences(before, meant)):
        wrong.append(["afterwards", 0, said.splitlines()[-3:] if status else found])
    script = Path(command[0]).stem
    print(
        json.dumps([script, dict(zip(CALLS, counts, strict=True)), cases, passed, wrong]),
        flush=True,
    )
