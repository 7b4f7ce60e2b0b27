"""A prior of chosen quality for people of a drawn world. **It reads the labels that studies hide.**

It makes a table of points from the world's true targets, wrong in a chosen way, to ask how good a prior
must be for a method to gain from it. What is trained on it has seen everybody's label: such a figure is an
experiment about priors and never a result of semi-supervised learning. On real data it has no use, and a
manifest that is not of one drawn world is refused.
"""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gcdr.base.errors import InputError
from gcdr.base.files import atomic
from gcdr.base.seeds import numpy_rng
from gcdr.data.manifest import boxes, read_annotated
from gcdr.world.style import NOUNS

IMAGE = r"(?:train|test)/\d{6}\.jpg"  # as gcdr.datasets.world names them
WORDS = [*NOUNS, "person", "wall", "floor"]
APART = 0.1  # of the image's sides: a point nearer than that to the target is not another one


@dataclass(frozen=True)
class TrueTarget:
    """A place that somebody may look at: a point (x, y) in 0..1, and its noun or nothing."""

    point: tuple[float, float]
    noun: str


CENTRE = TrueTarget((0.5, 0.5), "")


def graded_points(
    annotated: Path,
    out: Path,
    *,
    error: float,
    biased: float,
    missing: float,
    seed: int,
    reads_hidden_labels: bool = False,
) -> None:
    """Write a table of points for :func:`gcdr.priors.points.points_prior` from a world's TRUE targets.

    **Never use it on real data, nor call what is trained on it semi-supervised: it reads every label.**

    A person's draws depend on ``seed`` and ``sample_id`` alone. So those who are missing with a small
    share are missing with a greater one, and a greater error moves points along the same lines.

    Args:
        annotated: the people of one drawn world with their labels.
        out: CSV with ``image,sample_id,x,y,label``, in pixels.
        error: standard deviation of the random error of both coordinates, as a share of the image's
            sides. Points that leave the image are moved onto its border.
        biased: share of people, 0..1, whose point goes to a wrong place: the target or the head of
            another person of the image, else its centre. People who look out of the frame have a point
            only if they are among these.
        missing: share of people, 0..1, without a row.
        seed: seed of the draws.
        reads_hidden_labels: must be true, for whoever calls it to say that they know.

    Raises:
        InputError: the flag is not set, the people are not of a drawn world, a share is none, or nobody
            is left.
    """
    _check(error, biased, missing, reads_hidden_labels)
    people = read_annotated(annotated)
    _check_drawn(people, annotated)
    heads = boxes(people).reshape(-1, 2, 2).mean(1).clip(0, 1)
    rows = []
    for _, own in people.groupby("image", sort=False):
        truths = [_truth(person) for person in own.itertuples()]
        places = [TrueTarget(tuple(heads[row]), "person") for row in own.index]
        for number, person in enumerate(own.itertuples()):
            others = [n for n in range(len(own)) if n != number]
            wrong = [truths[n] for n in others if truths[n]] + [places[n] for n in others]
            rng = numpy_rng(seed, "graded-prior", person.sample_id)
            target = _perturbed(rng, truths[number], wrong, error, biased, missing)
            if target:
                x, y = np.round(np.multiply(target.point, (person.width, person.height)), 2)
                rows.append((person.image, person.sample_id, x, y, target.noun))
    if not rows:
        raise InputError(
            f"{annotated}: nobody is left with missing = {missing:g}; expected one row"
        )
    with atomic(out) as temporary:
        table = pd.DataFrame(rows, columns=["image", "sample_id", "x", "y", "label"])
        table.to_csv(temporary, index=False)
    print(f"{out}: points of {len(rows):,} of {len(people):,} people, made from their labels")


def _check(error: float, biased: float, missing: float, flag: bool) -> None:
    if flag is not True:
        raise InputError(
            "graded_points: it reads the labels that the split hides, for experiments on a drawn world; "
            f"found reads_hidden_labels = {flag}, expected true from whoever wants that"
        )
    shares: Mapping[str, Any] = {"error": error, "biased": biased, "missing": missing}
    for name, value in shares.items():
        if not 0 <= value <= 1:
            raise InputError(f"graded_points: found {name} = {value}, expected a share in 0..1")


def _check_drawn(people: pd.DataFrame, annotated: Path) -> None:
    drawn = people["image"].str.fullmatch(IMAGE) & people["in_frame"].notna()
    drawn &= people["label"].isin(WORDS) | people["label"].isna()
    if not drawn.all():
        person = people[~drawn].iloc[0]
        raise InputError(
            f"{annotated}: not of a drawn world: found the image {person['image']!r} with the label "
            f"{person['label']!r}, expected images such as 'train/000000.jpg' and the world's nouns. "
            "Hidden labels of real data are never read"
        )


def _truth(person: Any) -> TrueTarget | None:
    return TrueTarget((person.gaze_x, person.gaze_y), person.label) if person.in_frame else None


def _perturbed(
    rng: np.random.Generator,
    truth: TrueTarget | None,
    wrong: list[TrueTarget],
    error: float,
    biased: float,
    missing: float,
) -> TrueTarget | None:
    """What the source says of a person; every number is drawn, whether it is needed or not."""
    lost, led_astray, which = rng.random(3)
    noise = rng.normal(0, 1, 2)
    target = truth
    if led_astray < biased:
        far = [other for other in wrong if truth is None or _distance(other, truth) >= APART]
        target = far[int(which * len(far))] if far else CENTRE
    if lost < missing or target is None:
        return None
    return TrueTarget(tuple((np.array(target.point) + error * noise).clip(0, 1)), target.noun)


def _distance(one: TrueTarget, other: TrueTarget) -> float:
    return float(np.hypot(*np.subtract(one.point, other.point)))


def main() -> None:
    """Write a table of points beside the people of drawn worlds."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("datasets", nargs="+", type=Path, help="folders with an annotated.parquet")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--name", default="graded", help="of the table: {folder}/{name}.csv")
    for name in ("error", "biased", "missing"):
        parser.add_argument(f"--{name}", type=float, required=True)
    args = vars(parser.parse_args())
    name = args.pop("name")
    for folder in args.pop("datasets"):
        out = folder / f"{name}.csv"
        graded_points(folder / "annotated.parquet", out, **args, reads_hidden_labels=True)


if __name__ == "__main__":
    main()
