"""What job arrays of SLURM would be submitted for a prior in many shards, looked at without a cluster.

    python benchmarks/submitted.py --shards 1000
    python benchmarks/submitted.py --shards 1000 --device cuda --limit 500

The world of the smoke configuration is drawn in an empty folder, a person a shard, which takes a minute;
then Snakemake submits the shards of its prior to commands that stand in for SLURM's: ``sbatch`` writes down
what it gets. That every shard is in one task of one array, and in no other, is checked; what arrays ask for
is printed.
"""

import argparse
import base64
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
import zlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import yaml
from scale import PARTS, ROOT

MOST = 4 << 20
"""Bytes of a script that SLURM takes (``max_script_size``), where nobody has set another."""

SBATCH = """#!{python}
import json, os, sys
script = sys.stdin.read() if sys.argv[-1] == "/dev/stdin" else ""
with open(os.environ["SUBMITTED"], "a") as file:
    file.write(json.dumps([sys.argv[1:], script]) + "\\n")
print(os.getpid())
"""
STAND_INS = {
    "sbatch": SBATCH.format(python=sys.executable),
    "scontrol": "#!/bin/sh\necho 'MaxArraySize = 1001'; echo 'MinJobAge = 300'\n",
    "sinfo": "#!/bin/sh\necho 'all*'\n",
    "squeue": "#!/bin/sh\n",
    "sacct": "#!/bin/sh\nexit 1\n",
    "sacctmgr": "#!/bin/sh\nexit 1\n",
}


CONFIGURED = ["--configfile", "configs/smoke.yaml", "shards.yaml"]
SNAKEMAKE = [sys.executable, "-m", "snakemake", *CONFIGURED]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "src")}


@dataclass(frozen=True)
class Array:
    """An array as ``sbatch`` gets it.

    Attributes:
        asked: options of the call.
        tasks: first and last number.
        shards: the shard of each task, in order.
        script: bytes of its script.
    """

    asked: dict[str, str]
    tasks: tuple[int, int]
    shards: list[int]
    script: int


def shard_of(command: str) -> int:
    """The shard that a task's command makes."""
    return int(re.findall(r"shard=(\d+)", command)[0])


def read_array(words: list[str], script: str) -> Array:
    """Read a call of ``sbatch``: its first task stands in the script, the others in a table beside it."""
    joined = " ".join(words)
    wrapped = re.search(r"--wrap=(.*)", joined, re.S)
    body = script or (wrapped[1] if wrapped else "")
    table = re.search(r"--slurm-jobstep-array-execs[=\s]+'?([A-Za-z0-9+/=]+)", body)
    further = json.loads(base64.b64decode(table[1])) if table else {}
    commands = [zlib.decompress(bytes.fromhex(one)).decode() for one in further.values()]
    first, last = map(int, re.findall(r"--array=(\d+)-(\d+)", joined)[0])
    names = ("mem", "cpus-per-task", "gpus", "partition")
    found = {name: re.search(rf"--{name}[= ](\S+)", joined) for name in names}
    found["t"] = re.search(r"(?:^| )-t (\S+)", joined)
    asked = {name: match[1] for name, match in found.items() if match}
    return Array(asked, (first, last), [shard_of(one) for one in (body, *commands)], len(body))


def submitted(
    folder: Path, shards: int, device: str, limit: int, jobs: int, patience: float = 600
) -> list[Array]:
    """Let Snakemake submit the shards of the smoke configuration's prior.

    Args:
        folder: where it runs, empty.
        shards: of the prior.
        device: as in the configuration.
        limit: tasks of an array.
        jobs: in the queue at a time; no more are submitted.
        patience: seconds until it is asked no further.
    """
    draw(folder, shards)
    stand_ins, record = folder / "slurm", folder / "submitted.jsonl"
    stand_ins.mkdir()
    for name, text in STAND_INS.items():
        (stand_ins / name).write_text(text)
        (stand_ins / name).chmod(0o755)
    path = f"{stand_ins}:{os.environ['PATH']}"
    words = f"""--workflow-profile profiles/slurm --config device={device} --jobs {jobs}
        --slurm-array-jobs gradcam --slurm-array-limit {limit} --max-jobs-per-timespan {jobs}/1s
        --slurm-init-seconds-before-status-checks 3600"""  # no job ever ends
    store = "results/data/smoke/priors/ofa-world-body.h5"
    with (folder / "said.txt").open("w") as said:
        run = subprocess.Popen(
            [*SNAKEMAKE, *words.split(), "--", store],
            cwd=folder,
            env={**ENVIRONMENT, "PATH": path, "SUBMITTED": str(record)},
            stdout=said,
            stderr=subprocess.STDOUT,
        )
    end, found = time.monotonic() + patience, list[Array]()
    while run.poll() is None and time.monotonic() < end and tasks_of(found) < min(shards, jobs):
        time.sleep(1)
        whole = record.read_text().rpartition("\n")[0] if record.exists() else ""
        found = [read_array(*json.loads(line)) for line in whole.splitlines()]
    run.kill()
    run.wait()
    if not found:
        sys.exit((folder / "said.txt").read_text()[-3000:])
    return found


def draw(folder: Path, shards: int) -> None:
    """Draw the world, and find its bodies."""
    for name in (*PARTS, "envs"):
        (folder / name).symlink_to(ROOT / name)
    people = max(240, shards - 80)  # with the 80 to be tested, a person a shard
    overlay = {
        "priors": {"ofa-world": {"shards": shards}},
        "datasets": {"smoke": {"train_people": people}},
    }
    (folder / "shards.yaml").write_text(yaml.safe_dump(overlay))
    words = ["--cores", "2", "--quiet", "all", "--", "results/data/smoke/bodies.parquet"]
    subprocess.run([*SNAKEMAKE, *words], cwd=folder, env=ENVIRONMENT, check=True)


def tasks_of(arrays: list[Array]) -> int:
    """How many tasks arrays have together."""
    return sum(len(array.shards) for array in arrays)


def wrong(arrays: list[Array], shards: int) -> str:
    """What is wrong with arrays of so many shards; empty where nothing is."""
    made = Counter(shard for array in arrays for shard in array.shards)
    if made != Counter(range(1, shards + 1)):
        return f"{len(made)} of {shards} shards, {sum(made.values())} tasks"
    sizes = [last - first + 1 for first, last in (array.tasks for array in arrays)]
    if sizes != [len(array.shards) for array in arrays]:
        return f"arrays of {sizes} tasks, commands for {[len(array.shards) for array in arrays]}"
    if big := [array.script for array in arrays if array.script > MOST]:
        return f"scripts of {big} bytes, where SLURM takes {MOST}"
    return ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--shards", type=int, default=1000)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--limit", type=int, default=1000, help="tasks of an array")
    parser.add_argument("--jobs", type=int, default=100_000, help="in the queue at a time")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        arrays = submitted(
            Path(folder), options.shards, options.device, options.limit, options.jobs
        )
    for array in arrays:
        asked = " ".join(f"{shlex.quote(name)}={value}" for name, value in array.asked.items())
        print(
            f"array {array.tasks[0]}-{array.tasks[1]}, script of {array.script / 1e6:.2f} MB: {asked}"
        )
    sys.exit(wrong(arrays, options.shards) or None)


if __name__ == "__main__":
    main()
