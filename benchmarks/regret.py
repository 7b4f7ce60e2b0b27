"""What letting labels choose the timestep costs, against the best fixed one found with all test labels.

python benchmarks/regret.py STUDY_FOLDER [STUDY_FOLDER ...]      such as results/world-*/labels10-seed*

Of each study the AvgDist of refined maps of test people: as refine.timestep auto made them, and at the fixed
timesteps of its sweep. Regret is how much worse than the best fixed one, in per cent; beside it that of the
constant that is best over all studies together, which nobody could know.
"""

import sys
from pathlib import Path

import numpy as np

from gcdr.base.files import read_json


def one(folder: Path, pattern: str) -> Path:
    """The only file of a pattern."""
    (found,) = sorted(folder.glob(pattern))
    return found


def errors(folder: Path) -> tuple[int, float, dict[int, float]]:
    """The chosen timestep, the error with it, and the error at each fixed one."""
    chosen = read_json(one(folder, "timestep/configured+*.json"))["chosen"]["timestep"]
    auto = read_json(one(folder, "metrics/diffusion-gc-gcdr-tauto-*.json"))["metrics"]
    sweep = read_json(one(folder, "sweep+*.json"))
    fixed = {
        row["timestep"]: row["dist_to_mean"]
        for row in sweep["rows"]
        if row["sampler"] == sweep["sampler"] and row["set"] == "test"
    }
    return chosen, auto["dist_to_mean"]["value"], fixed


def main(*folders: str) -> None:
    read = {folder: errors(Path(folder)) for folder in folders}
    fixed = np.array([list(of.values()) for _, _, of in read.values()])
    times = list(next(iter(read.values()))[2])
    print(
        f"{'study':40} chosen   auto  regret   fixed: "
        + " ".join(f"t={time:<4d}" for time in times)
    )
    regrets = []
    for folder, (chosen, auto, of) in read.items():
        regrets.append(100 * (auto / min(auto, *of.values()) - 1))
        row = " ".join(f"{value:.4f}" for value in of.values())
        print(f"{folder:40} {chosen:6d}  {auto:.4f}  {regrets[-1]:5.1f}%          {row}")
    constant = int(fixed.mean(0).argmin())
    theirs = 100 * (fixed[:, constant] / fixed.min(1) - 1)
    print(f"regret of auto: {np.mean(regrets):.1f} % on average, at most {max(regrets):.1f} %")
    print(
        f"regret of t = {times[constant]}: {theirs.mean():.1f} % on average, at most {theirs.max():.1f} %"
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
