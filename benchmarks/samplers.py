"""Both samplers, and both ways to start them, by timestep: what a denoiser must have learned for each.

    snakemake --cores 2 --configfile configs/calibration.yaml -- results/data/calibration/samples-56.h5 \
        results/data/calibration/priors/ofa-world-body.h5 results/calibration/labels10-seed42/originals.h5
    python benchmarks/samplers.py results/calibration/labels10-seed42 --own 0.33 --norm group

One diffusion model is trained as configured, but for ``--own`` and ``--norm``, and refines the prior maps of
test people of that study. A line is AvgDist at each timestep. For worlds that settings are chosen on.
"""

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from unittest import mock

import torch

from gcdr.config.checked import read_config
from gcdr.data.manifest import people_digest, read_people
from gcdr.data.prior_maps import prior_maps
from gcdr.data.tokens import open_cache
from gcdr.evaluation.scores import score_maps, summarise
from gcdr.evaluation.stages import test_people
from gcdr.models.sizes import DenoiserConfig
from gcdr.refine.diffusion import SAMPLERS
from gcdr.refine.labels import load_denoiser, refinement_of
from gcdr.refine.maps import refine_maps
from gcdr.refine.options import RefineSettings, SamplerSettings
from gcdr.settings import learning
from gcdr.training.denoising import train_diffusion_model

TIMESTEPS = (50, 100, 150, 200, 250, 300, 400, None)
CPU = torch.device("cpu")


def trained(study: Path, data: Path, own: float, norm: str, out: Path) -> Path:
    """Folder of a denoiser that was trained on the study's labels."""
    config = read_config([Path("config.yaml")])
    share, seed = study.name.removeprefix("labels").split("-seed")
    settings = learning.denoiser_training(config, int(share))
    settings = replace(settings, recipe=replace(settings.recipe, own=own))
    sizes = replace(DenoiserConfig.world(), norm=norm, groups=8)
    files = (data / "samples-56.h5", study / "originals.h5", study / "labels.parquet")
    with mock.patch.object(DenoiserConfig, "world", return_value=sizes):
        init = Path(config["diffusion"]["init"])
        train_diffusion_model(*files, init, settings, int(seed), CPU, out)
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("study", type=Path)
    parser.add_argument("--own", type=float, default=0.0)
    parser.add_argument("--norm", choices=("batch", "group"), default="batch")
    parser.add_argument("--people", type=int, default=400)
    args = parser.parse_args()
    data = Path("results/data", args.study.parent.name)
    with tempfile.TemporaryDirectory() as folder:
        start = time.process_time()
        model = load_denoiser(trained(args.study, data, args.own, args.norm, Path(folder, "model")))
        print(
            f"own {args.own}, norm {args.norm}: trained in {time.process_time() - start:.0f} CPU s"
        )
    manifest, samples = data / "manifest.parquet", data / "samples-56.h5"
    tested = test_people(manifest, data / "annotations.parquet", samples).looking_inside()
    ids, digest = tested.ids[: args.people], people_digest(read_people(manifest))
    maps, _ = prior_maps(data / "priors/ofa-world-body.h5", digest, ids, 1, model.map_size)
    seed = int(args.study.name.split("-seed")[1])
    ways = {
        (sampler, begin, timestep): refinement_of(
            RefineSettings(SamplerSettings(500, "linear", sampler), timestep, start=begin), seed
        )
        for sampler in SAMPLERS
        for begin in ("stretched", "expected")
        for timestep in TIMESTEPS
    }
    made = refine_maps(model, open_cache(samples, digest), ids, maps, [*ways.values()], CPU)
    people, points = tested.people[: args.people], tested.points[: args.people]
    rows: dict[str, list[str]] = {}
    for (sampler, begin, _), refined in zip(ways, made, strict=True):
        found = summarise(score_maps(refined.heatmap.numpy(), people, points))
        rows.setdefault(f"{sampler}, {begin}", []).append(f"{found['dist_to_mean']['value']:.3f}")
    print(f"{'':24s}" + "".join(f"{t or 'noise':>7}" for t in TIMESTEPS))
    for name, values in rows.items():
        print(f"{name:24s}" + "".join(f"{value:>7}" for value in values))


if __name__ == "__main__":
    main()
