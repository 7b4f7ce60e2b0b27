"""What ``gcdr check`` says of a data set: how much there is, and what is wrong with it."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from gcdr.base.problems import Places, Problem
from gcdr.base.seeds import numpy_rng
from gcdr.data.along_tracks import usual_step
from gcdr.data.manifest import BOX, SPLITS
from gcdr.datasets.assemble import MISSING, MOMENT, UNREADABLE, Dataset
from gcdr.datasets.images import in_frames, undecodable
from gcdr.datasets.published import published_sizes

SAMPLE = 200  # images that are decoded unless all are


def decode_images(dataset: Dataset, *, full: bool, fatal: bool) -> int:
    """Decode images of a data set, adding those that cannot be to its problems.

    Args:
        dataset: what was read.
        full: all images; otherwise ``SAMPLE`` of them, drawn with a fixed seed.
        fatal: whether one that cannot be decoded is an error; the workflow's stages mark its people.

    Returns:
        how many were decoded.
    """
    names = dataset.images.index[dataset.images["fault"] == ""].to_numpy()
    if not full and len(names) > SAMPLE:
        names = np.sort(numpy_rng(0, "check").choice(names, SAMPLE, replace=False))
    faults = undecodable(dataset.root, names.tolist())
    broken = np.isin(names, list(faults))
    found = [f"{name!r}: {faults.get(name)}" for name in names]
    number = dataset.images.index.get_indexer(names) + 1
    places = Places((str(dataset.root),), np.zeros(len(names), int), number, "image")
    kind = "image that cannot be decoded" + ("" if fatal else ", its people marked and left out")
    dataset.problems.rows(
        kind, "image", "a whole image", broken, places, pd.Series(found), fatal=fatal
    )
    framed = np.isin(names, in_frames(dataset.root, names.tolist()))
    kind = "image of several pictures, of which the first is read"
    problems = dataset.problems
    problems.rows(kind, "image", "one picture", framed, places, pd.Series(names), fatal=False)
    return len(names)


def allow_unreadable(dataset: Dataset, share: float) -> list[str]:
    """Make images that are missing or no images a warning, where few people are lost with them.

    Their people are not in the manifest, which needs the size of the image.

    Args:
        dataset: what was read.
        share: part of its people, 0 to 1, that may be lost: ``failures`` of the configuration.

    Returns:
        such images with what is wrong, one a line; nothing where too many people are lost.
    """
    if dataset.lost > share * dataset.people or dataset.manifest.empty:
        return []
    found = dataset.problems.found
    for at, problem in enumerate(found):
        if problem.kind in (MISSING, UNREADABLE):
            kind = f"{problem.kind}, its people left out"
            found[at] = replace(problem, kind=kind, fatal=False)
    fault = dataset.images["fault"]
    return [f"left out: {name}: {fault[name]}" for name in fault.index[fault != ""]]


def summary(dataset: Dataset, decoded: int) -> str:
    """Everything that was found, for people to read."""
    people, images = dataset.manifest, dataset.images
    noted = "films" if dataset.kind == "video" else "names"
    lines = [
        f"{dataset.root}: {dataset.kind}",
        *(_line(noted * (row == 0), text) for row, text in enumerate(dataset.notes)),
        _line("people", f"{len(people):,} in {people['image'].nunique():,} images"),
        *(_line("", text) for text in _sharing(people)),
        *(_line("published", text) for text in _published(dataset)),
        *(_line("tracks", text) for text in _tracks(people)),
        *(_line("labels" * (row == 0), text) for row, text in enumerate(_labels(people))),
        *(_line("test", text) for text in filter(None, [dataset.note])),
        *(_line("annotators", text) for text in _annotators(dataset)),
        *(_line("head boxes" * (row == 0), text) for row, text in enumerate(_boxes(people))),
        *(_line("bodies", text) for text in _bodies(dataset)),
        _line("images", f"{len(images):,} named, {decoded:,} decoded"),
        *(_line("", text) for text in _sizes(images)),
    ]
    errors, warnings = dataset.problems.errors, dataset.problems.warnings
    for name, problems in (("errors", errors), ("warnings", warnings)):
        count = sum(problem.count for problem in problems)
        lines.append(_line(name, f"{count:,}" if count else "none"))
        lines += [text for problem in problems for text in _problem(problem)]
    return "\n".join(lines)


def _line(name: str, text: str) -> str:
    return f"  {name:<11} {text}"


def _problem(problem: Problem) -> list[str]:
    return [
        f"    {problem.count:,} × {problem.kind}",
        *(f"      {line}" for line in problem.lines()),
    ]


def _sharing(people: pd.DataFrame) -> Iterator[str]:
    """How people share images, which is why splits go by image or by person."""
    if len(people):
        each = people["image"].value_counts()
        shared = each[each > 1]
        yield (
            f"{shared.sum():,} share their image with another one, at most {each.max()} in one"
            if len(shared)
            else "each in an image of their own"
        )


def _published(dataset: Dataset) -> Iterator[str]:
    """What is there of a data set whose size is known."""
    if sizes := [*published_sizes(dataset.kind, dataset.manifest)]:
        yield ", ".join(sizes)


def _tracks(people: pd.DataFrame) -> Iterator[str]:
    """How many people are followed through how many sequences, and how many of them with a gap."""
    known = people.reindex(columns=MOMENT).dropna()
    if len(known):
        tracks = known.sort_values("frame").groupby(MOMENT[:2])["frame"]
        step = known.groupby("sequence")["frame"].agg(
            lambda frame: usual_step(frame.to_numpy(float))
        )
        gaps = tracks.agg(lambda frame: np.diff(frame.to_numpy(float)).max(initial=0))
        gaps = gaps // gaps.index.get_level_values("sequence").map(step) > 1
        yield (
            f"{tracks.ngroups:,} in {len(step):,} sequences, {tracks.size().min()} to "
            f"{tracks.size().max()} frames long, {gaps.sum():,} with a gap"
        )


def _labels(people: pd.DataFrame) -> Iterator[str]:
    for split in SPLITS:
        rows = people[people["split"] == split]
        if len(rows):
            labelled = rows["gaze_x"].notna()
            out = rows["in_frame"].eq(False).fillna(False).astype(bool)
            noun = rows["label"].notna().mean()
            yield (
                f"{split}: {len(rows):,} people; {labelled.mean():.1%} with a gaze point, "
                f"{out.mean():.1%} out of the frame, {(~labelled & ~out).mean():.1%} unknown; "
                f"{noun:.1%} with a noun"
            )


def _annotators(dataset: Dataset) -> Iterator[str]:
    points = dataset.annotations.dropna()
    if len(points):
        each = points.groupby("sample_id").size()
        yield f"{each.min()} to {each.max()} a test person, {len(points):,} points in all"


def _boxes(people: pd.DataFrame) -> Iterator[str]:
    if len(people):
        box = people[BOX].to_numpy()
        size = people[["width", "height"]].to_numpy()
        for side, name in enumerate(("wide", "high")):
            length = box[:, 2 + side] - box[:, side]
            low, middle, high = np.percentile(length, (5, 50, 95))
            share = np.median(length / size[:, side])
            yield (
                f"{low:.0f} / {middle:.0f} / {high:.0f} pixels {name} (5 / 50 / 95 %), "
                f"median {share:.1%} of the image"
            )
        beyond = ((box[:, :2] < 0) | (box[:, 2:] > size)).any(1).mean()
        yield f"{beyond:.1%} reach beyond their image"


def _bodies(dataset: Dataset) -> Iterator[str]:
    if len(dataset.bodies):
        share = dataset.bodies["detected"].sum() / len(
            dataset.manifest
        )  # files of tracks may be mixed
        yield f"given for {share:.1%} of the people"


def _sizes(images: pd.DataFrame) -> Iterator[str]:
    good = images[images["fault"] == ""]
    if len(good):
        most = good.value_counts(["width", "height"])
        (width, height), count = most.index[0], most.iloc[0]
        yield (
            f"{good['width'].min()}x{good['height'].min()} to "
            f"{good['width'].max()}x{good['height'].max()} pixels, most often {width}x{height} "
            f"({count / len(good):.0%})"
        )
