"""Which GPUs a machine has, and one of them for each job: Snakemake counts devices but hands none out.

Snakemake's process lists the devices in ``GCDR_GPUS``. A job locks a file for the one that it takes; the
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


def share_gpus(devices: Sequence[str]) -> None:
    """Have the jobs that this process starts take one of several devices each."""
    if len(devices) > 1:
        os.environ[SHARED] = ",".join(devices)


def take_gpu() -> str | None:
    """Take one of the devices that jobs share, as the only one that this process sees; wait for a free one.

    Returns:
        the device; None where none are shared: there is one at the most, or SLURM hands them out.
    """
    devices = os.environ.pop(SHARED, None)
    if devices is None or _held:
        return None
    taken = _lock(devices.split(","))
    if taken is None:
        print(f"waiting for one of the GPUs {devices}", file=sys.stderr, flush=True)
        while taken is None:
            time.sleep(PAUSE)
            taken = _lock(devices.split(","))
    os.environ[VISIBLE] = taken
    return taken


def _lock(devices: Iterable[str]) -> str | None:
    """The first device that nobody holds, held from now on."""
    for device in devices:
        name = f"gcdr-gpu-{os.getuid()}-{device.replace('/', '_')}.lock"
        file = Path(tempfile.gettempdir(), name).open("a")  # noqa: SIM115  closed with the process
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
        else:
            _held.append(file)
            return device
    return None
