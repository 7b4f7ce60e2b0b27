"""What jobs took beside what workflow/resources.yaml has them ask for, by rule.

    snakemake --cores 2 --benchmark-extended
    python benchmarks/resources.py results [OTHER/results ...]

Memory is the largest that Snakemake saw, and seconds are those of a core. Where jobs of different sizes are
there, ``fit`` is the line through them, in MB and seconds: so much, and so much a person of the data set.
"""

import argparse
import ast
import itertools
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from gcdr.settings.people_counts import rows_of

HEAD = ("rule", "jobs", "people", "MB", "asked", "above", "CPU s", "asked", "above", "fit")
LINE = "{:20} {:>5} {:>13} {:>6} {:>6} {:>6} {:>8} {:>6} {:>6}  {}"


class Job(NamedTuple):
    """What a job took and asked for: MB, seconds of a core and minutes."""

    rule: str
    people: float
    mb: float
    seconds: float
    asked_mb: float
    asked_minutes: float


def jobs_of(results: Path) -> list[Job]:
    """Jobs of a folder of results whose benchmark files say which rule they are of."""
    found = []
    for file in sorted((results / "benchmarks").rglob("*.tsv")):
        row = pd.read_csv(file, sep="\t", na_values=["NA", "-"]).iloc[-1]
        if "rule_name" not in row:
            continue
        wildcards, asked = ast.literal_eval(row["wildcards"]), ast.literal_eval(row["resources"])
        data = wildcards.get("dataset", wildcards.get("study", ""))
        people = rows_of(results / "data" / data / "manifest.parquet") or float("nan")
        took = (people / int(wildcards.get("shards", 1)), row["max_rss"], row["cpu_time"])
        found.append(Job(row["rule_name"], *took, asked["mem_mb"], asked["runtime"]))
    return found


def line_through(people: np.ndarray, values: np.ndarray) -> str:
    """A straight line through what jobs of different sizes took."""
    known = np.isfinite(people) & np.isfinite(values)
    if len(set(people[known])) < 2:
        return ""
    each, fixed = np.polyfit(people[known], values[known], 1)
    return f"{fixed:.0f} + {each:.4f}"


def times(asked: float, took: float) -> str:
    return f"{asked / took:.1f} x" if took and np.isfinite(took) else ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("results", nargs="+", type=Path)
    jobs = [job for folder in parser.parse_args().results for job in jobs_of(folder)]
    print(LINE.format(*HEAD))
    for rule, group in itertools.groupby(sorted(jobs), key=lambda job: job.rule):
        table = pd.DataFrame(group)
        people, mb, seconds = (table[name].to_numpy() for name in ("people", "mb", "seconds"))
        closest = (table["asked_mb"] / mb).idxmin() if np.isfinite(mb).any() else 0
        slowest = (table["asked_minutes"] * 60 / seconds).idxmin() if np.isfinite(mb).any() else 0
        row, late = table.loc[closest], table.loc[slowest]
        of = f"{np.nanmin(people):.0f}-{np.nanmax(people):.0f}" if np.isfinite(people).any() else ""
        fits = "; ".join(filter(None, (line_through(people, mb), line_through(people, seconds))))
        print(
            LINE.format(
                *(rule, len(table), of),
                *(f"{row.mb:.0f}", row.asked_mb, times(row.asked_mb, row.mb)),
                *(f"{late.seconds:.0f}", f"{late.asked_minutes} m"),
                *(times(late.asked_minutes * 60, late.seconds), fits),
            )
        )


if __name__ == "__main__":
    main()
