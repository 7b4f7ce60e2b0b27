"""What methods reach on shows, and in how many shows one is ahead of another, from metrics files.

    python benchmarks/shows.py STUDY_FOLDER [STUDY_FOLDER ...] --methods NAME [NAME ...]

Folders such as results/kitchen-1/labelschosen-seed711; names of metrics files without ``.json``. Of each
method the mean over shows, which count alike, with its standard deviation over seeds (``SHOW-SEED``):
distance and AUC of the video metric. Below, of the last method against each other one, in how many studies it
is nearer and has the higher AUC, and how likely as many are by chance (two-sided sign test).
"""

import argparse
import math
import sys
from pathlib import Path

import numpy as np

from gcdr.base.errors import InputError
from gcdr.base.files import read_json

METRICS = ("dist_to_mean", "auc_video")


def values(folders: list[Path], method: str) -> np.ndarray:
    """(studies, 2) distance and AUC of a method."""
    found = [read_json(folder / "metrics" / f"{method}.json")["metrics"] for folder in folders]
    return np.array([[one[name]["value"] for name in METRICS] for one in found])


def sign_test(better: int, count: int) -> float:
    """How likely so many of a number are ahead, or behind, by chance."""
    tail = sum(math.comb(count, k) for k in range(max(better, count - better), count + 1))
    return min(1.0, 2 * tail / 2**count)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--methods", nargs="+", required=True)
    args = parser.parse_args()
    if absent := [folder for folder in args.folders if not folder.is_dir()]:
        raise InputError(f"{absent[0]}: no such study; expected folders of studies that were made")
    seeds = np.array([folder.parent.name.rpartition("-")[2] for folder in args.folders])
    found = {method: values(args.folders, method) for method in args.methods}
    for method, each in found.items():
        means = np.array([each[seeds == seed].mean(0) for seed in np.unique(seeds)])
        spread = means.std(0, ddof=1) if len(means) > 1 else np.full(2, np.nan)
        (distance, auc), (far, wide) = means.mean(0), spread
        print(f"{method:45} {distance:.3f} ±{far:.3f}   {auc:.3f} ±{wide:.3f}")
    count, last = len(seeds), args.methods[-1]
    print(f"\n{last} against")
    for method in args.methods[:-1]:
        less, more = (found[last] - found[method]).T
        nearer, higher = int((less < 0).sum()), int((more > 0).sum())
        apart, unlike = int((less != 0).sum()), int((more != 0).sum())  # ties tell nothing
        print(
            f"{method:45} by {less.mean():+.3f}, nearer in {nearer} of {count} "
            f"(p = {sign_test(nearer, apart):.3f}), AUC {more.mean():+.3f}, higher in {higher} "
            f"(p = {sign_test(higher, unlike):.3f})"
        )


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(str(error))
