r"""Malformed files for every reader, counted: each must end in one clear line.

    python benchmarks/malformed.py                # all, with a table by stage
    python benchmarks/malformed.py --stage split  # one

A *stage* is a reader with a good file of its own (:mod:`good_files`), a *kind* a way to spoil a file
(:mod:`spoiled`): add to both. A case is right where the reader raises ``InputError`` with one line that names
the file, within the time limit. A kind that is called a *flip* may also leave what is read as it was: not
every bit of a file is read.
"""

import argparse
import io
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import good_files as good
import spoiled
import torch
from good_files import DIGEST, IDS, people

from gcdr.base.errors import InputError
from gcdr.base.outlines import tensor_shapes
from gcdr.base.unpickling import read_pickle, read_torch
from gcdr.data.cache import Samples
from gcdr.data.manifest import read_annotated, read_annotations
from gcdr.data.parquet import read_rows
from gcdr.data.shown import read_shown
from gcdr.data.stores import read_labels, read_prior
from gcdr.models.build import load_model
from gcdr.models.contents import check_weights
from gcdr.models.kinds import model_title
from gcdr.priors.kinds.maps_kind import MapsPrior
from gcdr.priors.kinds.points_kind import PointsPrior

LIMIT = 60  # seconds a reader may take


@dataclass(frozen=True)
class Stage:
    """A reader: what makes its good file, what reads it, and which kinds of faults it can meet."""

    make: Callable[[Path], Path]
    read: Callable[[Path], Any]
    kinds: dict[str, Callable[[Path], Any]]


# Readers


def all_pictures(path: Path) -> Any:
    samples = Samples.open(path, DIGEST)
    return samples.stored(samples.rows(IDS)).in_floats()


def planned_vat(path: Path) -> None:
    """What planning looks at of weights: whose they are, and nothing of their numbers."""
    check_weights(path, [model_title("vat", False)], {"conv1_scene.weight": (16, 4, 5, 5)})


def planned_prior(path: Path) -> None:
    """What planning looks at of a prior's file, of people whom it knows."""
    kind, sources = (MapsPrior, "stores") if path.suffix == ".h5" else (PointsPrior, "tables")
    prior = kind(**{sources: {"own": str(path)}, "complete": True})
    if lines := prior.problems(["own"], [], lambda *_: people()):
        raise InputError("; ".join(lines))


STAGES: dict[str, Stage] = {
    "prior store": Stage(good.prior, lambda path: read_prior(path, DIGEST, IDS, 2), spoiled.MAPS),
    "merged store": Stage(
        good.merged, lambda path: read_prior(path, DIGEST, IDS, 1), spoiled.MERGED
    ),
    "label store": Stage(good.labels, lambda path: read_labels(path, DIGEST, IDS), spoiled.MAPS),
    "picture cache": Stage(good.cache, all_pictures, spoiled.PICTURES),
    "manifest": Stage(good.manifest, read_annotated, spoiled.TABLES),
    "split": Stage(good.split, lambda path: read_shown(path, DIGEST), spoiled.SPLIT),
    "annotations": Stage(
        good.annotations, lambda path: read_annotations(path, IDS[-2:], DIGEST), spoiled.PEOPLES
    ),
    "bodies": Stage(
        good.bodies, lambda path: read_rows(path, DIGEST, IDS, ["detected"]), spoiled.PEOPLES
    ),
    "weights": Stage(good.weights, lambda path: load_model(path.parent), spoiled.SAFETENSORS),
    "weights, before a job": Stage(good.weights, planned_vat, spoiled.HEADERS),
    "checkpoint, before a job": Stage(good.checkpoint, tensor_shapes, spoiled.ARCHIVES),
    "points, before a job": Stage(good.points, planned_prior, spoiled.POINTS),
    "store as a prior, before a job": Stage(good.labels, planned_prior, spoiled.COLUMNS),
    "pickle": Stage(good.pickled, read_pickle, spoiled.PICKLES),
    "checkpoint": Stage(good.checkpoint, read_torch, spoiled.CHECKPOINTS),
}


@contextmanager
def limited(seconds: int) -> Iterator[None]:
    """Raise TimeoutError where a block takes longer."""

    def late(*_: Any) -> None:
        raise TimeoutError(f"took more than {seconds} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def plainly(value: Any) -> bytes:
    """What a reader returned, as bytes that can be compared."""
    buffer = io.BytesIO()
    if isinstance(value, torch.nn.Module):
        value = value.state_dict()
    torch.save(value, buffer)
    return buffer.getvalue()


def outcome(stage: Stage, template: Path, path: Path, good: bytes, spoil: spoiled.Spoil) -> str:
    """``line``, ``same``, or what went wrong.

    Args:
        stage: the reader.
        template: folder with its good file.
        path: that file, relative to it.
        good: what is read of it, by :func:`plainly`.
        spoil: what is done to a copy.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "copy")
        shutil.copytree(template, folder)
        held = spoil(folder / path)
        try:
            with limited(LIMIT):
                found = stage.read(folder / path)
        except InputError as error:
            text = str(error)
            if "\n" in text or name not in text:
                return f"not one line that names the file: {text[:200]!r}"
            return "line"
        except BaseException as error:
            return f"{type(error).__name__}: {str(error)[:200]}"
        finally:
            del held
        return "same" if plainly(found) == good else "read without a word"


def outcomes(stage: Stage, kinds: Iterable[str] | None = None) -> Iterator[tuple[str, str]]:
    """Kind and outcome of all kinds of a stage, or of some."""
    with tempfile.TemporaryDirectory() as name:
        template = Path(name)
        path = stage.make(template)
        good = plainly(stage.read(path))
        for kind in kinds if kinds is not None else stage.kinds:
            yield (
                kind,
                outcome(stage, template, path.relative_to(template), good, stage.kinds[kind]),
            )


def run(names: list[str]) -> Counter:
    """Try all kinds of the stages and print what is not right; counts of outcomes."""
    counts: Counter = Counter()
    kinds = set()
    for name in names:
        tried = Counter()
        for kind, found in outcomes(STAGES[name]):
            right = found == "line" or (found == "same" and "flip" in kind)
            tried[found if right else "wrong"] += 1
            kinds.add("flip" if "flip" in kind else kind)
            if not right:
                print(f"{name}: {kind}: {found}", flush=True)
        print(f"{name}: {tried['line']} lines, {tried['same']} flips of bits that are not read, "
              f"{tried['wrong']} wrong", flush=True)  # fmt: skip
        counts += tried
    print(f"{sum(counts.values())} inputs of {len(kinds)} kinds over {len(names)} stages: "
          f"{counts['line']} lines, {counts['same']} same, {counts['wrong']} wrong")  # fmt: skip
    return counts


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--stage", choices=STAGES, nargs="*", default=list(STAGES))
    sys.exit(bool(run(parser.parse_args().stage)["wrong"]))
