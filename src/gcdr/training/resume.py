"""The state of a training run that was stopped: kept beside its output, gone when it is done.

The workflow deletes declared outputs before a job and after its failure, so the state lies in a hidden
folder that is none. The folder's name carries a digest of everything that decides the result: a run
with other settings, inputs or code never goes on from it.
"""

import hashlib
import json
import math
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gcdr.base.errors import InputError
from gcdr.base.files import atomic, file_digest, text_digest
from gcdr.base.plain import JsonTable
from gcdr.base.stopping import stop_asked, stop_held, stop_if_asked
from gcdr.data.hdf5 import attributes_of_hdf5

SAVE_SECONDS = 120.0
INTERVAL = "GCDR_SAVE_SECONDS"  # variable of the environment with others


class Checkpoint:
    """Where a run keeps its state, and when.

    Args:
        path: the file.
        seconds: least time between two savings; 0 saves after every step. None: those of the variable
            ``GCDR_SAVE_SECONDS``, else ``SAVE_SECONDS``.
        keeps: whether this process writes the file; for one that does not, it is time only to stop.

    Raises:
        InputError: the variable is not a number of seconds.
    """

    def __init__(self, path: Path, seconds: float | None = None, keeps: bool = True) -> None:
        self.path, self.keeps = path, keeps
        self.seconds = _interval() if seconds is None else seconds
        self._last = time.monotonic()

    def due(self) -> bool:
        """Whether it is time to save: the last time is long ago, or the process shall stop."""
        long_ago = time.monotonic() - self._last >= self.seconds
        return stop_asked() or (self.keeps and long_ago)

    def write(self, parts: Mapping[str, Any], progress: Mapping[str, Any]) -> None:
        """Save ``parts`` (with ``state_dict``), torch's random state and ``progress`` (plain values).

        Where the disk does not take it, that is said and the training goes on: what is lost is the time since
        the state before, if it is ever stopped. A process that was asked to stop ends here.
        """
        if self.keeps:
            self._save(parts, progress)
        stop_if_asked()

    def _save(self, parts: Mapping[str, Any], progress: Mapping[str, Any]) -> None:
        state = {
            "parts": {name: part.state_dict() for name, part in parts.items()},
            "random": torch.get_rng_state(),
            "random_cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else [],
            "progress": dict(progress),
            "made_on": _machine(),
        }
        state["digest"] = _digest(state)
        self._last = time.monotonic()
        try:
            # PyTorch's own file says nothing of the disk's reason when it fails.
            with atomic(self.path) as temporary, temporary.open("wb") as file:
                torch.save(state, file)
        except InputError as error:
            print(f"{error}; going on without keeping the state", flush=True)

    def read(self, parts: Mapping[str, Any]) -> JsonTable | None:
        """Put ``parts`` and torch's random state back; the progress, or None if nothing was kept.

        A state that cannot be read, or is not as it was written, is said and left aside: the run then begins
        at its first step.
        """
        try:
            state = torch.load(self.path, map_location="cpu", weights_only=True)
            if not isinstance(state, dict) or state.pop("digest", None) != _digest(state):
                raise InputError("its content is not what was written")
        except FileNotFoundError:
            return None
        except Exception as error:  # a flipped bit ends the reader in any of a dozen ways
            reason = str(error).partition("\n")[0]
            print(f"{self.path}: cannot be read, beginning again ({reason})", flush=True)
            return None
        for name, part in parts.items():
            part.load_state_dict(state["parts"][name])
        torch.set_rng_state(state["random"])
        here = torch.cuda.device_count()  # another machine may have fewer
        if state["random_cuda"] and here:
            torch.cuda.set_rng_state_all(state["random_cuda"][:here])
        if (made_on := state.get("made_on")) not in (None, _machine()):
            print(
                f"the state was made on {made_on}; going on with {_machine()}: its last bits may differ",
                flush=True,
            )
        print(f"going on after step {state['progress']['step']}", flush=True)
        return state["progress"]


def _digest(state: object) -> str:
    """SHA-256 of all values of a state, wherever its tensors are."""
    whole = hashlib.sha256()

    def add(value: object) -> None:
        if isinstance(value, Tensor):
            whole.update(f"{value.dtype} {list(value.shape)}".encode())
            whole.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
        elif isinstance(value, Mapping):
            whole.update(f"{len(value)} entries".encode())
            for key, entry in value.items():
                whole.update(repr(key).encode())
                add(entry)
        elif isinstance(value, list | tuple):
            whole.update(f"{len(value)} values".encode())
            for entry in value:
                add(entry)
        else:
            whole.update(repr(value).encode())

    add(state)
    return whole.hexdigest()


def _machine() -> str:
    """What computes here, of what changes bits."""
    # Asking for the name would start CUDA in a training that has nothing to do with the GPU.
    gpu = torch.cuda.get_device_name() if torch.cuda.is_initialized() else "CPU"
    return f"torch {torch.__version__}, {gpu}"


def _interval() -> float:
    text = os.environ.get(INTERVAL, "").strip()
    try:
        seconds = float(text) if text else SAVE_SECONDS
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < math.inf:
        raise InputError(f"{INTERVAL}: found {text!r}, expected seconds, 0 or more")
    return seconds


@contextmanager
def resumable(
    out: Path, settings: Any, inputs: list[Path | None], keeps: bool = True
) -> Iterator[Checkpoint]:
    """A checkpoint for the run that makes ``out``, removed when the block succeeds.

    A process that is asked to stop within the block does so once the state is kept.

    Args:
        out: the folder of the model; the state lies beside it.
        settings: plain values that decide the result, the seed among them.
        inputs: files and folders that decide it, the code (:func:`gcdr.base.provenance.code_of`) among them;
            None is skipped.
        keeps: whether it writes and removes states; else it reads one, as further processes of a run do.
    """
    known = [_identity(path) for path in inputs if path is not None]
    key = text_digest(json.dumps(settings, sort_keys=True), *known)
    folder = out.parent / f".{out.name}.resume-{key[:16]}"
    for other in out.parent.glob(f".{out.name}.resume-*") if keeps else ():
        if other != folder:
            print(
                f"{other}: the state of a stopped run with other settings, inputs or code; beginning again",
                flush=True,
            )
            shutil.rmtree(other, ignore_errors=True)
    with stop_held():
        yield Checkpoint(folder / "state.pt", keeps=keeps)
    if keeps:
        shutil.rmtree(folder, ignore_errors=True)


def _identity(path: Path) -> str:
    """Digest of a file's or folder's content: a date would be another one after a move to the next machine.

    Stores say theirs by themselves, however large they are, and are compared with it as they are read.
    """
    if path.is_dir():
        return text_digest(*(_identity(entry) for entry in sorted(path.iterdir())))
    if path.suffix == ".h5":
        with suppress(InputError):  # the training says what is wrong with it
            if found := attributes_of_hdf5(path).get("content"):
                return str(found)
    return file_digest(path)
