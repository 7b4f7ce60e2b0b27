"""Errors by slice of the test people, with an interval each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gcdr.base.seeds import numpy_rng
from gcdr.evaluation.metrics import bootstrap_interval

FEWEST = 30  # people below which a slice is folded into another
MOST = 8  # answers that have a slice of their own


@dataclass(frozen=True)
class Sliced:
    """Errors by slice.

    Attributes:
        table: of :func:`slice_table`, or of :func:`slice_runs` where there are several runs.
        student, other: titles of what is compared.
        note: whose errors these are.
        runs: how many there are.
    """

    table: pd.DataFrame
    student: str
    other: str
    note: str
    runs: int = 1


@dataclass(frozen=True)
class RunErrors:
    """Errors of two methods on the N test people of a run.

    Attributes:
        traits: of `person_errors.person_traits`.
        student, other: (N,) distances.
    """

    traits: pd.DataFrame
    student: np.ndarray
    other: np.ndarray


def slice_table(
    traits: pd.DataFrame, student: np.ndarray, other: np.ndarray, fewest: int = FEWEST
) -> pd.DataFrame:
    """Mean distances of two methods, and of their difference, in each slice.

    Args:
        traits: of `person_errors.person_traits`, N rows.
        student, other: (N,) distances of the same people.
        fewest: people that a slice has at least, if there are as many in a neighbour to fold it into.

    Returns:
        a row a slice, all test people first: ``trait slice n`` and, for each C of ``student other
        difference``, ``C`` (a mean), ``C_low`` and ``C_high``: the 95 % bootstrap interval over images, NaN
        where a slice is of one image.
    """
    cluster = np.unique(traits["image"].to_numpy(str), return_inverse=True)[1]
    columns = {"student": student, "other": other, "difference": student - other}
    rows = []
    for trait, name, member in _slices(traits, fewest):
        row: dict[str, object] = {"trait": trait, "slice": name, "n": int(member.sum())}
        several = len(np.unique(cluster[member])) > 1
        for column, values in columns.items():
            of, rng = (values[member], cluster[member]), numpy_rng(0, "slices")
            low, high = bootstrap_interval(*of, rng) if several else (np.nan, np.nan)
            row |= {column: of[0].mean(), f"{column}_low": low, f"{column}_high": high}
        rows.append(row)
    return pd.DataFrame(rows)


def slice_runs(runs: Sequence[RunErrors], fewest: int = FEWEST) -> pd.DataFrame:
    """The same over several runs: slices are cut through the people of all, means taken run by run.

    Args:
        runs: two or more.
        fewest: people of a run that a slice has at least, on average.

    Returns:
        a row a slice: ``trait slice``, ``n`` (people of a run, on average), ``runs`` (with anybody in it),
        ``nearer`` (those in which the student's mean is the smaller) and, for each C of ``student other
        difference``, ``C`` (mean over runs) and ``C_spread`` (standard deviation over runs, NaN of one).
    """
    run = np.repeat(np.arange(len(runs)), [len(one.traits) for one in runs])
    traits = pd.concat([one.traits for one in runs], ignore_index=True)
    errors = pd.DataFrame(
        {
            name: np.concatenate([getattr(one, name) for one in runs])
            for name in ("student", "other")
        }
    )
    errors["difference"] = errors["student"] - errors["other"]
    rows = []
    for trait, name, member in _slices(traits, fewest * len(runs)):
        means = errors[member].groupby(run[member]).mean()
        spread = means.std().add_suffix("_spread")
        row = {"trait": trait, "slice": name, "n": round(member.sum() / len(runs))}
        row |= {"runs": len(means), "nearer": int((means["difference"] < 0).sum())}
        rows.append(row | means.mean().to_dict() | spread.to_dict())
    return pd.DataFrame(rows)


def _slices(traits: pd.DataFrame, fewest: int) -> Iterator[tuple[str, str, np.ndarray]]:
    """Trait, name and members (N,) bool of every slice."""
    yield "everybody", "all test people", np.ones(len(traits), bool)
    for column, trait in (("head_size", "size of the head"), ("reach", "distance to the target")):
        for name, member in thirds(traits[column].to_numpy(), fewest):
            yield trait, name, member
    for name, member in counted(traits["crowd"].to_numpy(), fewest):
        yield "people in the picture", name, member
    for name, member in named(traits["noun"].to_numpy(str), fewest):
        yield "answer of the VQA model", name, member


def thirds(values: np.ndarray, fewest: int) -> list[tuple[str, np.ndarray]]:
    """Up to three parts of equal size by value, the least first; none where there are too few people for two.

    Args:
        values: (N,) finite.
        fewest: people in a part.
    """
    parts = min(3, len(values) // fewest)
    if parts < 2:
        return []
    edges = np.unique(np.quantile(values, np.arange(1, parts) / parts))
    part = np.searchsorted(edges, values, side="left")
    found = []
    for number in np.unique(part):
        member = part == number
        found.append((f"{values[member].min():.2f} to {values[member].max():.2f}", member))
    return found


def counted(count: np.ndarray, fewest: int) -> list[tuple[str, np.ndarray]]:
    """Slices by a whole number; those of few people are folded into the next smaller number.

    Args:
        count: (N,) int.
        fewest: people in a slice.
    """
    numbers, groups = np.unique(count)[::-1].tolist(), []
    group: list[int] = []
    for number in numbers:  # from the largest: the tail is what is thin
        group.append(number)
        if np.isin(count, group).sum() >= fewest:
            groups.append(group)
            group = []
    if group and groups:
        groups[-1] = groups[-1] + group
    elif group:
        groups = [group]
    largest = max(numbers)
    return [(_range(group, largest), np.isin(count, group)) for group in reversed(groups)]


def _range(numbers: list[int], largest: int) -> str:
    low, high = min(numbers), max(numbers)
    if low == high:
        return f"{low}"
    return f"{low} and more" if high == largest else f"{low} to {high}"


def named(name: np.ndarray, fewest: int) -> list[tuple[str, np.ndarray]]:
    """Slices by name, the most frequent first; what is left over is one.

    Args:
        name: (N,) text, empty where there is none.
        fewest: people in a slice of its own.
    """
    names, count = np.unique(name, return_counts=True)
    order = np.argsort(-count, kind="stable")
    own = [names[place] for place in order if count[place] >= fewest][:MOST]
    found = [(f"“{one}”" if one else "no noun", name == one) for one in own]
    rest = ~np.isin(name, own)
    if own and rest.any():
        found.append((f"other answers ({len(names) - len(own)})", rest))
    return found
