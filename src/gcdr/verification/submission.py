"""A result as a file that others can set beside theirs: versions, digests, hardware, numbers."""

import math
import os
import platform
import subprocess
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from gcdr import __version__
from gcdr.base.errors import InputError
from gcdr.base.files import file_digest, read_json, text_digest
from gcdr.base.plain import JsonTable, changed_keys
from gcdr.verification.claims import PROTOCOLS, Claim

FORMAT = "gcdr-submission"
VERSION = 1
PACKAGES = ("torch", "torchvision", "numpy", "pandas", "pillow", "h5py", "timm")
NUMBERS = {"published", "measured", "low", "high", "agrees", "own"}
NUMBER = {"type": "number", "minimum": -1e6, "maximum": 1e6}
SCHEMA: JsonTable = {
    "type": "object",
    "required": ["format", "version", "made", "hardware", "inputs", "result"],
    "properties": {
        "format": {"const": FORMAT},
        "version": {"const": VERSION},
        "made": {"type": "object", "properties": {"packages": {"type": "object"}}},
        "hardware": {
            "type": "object",
            "required": ["device"],
            "properties": {"device": {"type": "string"}},
        },
        "inputs": {"type": "object", "additionalProperties": {"type": "string"}},
        "result": {
            "type": "object",
            "required": ["claim", "title", "dataset", "people", "of", "metrics"],
            "properties": {
                "title": {"type": "string"},
                "people": {"type": "integer", "minimum": 1},
                "of": {"type": "integer", "minimum": 1},
                "metrics": {
                    "type": "object",
                    "minProperties": 1,
                    "additionalProperties": {
                        "type": "object",
                        "required": sorted(NUMBERS),
                        "properties": {
                            name: {"type": "boolean"} if name == "agrees" else NUMBER
                            for name in sorted(NUMBERS)
                        },
                    },
                },
            },
        },
    },
}


def submission(
    result: JsonTable, inputs: dict[str, Path | Sequence[Path]], device: str, seconds: float
) -> JsonTable:
    """The result of :func:`gcdr.verification.verify.beside_claim` with all that may explain another one.

    Args:
        result: what was measured.
        inputs: weights, tables, several of them and folders by what they are; told by their digests.
        device: what computed.
        seconds: of the wall, for all of it; of a table, of all its jobs together.
    """
    return {
        "format": FORMAT,
        "version": VERSION,
        "made": {
            "gcdr": __version__,
            "commit": _commit(),
            "python": platform.python_version(),
            "packages": {name: _version(name) for name in PACKAGES},
        },
        "hardware": {
            "device": device,
            "cores": len(os.sched_getaffinity(0))
            if hasattr(os, "sched_getaffinity")
            else os.cpu_count(),
            "threads": torch.get_num_threads(),
            "machine": platform.machine(),
            "system": platform.system(),
            "seconds": round(seconds, 1),
        },
        "inputs": {name: _digest(path) for name, path in inputs.items()},
        "result": result,
    }


def read_submission(path: Path) -> JsonTable:
    """A file of :func:`submission`.

    Raises:
        InputError: it is none, with the place that is wrong.
    """
    import jsonschema

    content = read_json(path)
    errors = sorted(
        jsonschema.Draft7Validator(SCHEMA).iter_errors(content), key=lambda e: list(e.path)
    )
    if errors:
        where = ".".join(str(part) for part in errors[0].path) or "the file"
        raise InputError(
            f"{path}: {where}: {errors[0].message}; expected a file of gcdr verify, gcdr pilot or "
            "snakemake submission"
        )
    for name, metric in content["result"]["metrics"].items():
        if odd := [key for key in sorted(NUMBERS) if not math.isfinite(metric[key])]:
            raise InputError(
                f"{path}: result.metrics.{name}.{odd[0]}: found {metric[odd[0]]}, expected a finite number"
            )
        if not metric["low"] <= metric["high"]:
            raise InputError(
                f"{path}: result.metrics.{name}: found low {metric['low']} above high {metric['high']}"
            )
    return content


def claim_of_submission(path: Path, dataset: str) -> Claim:
    """What a file of :func:`submission` measured, as what is expected of others on the same kind of data set.

    Raises:
        InputError: it is no such file, of another data set, or has other metrics.
    """
    result = read_submission(path)["result"]
    if result["dataset"] != dataset:
        raise InputError(f"{path}: of {result['dataset']}, expected a result on {dataset}")
    if strange := sorted(result["metrics"].keys() - PROTOCOLS[dataset].keys()):
        known = ", ".join(PROTOCOLS[dataset])
        raise InputError(f"{path}: found the metric {strange[0]!r}, expected some of {known}")
    values = {name: one["measured"] for name, one in result["metrics"].items()}
    return Claim(result["claim"], f"as in {path.name}", result["dataset"], values, str(path), True)


