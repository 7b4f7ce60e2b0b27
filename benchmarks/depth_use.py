"""Whether a trained PDP looks at depth: test people shown their own depth, and that of other pictures.

python benchmarks/depth_use.py STUDY [STUDY ...]      such as demo demo-1 demo-2

After `snakemake --cores all --configfile configs/depth.yaml configs/depth-ablation.yaml`, in its folder. The
model is the same, trained with own depth (vat+pdp); one trained with that of others stands in the tables.
"""

import sys
import tempfile
from pathlib import Path

import torch

from gcdr.base.files import read_json
from gcdr.evaluation.stages import evaluate_model
from gcdr.refine.options import MapSettings


def error(study: Path, data: Path, shown: str, folder: Path) -> float:
    """AvgDist of test people at the cell centre."""
    out = folder / f"{shown}.json"
    evaluate_model(
        model=study / "teachers/vat+pdp",
        samples=next(data.glob(f"{shown}-samples-*.h5")),
        manifest=data / "manifest.parquet",
        annotations=data / "annotations.parquet",
        settings=MapSettings(size=32, sigma=3.0),
        about={},
        device=torch.device("cpu"),
        out=out,
        prior=None,
        prior_made_by={},
    )
    return read_json(out)["metrics"]["dist_to_mean"]["value"]


def main(*studies: str) -> None:
    print(f"{'study':12} own depth  shuffled  difference")
    for name in studies:
        (study,) = Path("results", name).glob("labels10-seed*")
        with tempfile.TemporaryDirectory() as folder:
            own, other = (
                error(study, Path("results/data", name), shown, Path(folder))
                for shown in ("deep", "shuffled")
            )
        print(f"{name:12} {own:9.4f} {other:9.4f} {other - own:+11.4f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
