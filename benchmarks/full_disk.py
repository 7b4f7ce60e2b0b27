r"""A full disk at every stage: one line each, old files whole, and nothing left behind.

    python benchmarks/full_disk.py

Every stage writes its artefact once, and then again with a limit on the size of files (``RLIMIT_FSIZE``),
which is to a program what a full disk is: writes fail half-way. The limit is tried at several parts of the
file's size. A case is right where ``InputError`` says it in one line, what was there before is there still to
the byte, and no temporary file stays. It runs in a process of its own; write what it prints to a pipe.
"""

import hashlib
import resource
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import good_files as good
import torch
from good_files import IDS

from gcdr.base.errors import InputError
from gcdr.base.files import write_json
from gcdr.data.stores import concatenate_priors, merge_priors
from gcdr.report.typeset import write_text
from gcdr.training.resume import Checkpoint

PARTS = (0.0, 0.05, 0.5, 0.95)


def concatenated(folder: Path) -> Path:
    parts = sorted((folder / "parts").glob("*.h5")) or [
        good.prior(folder, f"parts/{n}.h5", part) for n, part in enumerate((IDS[:6], IDS[6:]))
    ]
    concatenate_priors(parts, folder / "whole.h5")
    return folder / "whole.h5"


def merged(folder: Path) -> Path:
    if not (folder / "merged.h5").exists():
        return good.merged(folder)
    merge_priors(sorted((folder / "merged").glob("*.h5")), folder / "merged.h5")
    return folder / "merged.h5"


def text(folder: Path) -> Path:
    write_text("page " * 4000, folder / "report.html")
    return folder / "report.html"


def numbers(folder: Path) -> Path:
    write_json(folder / "metrics.json", list(range(4000)))
    return folder / "metrics.json"


STAGES: dict[str, Callable[[Path], Path]] = {
    "read: manifest": good.manifest,
    "read: annotations": good.annotations,
    "detect: bodies": good.bodies,
    "samples: picture cache": good.cache,
    "gradcam: block or import": good.prior,
    "gradcam: shard": concatenated,
    "merge": merged,
    "split": good.split,
    "teachers, students": good.weights,
    "refine, predict": good.labels,
    "evaluate, sweep": numbers,
    "report, gallery": text,
}


def contents(folder: Path) -> dict[str, str]:
    """Digest of every file below a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def with_limit(size: int, write: Callable[[], object]) -> str:
    """What writing says where no file may be larger than ``size`` bytes."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        write()
    except InputError as error:
        return "line" if "cannot be written (File too large)" in str(error) else f"{error}"
    except BaseException as error:
        return f"{type(error).__name__}: {str(error)[:200]}"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    return "written all the same"


def outcome(make: Callable[[Path], Path], part: float) -> str:
    """``line``, or what went wrong."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = make(folder)
        before = contents(folder)
        said = with_limit(int(path.stat().st_size * part), lambda: make(folder))
        after = contents(folder)
        if said != "line":
            return said
        if after != before:
            return f"changed or left: {sorted(set(after.items()) ^ set(before.items()))[:3]}"
        left = [path.name for path in folder.rglob(".*")]
        return f"left {left}" if left else "line"


def training_goes_on(folder: Path) -> str:
    """A training state that cannot be kept is said, and the training goes on."""
    model = torch.nn.Linear(64, 64)
    kept = Checkpoint(folder / "state.pt", 0)
    said = with_limit(1000, lambda: kept.write({"model": model}, {"step": 1}))
    return "line" if said == "written all the same" and not list(folder.iterdir()) else said


def main() -> int:
    wrong = 0
    for name, make in STAGES.items():
        found = {outcome(make, part) for part in PARTS}
        wrong += found != {"line"}
        print(f"{name}: {', '.join(sorted(found))}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        found = training_goes_on(Path(folder))
        wrong += found != "line"
        print(f"training state: {found}", flush=True)
    print(f"{len(STAGES) + 1} stages at {len(PARTS)} limits, {wrong} wrong")
    return wrong


if __name__ == "__main__":
    sys.exit(bool(main()))
