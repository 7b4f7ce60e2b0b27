"""Files that are whole or absent: what killed processes left goes, and a full disk is one line."""

import errno
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gcdr.base.errors import InputError
from gcdr.base.files import atomic, disk_trouble, read_json, write_json, write_sealed

HOLDING = (
    "import sys, time\n"
    "from gcdr.base.files import atomic\n"
    "with atomic(sys.argv[1]) as temporary:\n"
    "    temporary.write_text('half')\n"
    "    print('there', flush=True)\n"
    "    time.sleep(60)\n"
)


def test_what_a_killed_process_left_goes_and_what_a_living_one_writes_stays(tmp_path: Path) -> None:
    path = tmp_path / "samples-56.h5"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDING, str(path)], stdout=subprocess.PIPE, env=environment
    )
    assert holder.stdout is not None and holder.stdout.readline() == b"there\n"
    (tmp_path / ".samples-56.h5.abcd_123").mkdir()
    others = [
        ".samples-56.h5.resume-0123456789abcdef",
        ".samples-560.h5.abcd_123",
        "samples-56.h5.a",
    ]
    for name in others:
        (tmp_path / name).mkdir()
    write_json(path, 1)
    assert not (tmp_path / ".samples-56.h5.abcd_123").exists()
    alive = [entry.name for entry in tmp_path.iterdir() if entry.name not in (*others, path.name)]
    assert len(alive) == 1  # the holder's
    holder.kill()
    holder.wait()
    holder.stdout.close()
    write_json(path, 2)
    assert {entry.name for entry in tmp_path.iterdir()} == {*others, path.name}


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        RuntimeError("Problems closing file (file write failed: errno = 28, error message = 'x')"),
        ValueError("Error while serializing: I/O error: No space left on device (os error 28)"),
        OSError(
            "[Errno 28] Error writing bytes to file. Detail: [errno 28] No space left on device"
        ),
    ],
)
def test_a_full_disk_is_told_from_what_libraries_say(tmp_path: Path, error: Exception) -> None:
    path = tmp_path / "a.json"
    write_json(path, "old")
    said = r"a\.json: cannot be written \(No space left on device\)"
    with pytest.raises(InputError, match=said), atomic(path) as temporary:
        temporary.write_text("half")
        raise error
    assert path.read_text() == '"old"\n' and list(tmp_path.iterdir()) == [path]


def test_other_errors_are_not_the_disk_s() -> None:
    for error in (
        OSError(errno.ENOENT, "gone"),
        ValueError("errno = 2"),
        InputError("28 os error 28"),
    ):
        assert disk_trouble(error) == ""


STOPPED = (
    "import sys, time\n"
    "from gcdr.base.command import run\n"
    "from gcdr.base.files import atomic\n"
    "def main():\n"
    "    with atomic(sys.argv[1]) as temporary:\n"
    "        temporary.write_text('half')\n"
    "        print('there', flush=True)\n"
    "        time.sleep(60)\n"
    "run(main)\n"
)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_job_stops_at_once_and_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    job = subprocess.Popen(
        [sys.executable, "-c", STOPPED, str(tmp_path / "a.h5")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        text=True,
        preexec_fn=partial(signal.signal, number, signal.SIG_DFL),  # nohup lets signals be ignored
    )
    assert job.stdout is not None and job.stdout.readline() == "there\n"
    job.send_signal(number)
    _, said = job.communicate(timeout=30)  # it would sleep for longer
    assert job.returncode == 128 + number and said.splitlines()[-1] == f"stopped by {number.name}"
    assert "Traceback" not in said and not list(tmp_path.iterdir())


FORKED = """
import os, signal, time
from gcdr.base.command import run

def main():
    os.register_at_fork(after_in_parent=lambda: os.kill(os.getpid(), signal.SIGTERM))
    if os.fork():
        time.sleep(60)

run(main)
"""
COLLECTED = """
import os, signal, time, weakref
from gcdr.base.stopping import hear_interrupts

class Task:
    pass

hear_interrupts()
task = Task()
watched = weakref.ref(task, lambda _: os.kill(os.getpid(), signal.SIGINT))
try:
    del task
    time.sleep(60)
except KeyboardInterrupt:
    raise SystemExit(128 + signal.SIGINT)
"""


@pytest.mark.parametrize(
    ("script", "number"), [(FORKED, signal.SIGTERM), (COLLECTED, signal.SIGINT)]
)
def test_a_process_stops_wherever_the_signal_finds_it(script: str, number: signal.Signals) -> None:
    """Python swallows what is raised in functions that it calls after a fork or where an object dies."""
    job = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=50,
        preexec_fn=partial(signal.signal, number, signal.SIG_DFL),
    )
    assert job.returncode == 128 + number and "Exception ignored" not in job.stderr


def test_a_log_that_cannot_be_written_ends_in_no_stack(tmp_path: Path) -> None:
    script = "from gcdr.base.command import run\nrun(lambda: print('x' * 100))\n"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", script]
    with open("/dev/full", "w") as full:
        job = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, env=environment
        )
    assert job.returncode == 2 and "Traceback" not in job.stderr
    assert "cannot be written (No space left on device)" in job.stderr.splitlines()[-1]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "content", ["[1, 2", '{"a": ' + "9" * 5000 + "}", "[" * 100_000, b"\xff\xfe1"]
)
def test_what_is_no_json_is_named(tmp_path: Path, content: str | bytes) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError, match=r"a\.json: not valid JSON"):
        read_json(path)


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b'\xef\xbb\xbf{"a": 1}')
    assert read_json(path) == {"a": 1}


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    content=st.dictionaries(st.text(), VALUES, max_size=3),
    key=st.integers(),
    bit=st.integers(min_value=0),
)
def test_a_sealed_object_is_read_as_it_was_written_or_not_at_all(
    tmp_path: Path, content: dict[str, object], key: int, bit: int
) -> None:
    path = tmp_path / "sealed.json"
    write_sealed(path, {**content, "numbered": {key: 1}})
    right = {**content, "numbered": {str(key): 1}}
    assert read_json(path) == right
    written = bytearray(path.read_bytes())
    written[bit // 8 % len(written)] ^= 1 << bit % 8
    path.write_bytes(written)
    try:
        found = read_json(path)
    except InputError as error:
        assert str(path) in str(error)
    else:  # a blank, or the name of the digest itself
        assert {name: found[name] for name in right} == right
