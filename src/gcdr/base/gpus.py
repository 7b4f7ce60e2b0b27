"""Which GPUs a machine has, and some of them for each job: Snakemake counts devices but hands none out.

Snakemake's process lists the devices in ``GCDR_GPUS``. A job locks a file for each that it takes; the
system frees it when the job ends, however that is. No torch: planning asks, and a job must have chosen before
CUDA is looked at.
"""

import fcntl
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from io import TextIOWrapper
from pathlib import Path

from gcdr.base.errors import InputError

VISIBLE = "CUDA_VISIBLE_DEVICES"
SHARED = "GCDR_GPUS"
DRIVER = Path("/proc/driver/nvidia/gpus")
PAUSE = 0.2  # seconds between two looks at devices that are all taken
_held: list[TextIOWrapper] = []  # open as long as the process lives


def visible_gpus(driver: Path = DRIVER) -> list[str]:
    """Devices that a process may use, as CUDA calls them: of ``CUDA_VISIBLE_DEVICES``, else all by number."""
    said = os.environ.get(VISIBLE)
    if said is None:
        return [str(number) for number, _ in enumerate(driver.iterdir())] if driver.is_dir() else []
    devices = [device.strip() for device in said.split(",")]
    return devices[: devices.index("-1")] if "-1" in devices else [one for one in devices if one]


def share_gpus(devices: Sequence[str], processes: int = 1) -> None:
    """Have the jobs that this process starts take some of several devices each.

    Args:
        devices: as CUDA calls them.
        processes: how many a training asks for at once.

    Raises:
        InputError: those are more than there are.
    """
    if devices:
        _check_enough(devices, processes)
    if len(devices) > 1:
        os.environ[SHARED] = ",".join(devices)


def take_gpus(count: int = 1) -> list[str]:
    """Take some of the devices that jobs share, as all that this process sees; wait until so many are free.

    Of jobs that take several one alone gathers at a time, so that no two wait for each other.

    Returns:
        the devices; none where none are shared: there is one at the most, or SLURM hands them out.

    Raises:
        InputError: there are fewer than that.
    """
    shared = os.environ.pop(SHARED, None)
    if shared is None or _held:
        return []
    devices = shared.split(",")
    _check_enough(devices, count)
    with _lock_file("gathering") as gathering:
        if count > 1:
            fcntl.flock(gathering, fcntl.LOCK_EX)
        taken = _lock(devices, count)
        if len(taken) < count:
            ask = "one" if count == 1 else str(count)
            print(f"waiting for {ask} of the GPUs {shared}", file=sys.stderr, flush=True)
        while len(taken) < count:
            time.sleep(PAUSE)
            taken += _lock([one for one in devices if one not in taken], count - len(taken))
    os.environ[VISIBLE] = ",".join(taken)
    return taken


def _check_enough(devices: Sequence[str], processes: int) -> None:
    if processes > len(devices):
        raise InputError(
            f"processes: found {processes}, expected at most {len(devices)}, as many as there are GPUs "
            f"({','.join(devices)}); or device: cpu"
        )


def _lock_file(name: str) -> TextIOWrapper:
    """A file of this user's that is locked, opened."""
    return Path(tempfile.gettempdir(), f"gcdr-gpu-{os.getuid()}-{name}.lock").open("a")


def _lock(devices: Iterable[str], count: int) -> list[str]:
    """The first devices that nobody holds, so many at the most, held from now on."""
    taken: list[str] = []
    for device in devices:
        if len(taken) == count:
            break
        file = _lock_file(device.replace("/", "_"))
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
        else:
            _held.append(file)
            taken.append(device)
    return taken
