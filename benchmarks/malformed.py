r"""Malformed files for every reader, counted: each must end in one clear line.

    python benchmarks/malformed.py                # all, with a table by stage
    python benchmarks/malformed.py --stage split  # one

A *stage* is a reader with a good file of its own (:mod:`good_files`, :mod:`good_data`), a *kind* a way to
spoil a file (:mod:`spoiled`, :mod:`spoiled_data`): add to both. A case is right where the reader raises
``InputError`` with one line that names the file, within the time limit. A kind that is called a *flip* may
also leave what is read as it was: not every bit of a file is read.
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

import good_data
import good_files as good
import numpy as np
import spoiled
import spoiled_data as of_data
import torch
from good_files import DIGEST, IDS, people

from gcdr.base.errors import InputError, one_line
from gcdr.base.outlines import tensor_shapes
from gcdr.base.unpickling import read_pickle, read_torch
from gcdr.data.cache import Samples
from gcdr.data.depth_maps import open_depth
from gcdr.data.label_space import read_label_space
from gcdr.data.manifest import read_annotated, read_annotations
from gcdr.data.originals import Originals
from gcdr.data.parquet import read_rows
from gcdr.data.shown import read_shown
from gcdr.data.stores import read_labels, read_prior
from gcdr.data.tokens import Tokens
from gcdr.data.vocabulary import read_vocabulary
from gcdr.models.build import load_model
from gcdr.models.contents import check_weights
from gcdr.models.kinds import model_title
from gcdr.priors.kinds.maps_kind import MapsPrior
from gcdr.priors.kinds.points_kind import PointsPrior
from gcdr.priors.named_people import read_names
from gcdr.verification.submission import read_submission
from gcdr.video.frames import read_frames
from gcdr.video.tracks import read_tracks

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


def all_crops(path: Path) -> Any:
    larger = Originals.open(path, DIGEST)
    whole = np.tile([0.0, 0, 1, 1], (len(larger.sample_id), 1))
    return larger.crops(larger.sample_id, whole, 8)


def all_tokens(path: Path) -> Any:
    held = Tokens.open(path, DIGEST)
    return held.backbone, held.stored(held.rows(IDS)).tokens


def read_space(path: Path) -> Any:
    space = read_label_space(path)
    return space.names, space.nearest(space.embeddings)


def read_depth(path: Path) -> Any:
    return np.asarray(open_depth(path, good_data.SIZE, path.parents[1] / "1.jpg"))


def in_root(above: int) -> Callable[[Path], Any]:
    """A data set, whose root is so many folders above the one that its file lies in."""

    def read(path: Path) -> Any:
        found = good_data.read_root(path.parents[above])
        return found.manifest.to_csv(), found.annotations.to_csv()

    return read


def all_frames(path: Path) -> Any:
    return [np.asarray(frame.image) for frame in read_frames(path, [])]


def read_heads(path: Path) -> Any:
    """Of a list of problems of one file each names it."""
    try:
        found = read_tracks(path, path.with_name("walk.mp4"))
    except InputError as error:
        raise InputError(one_line(error)) from error
    if found.notes:
        raise InputError(found.notes[0])
    return found.boxes, found.names


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
    "larger pictures": Stage(good_data.originals, all_crops, of_data.LARGER),
    "token cache": Stage(good_data.tokens, all_tokens, of_data.TOKENS),
    "names of people": Stage(
        good_data.named_people,
        lambda path: read_names(path, DIGEST, good_data.NAMES, 0.0),
        of_data.NAMED,
    ),
    "names in a text tower's space": Stage(good_data.label_space, read_space, of_data.SPACE),
    "vocabulary": Stage(good_data.vocabulary, read_vocabulary, of_data.VOCABULARY),
    "vocabulary, a text": Stage(good_data.words, read_vocabulary, of_data.WORDS),
    "depth": Stage(good_data.depth, read_depth, of_data.DEPTH),
    "another lab's result": Stage(good_data.result_file, read_submission, of_data.RESULTS),
    "GazeFollow with names": Stage(good_data.named_gazefollow, in_root(0), of_data.LABELLED),
    "GazeFollow with names, test": Stage(good_data.named_test, in_root(0), of_data.ACCEPTED),
    "GazeHOI": Stage(good_data.gazehoi, in_root(0), of_data.OBJECTS),
    "ChildPlay": Stage(good_data.childplay, in_root(2), of_data.CHILDREN),
    "GOO-Real": Stage(good_data.gooreal, in_root(0), of_data.GOODS),
    "film": Stage(good_data.video, all_frames, of_data.FILMS),
    "heads in a film": Stage(good_data.tracks, read_heads, of_data.TRACKS),
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
