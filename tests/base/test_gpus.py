"""Jobs on one machine have a GPU each. The devices are pretended: what is tried is who takes which."""

import os
import select
import subprocess
import sys
from pathlib import Path

import pytest

from gcdr.base.errors import InputError
from gcdr.base.gpus import SHARED, VISIBLE, share_gpus, take_gpus, visible_gpus

JOB = """
import sys
from gcdr.base.gpus import take_gpus
print(",".join(take_gpus(int(sys.argv[1]))), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Of jobs that share three devices, with locks of their own."""
    return {
        "PYTHONPATH": ":".join(sys.path),
        "TMPDIR": str(tmp_path),
        SHARED: "0,GPU-1,7",
    }


def start(environment: dict[str, str], count: int = 1) -> subprocess.Popen[str]:
    """A job of so many devices that ends when its input does."""
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    command = [sys.executable, "-c", JOB, str(count)]
    return subprocess.Popen(command, env=environment, text=True, **pipes)


def device_of(job: subprocess.Popen[str]) -> str:
    return job.stdout.readline().strip()


@pytest.mark.parametrize("kill", [False, True])
def test_four_jobs_on_three_devices_share_none(environment: dict[str, str], kill: bool) -> None:
    """The fourth waits, and says so; a device is free again when its job ends, also when it is killed."""
    jobs = [start(environment) for _ in range(3)]
    taken = [device_of(job) for job in jobs]
    assert sorted(taken) == ["0", "7", "GPU-1"]
    fourth = start(environment)
    assert fourth.stderr.readline() == "waiting for one of the GPUs 0,GPU-1,7\n"
    if kill:
        jobs[1].kill()
    else:
        jobs[1].stdin.close()
    assert device_of(fourth) == taken[1]
    for job in (jobs[0], jobs[2], fourth):
        job.communicate("")


def test_launches_of_several_devices_do_not_wait_for_each_other(
    environment: dict[str, str],
) -> None:
    """Each needs two of three, one of which is taken: whoever gathers has both before the other begins."""
    one = start(environment)
    assert device_of(one) == "0"
    launches = [start(environment | {SHARED: devices}, 2) for devices in ("0,GPU-1,7", "7,GPU-1,0")]
    first = select.select([launch.stdout for launch in launches], [], [], 30)[0]
    assert len(first) == 1
    launches.sort(key=lambda launch: launch.stdout not in first)
    taken = device_of(launches[0]).split(",")
    assert sorted(taken) == ["7", "GPU-1"]
    one.communicate("")
    launches[0].communicate("")
    assert len(set(device_of(launches[1]).split(","))) == 2
    launches[1].communicate("")


def test_more_processes_than_devices_are_refused_before_anybody_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(SHARED, "0,1")
    with pytest.raises(InputError, match="processes: found 3, expected at most 2"):
        take_gpus(3)
    for devices in (["0"], ["0", "1"]):
        with pytest.raises(InputError, match="processes: found 3, expected at most"):
            share_gpus(devices, 3)
    share_gpus([], 3)  # on the CPU


@pytest.mark.slow
def test_a_job_sees_its_device_alone_and_takes_one_only(environment: dict[str, str]) -> None:
    """Also where it chooses a device twice."""
    script = (
        "import os; from gcdr.base.device import pick_device;"
        "pick_device('auto'); pick_device('auto'); print(os.environ['CUDA_VISIBLE_DEVICES'])"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], env=environment, text=True, capture_output=True, check=True
    )
    assert run.stdout.strip() == "0"


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (None, ["0", "1"]),
        ("", []),
        ("3, GPU-a", ["3", "GPU-a"]),
        ("1,-1,2", ["1"]),
    ],
)
def test_devices_are_those_that_the_user_allows(
    said: str | None, found: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for device in ("a", "b"):
        (tmp_path / device).mkdir()
    monkeypatch.delenv(VISIBLE, raising=False)
    if said is not None:
        monkeypatch.setenv(VISIBLE, said)
    assert visible_gpus(tmp_path) == found


def test_one_device_is_not_handed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who names it may have several jobs on it."""
    monkeypatch.delenv(SHARED, raising=False)
    share_gpus(["2"])
    assert SHARED not in os.environ
