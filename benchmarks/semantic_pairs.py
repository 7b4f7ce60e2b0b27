"""What names do to where and what, world by world: the same runs with and without them, side by side.

    snakemake --cores 2 table_semantic results/semantic/tables/table1.md --configfile configs/semantic.yaml
    python benchmarks/semantic_pairs.py

Of every share of labels that lies in results/semantic-*: what each row is in each world, the differences of
rows by world with their mean, and how often names by answers are right on the labelled people, from several
confidences on. A row is called method+gaze model, as in report.methods of configs/semantic.yaml. A difference
over three worlds proves little: how many of them share its sign is printed, and no interval.
"""

import argparse
import json
import re
from collections.abc import Callable
from pathlib import Path
from statistics import mean
from typing import NamedTuple

from gcdr.variants import parse_variant

ALONE, PLACES, ANSWERS = "vat+semgaze", "gcdr+semgaze", "gcdr+semgaze-answers"
NAMELESS, NAMELESS_PLACES = "vat+semgaze-places", "gcdr+semgaze-places"
GUESSES = ("random", "majority", "answers")


class Number(NamedTuple):
    """A metric, the folder of its files, its key there, and what is better of it."""

    title: str
    folder: str
    key: str
    better: str


ACC = Number("Acc@1", "semantics", "acc_1", "higher")
TOP = Number("Acc@3", "semantics", "acc_3", "higher")
DARK = Number("Avg. Dist. of table_semantic", "semantics", "semantic_dist_to_mean", "nearer")
CENTRE = Number("AvgDist of the report", "metrics", "dist_to_mean", "nearer")
NUMBERS = (ACC, TOP, DARK, CENTRE)
PAIRS = (
    (ANSWERS, ALONE, (ACC, TOP, DARK, CENTRE)),
    (PLACES, ALONE, (ACC, TOP, DARK, CENTRE)),
    (ANSWERS, PLACES, (ACC, TOP, DARK, CENTRE)),
    (ALONE, NAMELESS, (CENTRE,)),
    (PLACES, NAMELESS_PLACES, (CENTRE,)),
    (ANSWERS, NAMELESS_PLACES, (CENTRE,)),
)
"""A row, the one that it is compared with, and by which numbers."""


def row_of(name: str) -> str | None:
    """What a result's row is called by its file; None of what is no row."""
    if name in GUESSES:
        return name
    staged = re.fullmatch(r"((?:tuned-)?(?:mask|blur|crop)-)?(.*)", name)
    assert staged is not None  # anything is
    try:
        model = parse_variant(staged[2])
    except ValueError:
        return None
    return None if model.gaze is None else f"{staged[1] or ''}{model.method}+{model.gaze}"


def values(split: Path, number: Number) -> dict[str, float]:
    """A number of each row of a world."""
    found: dict[str, float] = {}
    for file in sorted((split / number.folder).glob("*.json")):
        metrics, row = json.loads(file.read_text())["metrics"], row_of(file.stem)
        if row is None or number.key not in metrics:
            continue
        if row in found:
            raise SystemExit(f"{file}: a second result of {row}; expected one a world and share")
        found[row] = metrics[number.key]["value"]
    return found


def show(title: str, numbers: list[float], form: Callable[[float], str], more: str = "") -> None:
    """A line: what it is of, a number a world, their mean."""
    each = " ".join(map(form, numbers))
    print(f"  {title:<45} {each}   mean {form(mean(numbers))}{more}")


def four(value: float) -> str:
    return f"{value:.4f}"


def signed(value: float) -> str:
    return f"{value:+.4f}"


def show_share(splits: list[Path]) -> None:
    """Everything of one share of labels, of worlds by their splits."""
    found = {number: [values(split, number) for split in splits] for number in NUMBERS}
    for number, worlds in found.items():
        print(number.title)
        for row in sorted(set.intersection(*map(set, worlds))):
            show(row, [world[row] for world in worlds], four)
    print("Differences by world")
    for one, other, numbers in PAIRS:
        for number in numbers:
            worlds = [world for world in found[number] if {one, other} <= world.keys()]
            if not worlds:
                continue
            differences = [world[one] - world[other] for world in worlds]
            sign = 1 if number.better == "higher" else -1
            good = sum(sign * difference > 0 for difference in differences)
            more = f", {number.better} in {good} of {len(differences)}"
            show(f"{one} − {other}", differences, signed, f"{more} ({number.title})")
    show_confidences(splits)


def show_confidences(splits: list[Path]) -> None:
    """How often names by answers are right on the labelled people, all worlds together."""
    tables = [
        json.loads(path.read_text()) for split in splits for path in split.glob("names/*.json")
    ]
    if not tables:
        return
    print(
        f"Names by answers, {sum(table['known'] for table in tables):,} labelled people with a name"
    )
    for rows in zip(*(table["from"] for table in tables), strict=True):
        people = sum(row["people"] for row in rows)
        right = sum(row["people"] * (row["right"] or 0) for row in rows)
        share = f"{right / people:.3f}" if people else "–"
        print(
            f"  from confidence {rows[0]['confidence']:.2f}: {people:,} have one, {share} of them right"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--results", type=Path, default=Path("results"), help="folder of results")
    parser.add_argument("--studies", default="semantic-*", help="the worlds (default: %(default)s)")
    parser.add_argument("--share", help="of labels in per cent (default: all that there are)")
    options = parser.parse_args()
    by_share: dict[str, list[Path]] = {}
    for split in sorted(
        options.results.glob(f"{options.studies}/labels{options.share or '*'}-seed*")
    ):
        if any((split / "semantics").glob("*.json")):
            by_share.setdefault(split.name.rsplit("-seed", 1)[0].removeprefix("labels"), []).append(
                split
            )
    if not by_share:
        raise SystemExit(f"{options.results}: no results of {options.studies} with names in them")
    for share, splits in sorted(by_share.items(), key=lambda one: (len(one[0]), one[0])):
        print(f"{share} % of the labels: {' '.join(split.parent.name for split in splits)}")
        show_share(splits)


if __name__ == "__main__":
    main()
