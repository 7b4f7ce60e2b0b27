r"""Digests of everything that a run computed: the net under a redesign.

    python benchmarks/digest.py --run --out new.txt               # smoke and one study of the demo
    python benchmarks/digest.py --results results --out new.txt   # of results that are there
    python benchmarks/digest.py --compare benchmarks/digests/before.txt new.txt \
        --names benchmarks/digests/names.json

A digest is of content: the tensors of weights, the arrays of stores, the columns of tables, the numbers
of metrics. Containers differ from run to run, and cards and attributes name paths and settings, which a
redesign may change; neither counts. Numbers depend on the machine, so both sides are to be made on one.
``--names`` takes a JSON list of [regular expression, replacement] that turns old paths into new ones.
"""

import argparse
import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from safetensors.numpy import load_file

RUNS = (["--configfile", "configs/smoke.yaml"], [])
LEFT_OUT = ("benchmarks/", "/figures/", "model.json", "card.json", "/images/", "timing")
NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")


def array_parts(array: np.ndarray) -> Iterator[bytes]:
    """Shape, type and bytes of an array; text by its characters."""
    if array.dtype.kind in "OSU":
        yield json.dumps([str(value) for value in array.ravel()]).encode()
    else:
        yield f"{array.shape}{array.dtype}".encode()
        yield np.ascontiguousarray(array).tobytes()


def weights(path: Path) -> Iterator[bytes]:
    """Every tensor of a safetensors file."""
    for name, tensor in sorted(load_file(path).items()):
        yield name.encode()
        yield from array_parts(tensor)


def store(path: Path) -> Iterator[bytes]:
    """Every array of an HDF5 file; attributes say how it was made, and do not count."""
    with h5py.File(path, "r") as file:
        for name in sorted(file):
            if name.endswith("_checksum"):  # of the others
                continue
            text = h5py.check_string_dtype(file[name].dtype)
            yield name.encode()
            yield from array_parts(file[name].asstr()[:] if text else file[name][:])


def table(path: Path) -> Iterator[bytes]:
    """Every column of a Parquet file."""
    frame = pd.read_parquet(path)
    for name in sorted(frame):
        yield name.encode()
        yield frame[name].to_json(double_precision=15).encode()


def numbers(path: Path) -> Iterator[bytes]:
    """The numbers of a JSON file under their keys; its texts are names and paths."""

    def walk(value: object, where: str) -> Iterator[bytes]:
        if isinstance(value, dict):
            for key in sorted(value):
                yield from walk(value[key], f"{where}.{key}")
        elif isinstance(value, list):
            for index, entry in enumerate(value):
                yield from walk(entry, f"{where}[{index}]")
        elif isinstance(value, int | float):
            yield f"{where}={value!r}".encode()

    yield from walk(json.loads(path.read_text()), "")


def text_numbers(path: Path) -> Iterator[bytes]:
    """The numbers of a text in their order."""
    yield " ".join(NUMBER.findall(path.read_text())).encode()


READERS: dict[str, Callable[[Path], Iterator[bytes]]] = {
    ".safetensors": weights,
    ".h5": store,
    ".parquet": table,
    ".json": numbers,
    ".csv": text_numbers,
    ".md": text_numbers,
}


def digests(results: Path) -> dict[str, str]:
    """Digest of each file that holds numbers, by its path below the folder of results."""
    found = {}
    for path in sorted(results.rglob("*")):
        name = path.relative_to(results).as_posix()
        if path.suffix in READERS and not any(part in f"/{name}" for part in LEFT_OUT):
            digest = hashlib.sha256()
            for part in READERS[path.suffix](path):
                digest.update(part)
            found[name] = digest.hexdigest()[:24]
    return found


def read(path: Path) -> dict[str, str]:
    """What ``--out`` wrote."""
    lines = (line.split("  ", 1) for line in path.read_text().splitlines() if line)
    return {name: digest for digest, name in lines}


def renamed(name: str, names: list[list[str]]) -> str:
    """An old path under its new name."""
    for pattern, replacement in names:
        name = re.sub(pattern, replacement, name)
    return name


def compare(old: dict[str, str], new: dict[str, str], names: list[list[str]]) -> int:
    """Print what differs, lacks or came in; the number of differences and lacks."""
    expected = {renamed(name, names): digest for name, digest in old.items()}
    differing = [name for name in expected if name in new and new[name] != expected[name]]
    lacking = [name for name in expected if name not in new]
    further = [name for name in new if name not in expected]
    for label, listed in (("differs", differing), ("lacks", lacking), ("further", further)):
        for name in listed:
            print(f"{label}  {name}")
    same = len(expected) - len(differing) - len(lacking)
    print(f"{same} equal, {len(differing)} differ, {len(lacking)} lack, {len(further)} further")
    return len(differing) + len(lacking)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--run", action="store_true", help="run the workflow first")
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("--out", type=Path)
    parser.add_argument("--compare", type=Path, nargs=2, metavar=("OLD", "NEW"))
    parser.add_argument("--names", type=Path, help="JSON list of [pattern, replacement]")
    args = parser.parse_args()
    if args.compare:
        names = json.loads(args.names.read_text()) if args.names else []
        sys.exit(bool(compare(*map(read, args.compare), names)))
    for overlay in RUNS if args.run else ():
        subprocess.run(["snakemake", "--cores", "all", *overlay], check=True)
    found = digests(args.results)
    lines = "".join(f"{digest}  {name}\n" for name, digest in found.items())
    if args.out:
        args.out.write_text(lines)
    else:
        print(lines, end="")


if __name__ == "__main__":
    main()
