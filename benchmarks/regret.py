"""What letting labels choose the timestep costs, against the best fixed one found with all test labels.

python benchmarks/regret.py SPLIT_FOLDER [SPLIT_FOLDER ...]      such as results/world-*/labels10-seed*

Of each split and each prior the AvgDist of refined maps of test people: as refine.timestep auto made them,
and at the five fixed timesteps of its sweep. Regret is by how much it is worse than the best of those; beside
it, in per cent too, that of the constant that is best over all rows together, which nobody could know. A
prior needs three files in the split's folder: timestep/configured+PRIOR.json, sweep+PRIOR.json and
metrics/diffusion-gc-gcdr-tauto-k1+PRIOR.json; a report makes the last two of its own prior alone, the others
are targets to name. Priors that lack a file are listed and left out.
"""

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gcdr.base.errors import InputError
from gcdr.base.files import read_json


@dataclass(frozen=True)
class Refined:
    """AvgDist of refined maps of a split's test people, by one prior.

    Attributes:
        split: folder of the split.
        prior: name of the prior store.
        share: of the labels, per cent.
        chosen: the timestep that labels chose.
        auto: the error with that choice.
        fixed: the error at each timestep of the sweep.
    """

    split: Path
    prior: str
    share: int
    chosen: int
    auto: float
    fixed: dict[int, float]

    @property
    def least(self) -> float:
        """The smallest error that is known."""
        return min(self.auto, *self.fixed.values())

    def regret(self, error: float) -> float:
        """How much worse an error is than the smallest, in per cent."""
        return 100 * (error / self.least - 1)


def files_of(split: Path, prior: str) -> list[Path]:
    """What a prior needs; the variant of refined maps is that of one draw where nothing else is there."""
    maps = sorted(split.glob(f"metrics/diffusion-gc-gcdr-tauto-*+{prior}.json"))
    drawn = maps[0] if maps else split / f"metrics/diffusion-gc-gcdr-tauto-k1+{prior}.json"
    return [split / f"timestep/configured+{prior}.json", split / f"sweep+{prior}.json", drawn]


def priors_of(split: Path) -> list[str]:
    """Priors by which labels chose a timestep."""
    return sorted(path.stem.partition("+")[2] for path in split.glob("timestep/configured+*.json"))


def missing(split: Path, prior: str) -> list[Path]:
    """Files of a prior that are not there."""
    return [path for path in files_of(split, prior) if not path.exists()]


def refined(split: Path, prior: str) -> Refined:
    """The errors of a prior whose files are all there."""
    choice, sweep, drawn = map(read_json, files_of(split, prior))
    fixed = {
        row["timestep"]: row["dist_to_mean"]
        for row in sweep["rows"]
        if row["sampler"] == sweep["sampler"] and row["set"] == "test"
    }
    auto = drawn["metrics"]["dist_to_mean"]["value"]
    return Refined(split, prior, sweep["share"], choice["chosen"]["timestep"], auto, fixed)


def constant(rows: Iterable[Refined]) -> int:
    """The timestep of least regret over rows.

    Raises:
        InputError: rows whose sweeps tried different timesteps.
    """
    rows = list(rows)
    times = {tuple(sorted(row.fixed)) for row in rows}
    if len(times) > 1:
        raise InputError(f"sweeps: found the timesteps {sorted(times)}, expected the same in all")
    regrets = {time: np.mean([row.regret(row.fixed[time]) for row in rows]) for time in times.pop()}
    return min(regrets, key=regrets.__getitem__)


def means(rows: list[Refined], overall: int) -> str:
    """Mean regret of rows: of auto, of the constant of all rows, and of their own best constant."""
    own = constant(rows)

    def mean(error: Callable[[Refined], float]) -> float:
        return float(np.mean([row.regret(error(row)) for row in rows]))

    found = [
        mean(lambda row: row.auto),
        mean(lambda row: row.fixed[overall]),
        mean(lambda row: row.fixed[own]),
    ]
    most = max(row.regret(row.auto) for row in rows)
    return f"{len(rows):6d}  {found[0]:6.1f}%  {most:7.1f}%  {found[1]:6.1f}%  {found[2]:7.1f}% (t = {own})"


def report(splits: Iterable[Path]) -> list[str]:
    """Lines that say all of it.

    Raises:
        InputError: no prior of any split has its files.
    """
    pairs = [(split, prior) for split in splits for prior in priors_of(split)]
    rows = [refined(*pair) for pair in pairs if not missing(*pair)]
    lines = [
        f"left out: {split} {prior}, without {', '.join(str(p.relative_to(split)) for p in lacking)}"
        for split, prior in pairs
        if (lacking := missing(split, prior))
    ]
    if not rows:
        raise InputError("\n".join([*lines, "found no prior with all its files, expected one"]))
    wide = max(len(f"{row.split.parent.name}/{row.split.name}") for row in rows)
    named = max(len(row.prior) for row in rows)
    times = "  ".join(f"t={time:<4d}" for time in rows[0].fixed)
    lines.append(f"{'split':{wide}}  {'prior':{named}}  chosen    auto  regret  fixed: {times}")
    for row in rows:
        split = f"{row.split.parent.name}/{row.split.name}"
        values = "  ".join(f"{value:.4f}" for value in row.fixed.values())
        lines.append(
            f"{split:{wide}}  {row.prior:{named}}  {row.chosen:6d}  {row.auto:.4f}"
            f"  {row.regret(row.auto):5.1f}%         {values}"
        )
    overall = constant(rows)
    groups: dict[str, list[Refined]] = {}
    for row in sorted(rows, key=lambda row: (row.share, row.prior)):
        groups.setdefault(f"{row.share:3d} %  {row.prior}", []).append(row)
    wide = max(map(len, [*groups, "labels, prior"]))
    head = f"{'rows':>6}     auto  at most  t = {overall:<3d}  own best constant"
    lines += ["", "mean regret, in per cent", f"{'labels, prior':{wide}}{head}"]
    lines += [
        f"{name:{wide}}{means(part, overall)}" for name, part in [*groups.items(), ("all", rows)]
    ]
    return lines


if __name__ == "__main__":
    try:
        print("\n".join(report(map(Path, sys.argv[1:]))))
    except InputError as error:
        sys.exit(str(error))
