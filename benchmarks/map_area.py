"""What AUC pays for: the same predictions, made wider or narrower, under both metrics (paper, S5).

    python benchmarks/map_area.py results/STUDY/labels10-seed0/metrics/VARIANT.h5 --dataset DATASET

Every map is raised to a power (narrower) or blurred by a Gaussian (wider) and stretched to its peak. The area
is the share of cells above half of the peak. What a point is read from hardly moves, so AvgDist should stay.
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from gcdr.data.heatmaps import minmax
from gcdr.data.manifest import people_digest, read_people
from gcdr.data.stores import read_labels
from gcdr.evaluation.scores import score_maps, summarise
from gcdr.evaluation.stages import test_people
from gcdr.models.denoiser import gaussian_matrix

POWERS = (16, 8, 4, 2)
BLURS = (1.0, 2.0, 4.0, 8.0)


def variants(maps: torch.Tensor) -> dict[str, torch.Tensor]:
    """Maps (N, G, G) in [0, 1] by what was done to them, narrowest first."""
    made = {f"to the power {power}": maps**power for power in POWERS} | {"as predicted": maps}
    for sigma in BLURS:
        blur = gaussian_matrix(maps.shape[-1], sigma)
        made[f"blurred by {sigma:g} cells"] = blur @ maps @ blur
    return {name: minmax(values)[0] for name, values in made.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("maps", type=Path, nargs="+", help="predictions of test people")
    parser.add_argument("--dataset", required=True, help="name of the data set below results/data")
    args = parser.parse_args()
    data = Path("results/data", args.dataset)
    people = read_people(data / "manifest.parquet")
    for path in args.maps:
        samples = next(data.glob("samples-*.h5"))
        tested = test_people(data / "manifest.parquet", data / "annotations.parquet", samples)
        tested = tested.looking_inside()
        store = read_labels(path, people_digest(people), tested.ids)
        print(f"{path}: {len(tested.ids)} people\n{'':24s} area    AUC    AvgDist")
        for name, maps in variants(torch.from_numpy(store.heatmap).clamp(0, 1)).items():
            found = summarise(score_maps(maps.numpy(), tested.people, tested.points))
            area = np.mean((maps > 0.5).flatten(1).float().mean(1).numpy())
            print(
                f"{name:24s} {area:.3f}  {found['auc']['value']:.3f}  "
                f"{found['dist_to_mean']['value']:.3f}"
            )


if __name__ == "__main__":
    main()
