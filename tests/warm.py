"""Scripts of the workflow in processes that have imported torch and pandas already: a start costs seconds.

A folder before others on ``PATH`` holds a ``python`` that hands its script, arguments, folder, environment
and streams to a server, which forks for it. It is the real Python wherever more than that is asked for, or
where a ``sitecustomize.py`` would be met. A job that is killed or asked to stop is so here as well.
"""

import atexit
import functools
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from pathlib import Path
from typing import Any

IMPORTED = ("torch", "torchvision.ops", "pandas", "h5py", "safetensors.torch", "PIL.Image", "tqdm")

MEASURED = "WARM_MEASURED"
"""Of a job's environment: a file that gets a line for it, script, peak memory in MiB and CPU seconds."""

CLIENT = """#!/bin/sh
exec {python} -S -E -s {file} {python} {address} "$@"
"""
HAND_OVER = """
import array, json, os, signal, socket, sys

python, address, *words = sys.argv[1:]

def really():
    os.execv(python, [python, *words])

folders = os.environ.get("PYTHONPATH", "").split(":")
plain = bool(words) and words[0].endswith(".py") and os.environ.get("OMP_NUM_THREADS") == "1"
if not plain or any(os.path.exists(os.path.join(folder, "sitecustomize.py")) for folder in folders if folder):
    really()
server = socket.socket(socket.AF_UNIX)
try:
    server.connect(address)
except OSError:
    really()
told = json.dumps([words, os.getcwd(), dict(os.environ)], ensure_ascii=False)
told = told.encode("utf-8", "surrogateescape")
streams = array.array("i", [0, 1, 2]).tobytes()
server.sendmsg([len(told).to_bytes(8, "big")], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, streams)])
server.sendall(told)
job = int.from_bytes(server.recv(8), "big")
for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
    signal.signal(number, lambda number, _: os.kill(job, number))
status = int.from_bytes(server.recv(8), "big", signed=True)
if status < 0:
    if -status not in (signal.SIGKILL, signal.SIGSTOP):
        signal.signal(-status, signal.SIG_DFL)
    os.kill(os.getpid(), -status)
os._exit(status)
"""


@functools.cache
def warm_folder() -> Path:
    """Start the server of this process; the folder that goes before others on ``PATH``."""
    made = tempfile.TemporaryDirectory(prefix="warm-")
    atexit.register(made.cleanup)
    folder = Path(made.name)
    (folder / "hand_over.py").write_text(HAND_OVER)
    names = {"python": sys.executable, "file": folder / "hand_over.py", "address": folder / "s"}
    (folder / "python").write_text(CLIENT.format(**names))
    (folder / "python").chmod(0o755)
    own = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [sys.executable, __file__, folder / "s"]
    server = subprocess.Popen(
        command, env=own | {"OMP_NUM_THREADS": "1"}, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert server.stdout is not None and server.stdout.readline()
    atexit.register(server.kill)
    return folder


def warm_python() -> Path:
    """The ``python`` that starts scripts so; with ``OMP_NUM_THREADS=1`` in their environment."""
    return warm_folder() / "python"


def serve(address: str) -> None:
    """Fork for whoever connects, until whoever started this is gone."""
    for name in IMPORTED:
        __import__(name)
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(address)
    listening.listen(64)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    print("ready", flush=True)
    while True:
        ready, _, _ = select.select([listening, sys.stdin], [], [])
        if sys.stdin in ready:
            return
        client, _ = listening.accept()
        if os.fork() == 0:
            listening.close()
            attend(client)
        client.close()


def attend(client: socket.socket) -> None:
    """Run what a client asks for, tell it the end, and kill the job if the client goes before."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    head, streams, _, _ = socket.recv_fds(client, 8, 3)
    size, told = int.from_bytes(head, "big"), b""
    while len(told) < size:
        told += client.recv(size - len(told))
    asked = json.loads(told.decode("utf-8", "surrogateescape"))
    if (job := os.fork()) == 0:
        client.close()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        run(*asked)
    for stream in (0, 1, 2, *streams):
        os.close(stream)
    try:
        client.sendall(job.to_bytes(8, "big"))
        ended = os.pidfd_open(job)
        ready, _, _ = select.select([client, ended], [], [])
        if ended not in ready:
            os.kill(job, signal.SIGKILL)
        _, ended_by, took = os.wait4(job, 0)
        status = os.waitstatus_to_exitcode(ended_by)
        if MEASURED in asked[2]:  # since Snakemake sees the client alone
            line = f"{Path(asked[0][0]).stem} {took.ru_maxrss / 1024} {took.ru_utime + took.ru_stime}\n"
            with open(asked[2][MEASURED], "a") as file:
                file.write(line)
        client.sendall(status.to_bytes(8, "big", signed=True))
    except OSError:
        os.kill(job, signal.SIGKILL)
    os._exit(0)


def run(words: list[str], folder: str, environment: dict[str, str]) -> None:
    """Be the script: as ``python script.py arguments`` would in a folder and an environment."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    # as Python fills it: the script's folder, PYTHONPATH, its own
    own = [path for path in sys.path[1:] if path]
    named = [path for path in environment.get("PYTHONPATH", "").split(":") if path]
    sys.path[:] = [os.path.dirname(os.path.realpath(words[0])), *named, *own]
    sys.argv, sys.orig_argv = words, [sys.executable, *words]
    status: Any = 0
    try:
        runpy.run_path(words[0], run_name="__main__")
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
        status = 1
    try:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        sys.stdout.flush(), sys.stderr.flush()
    finally:
        os._exit(status)


if __name__ == "__main__":
    serve(sys.argv[1])