def differences(one: JsonTable, other: JsonTable) -> tuple[bool, list[str]]:
    """Whether two labs agree: each metric of one lies in the other's interval, or theirs overlap.

    Returns:
        whether all metrics that both have agree; and lines: a table, and what else is different.

    Raises:
        InputError: they are of different data sets, or have no metric in common.
    """
    first, second = one["result"], other["result"]
    if first["dataset"] != second["dataset"]:
        raise InputError(
            f"found results on {first['dataset']} and {second['dataset']}, expected one data set"
        )
    claims = [side["claim"] for side in (first, second)]
    if claims[0] != claims[1]:
        raise InputError(
            f"found results held to {claims[0]} and to {claims[1]}, which are different models; expected one"
        )
    common = [name for name in first["metrics"] if name in second["metrics"]]
    if not common:
        raise InputError("the two have no metric in common")
    wide = max(10, *(len(name) + 1 for name in common))
    lines, agree = [f"{'':{wide}}{'first':>22}{'second':>22}  agree"], True
    for name in common:
        a, b = first["metrics"][name], second["metrics"][name]
        same = a["low"] <= b["high"] and b["low"] <= a["high"]
        agree &= same
        lines.append(
            f"{name:{wide}}{_with_interval(a):>22}{_with_interval(b):>22}  {'yes' if same else 'NO'}"
        )
    lines += _other_differences(one, other)
    return agree, lines


def _other_differences(one: JsonTable, other: JsonTable) -> list[str]:
    """What may explain that two results differ, a line each."""
    places = {
        "sampled": [side["result"].get("sampled") for side in (one, other)],
        "people": [side["result"]["people"] for side in (one, other)],
        "seed": [side["result"].get("seed") for side in (one, other)],
        "gcdr": [side["made"].get("gcdr") for side in (one, other)],
        "commit": [side["made"].get("commit") for side in (one, other)],
        "device": [side["hardware"].get("device") for side in (one, other)],
    }
    packages = [side["made"].get("packages", {}) for side in (one, other)]
    places |= {
        name: [side.get(name) for side in packages] for name in {**packages[0], **packages[1]}
    }
    inputs = [side["inputs"] for side in (one, other)]
    places |= {name: [side.get(name) for side in inputs] for name in {**inputs[0], **inputs[1]}}
    found = [f"{name}: {_short(a)} and {_short(b)}" for name, (a, b) in places.items() if a != b]
    settings = [side["result"].get("settings", {}) for side in (one, other)]
    if all(settings) and (changed := changed_keys(*settings, "settings")):
        found.append(f"settings: {', '.join(sorted(changed))}")
    return found


def _with_interval(metric: Any) -> str:
    return f"{metric['measured']:.4f} [{metric['low']:.3f}, {metric['high']:.3f}]"


def _short(value: object) -> str:
    text = "none" if value is None else str(value)
    return f"{text[:12]}…" if len(text) > 40 else text


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _commit() -> str | None:
    """Of the checkout that this package lies in, with ``-dirty`` where its code is changed; None of an
    installed one."""
    folder = Path(__file__).parents[3]
    if not (folder / ".git").exists():
        return None
    try:
        head = _git(folder, "rev-parse", "HEAD")
        code = ("src", "workflow", "Snakefile")
        return head + ("-dirty" if _git(folder, "status", "--porcelain", "--", *code) else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(folder: Path, *command: str) -> str:
    run = subprocess.run(
        ["git", "-C", str(folder), *command], capture_output=True, text=True, check=True
    )
    return run.stdout.strip()


def _digest(path: Path | Sequence[Path]) -> str:
    """SHA-256 of a file, of several, or of all files below a folder with their names."""
    if not isinstance(path, Path):
        return file_digest(path[0]) if len(path) == 1 else text_digest(*map(file_digest, path))
    if path.is_file():
        return file_digest(path)
    files = sorted(file for file in path.rglob("*") if file.is_file())
    if not files:
        raise InputError(f"{path}: nothing is there whose digest could be noted")
    return text_digest(*(f"{file.relative_to(path)} {file_digest(file)}" for file in files))
