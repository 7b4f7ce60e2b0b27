"""Faults of a node, put before chosen starts of a workflow's scripts without a word of it in the workflow.

Or what those starts are, so that each can be started again by hand.

Python runs ``sitecustomize`` of the first folder on its path that has one, here the copy of ``src``.
"""

from pathlib import Path

HOOK = """
import os, signal, sys, time
from pathlib import Path

def meet(fault):
    if fault == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if fault == "fail":
        os._exit(1)
    if fault == "hang":
        time.sleep(3600)
    if fault == "hog":
        kept = []
        while True:
            kept.append(b"x" * (50 << 20))
            time.sleep(0.05)

for word in sys.orig_argv[1:2]:
    if word.startswith("workflow/scripts/"):
        for planned in sorted(Path("faults").glob(Path(word).stem + "-*"))[:1]:
            fault = planned.suffix[1:]
            planned.rename(Path("faults", "met " + planned.name))
            meet(fault)
"""


def plan_faults(folder: Path, script: str, *faults: str) -> None:
    """Let the next starts of a script in a workspace end by these faults, one a start.

    Args:
        folder: the workspace.
        script: its name in ``workflow/scripts``, without the ending.
        faults: ``kill`` (-9), ``fail`` (exit status 1), ``hang``, or ``hog`` (takes memory without end).
    """
    (folder / "src/sitecustomize.py").write_text(HOOK)
    (folder / "faults").mkdir(exist_ok=True)
    for number, fault in enumerate(faults):
        (folder / "faults" / f"{script}-{number}.{fault}").touch()


def faults_left(folder: Path) -> int:
    """How many of them no start has met yet."""
    return sum(not path.name.startswith("met ") for path in (folder / "faults").iterdir())


RECORD = """
import json, os, sys
from pathlib import Path

if sys.orig_argv[1:2] and sys.orig_argv[1].startswith("workflow/scripts/"):
    script = Path(sys.orig_argv[1]).stem
    Path("commands", f"{script}-{os.getpid()}.json").write_text(json.dumps(sys.orig_argv[1:]))
"""


def record_commands(folder: Path) -> None:
    """Let every start of a script in a workspace leave its command as JSON in the folder ``commands``."""
    (folder / "src/sitecustomize.py").write_text(RECORD)
    (folder / "commands").mkdir()
