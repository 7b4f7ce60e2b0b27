"""Files that are read at random, copied to a disk of the node: a shared one answers each small read late.

Off unless the environment variable ``GCDR_SCRATCH`` names a folder; it may name variables of the node in turn
(``$TMPDIR``, ``/scratch/$SLURM_JOB_ID``). No result depends on it.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from gcdr.base.errors import InputError
from gcdr.base.files import state_size

SCRATCH = "GCDR_SCRATCH"


def near(path: Path) -> Path:
    """A copy of a file on the node's own disk, removed when this process ends; the file itself by default.

    It is also the file itself, and said, where the folder cannot be written or has no room.
    """
    folder = os.path.expandvars(os.environ.get(SCRATCH, ""))
    if not folder:
        return path
    try:
        if "$" in folder:
            raise InputError(f"{SCRATCH}: found {folder}, a variable that is not set here")
        state_size(Path(folder, path.name), path.stat().st_size)
        Path(folder).mkdir(parents=True, exist_ok=True)
        own = tempfile.mkdtemp(prefix="gcdr-", dir=folder)
        atexit.register(shutil.rmtree, own, ignore_errors=True)
        return Path(shutil.copy2(path, own))
    except (OSError, InputError) as error:
        print(f"{error}; reading {path} where it is", flush=True)
        return path
