"""What bf16 costs: metrics of a finished study's prior and refined maps in float32 and in bf16.

    python benchmarks/half_precision.py results/demo/labels10-seed0 VARIANT [--people 200]

Asks the demo world's VQA model about some people in each precision, and refines either's maps by the
study's diffusion teacher, as the variant says, in the same precision and with the noise of each seed; those
of them who are tested are scored. Weights are the trained ones; nothing is trained again. Prints AvgDist,
MinDist and AUC, the share of peaks that moved by a cell or more, and CPU seconds.
"""

import argparse
import tempfile
import time
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import torch

from gcdr.base.device import one_thread
from gcdr.data.hdf5 import attributes_of_hdf5
from gcdr.data.heatmaps import peak_points
from gcdr.data.manifest import people_digest, read_people
from gcdr.data.prior_maps import prior_maps
from gcdr.data.stores import read_columns
from gcdr.data.tokens import open_cache
from gcdr.evaluation.scores import score_maps, summarise
from gcdr.evaluation.stages import test_people
from gcdr.priors.kinds.vqa_kind import AskSettings
from gcdr.priors.vqa.asking import ask_people
from gcdr.refine.labels import load_denoiser, refinement_of
from gcdr.refine.maps import refine_maps
from gcdr.refine.options import RefineSettings

CPU, PRECISIONS = torch.device("cpu"), ("fp32", "bf16")
WEIGHTS, CELLS = Path("assets/world/vqa"), 32


def asked(data: Path, prior: str, precision: str, people: int, out: Path) -> float:
    """Fill a store of the first test people; CPU seconds."""
    made_by = attributes_of_hdf5(data / f"priors/{prior}.h5")["made_by"]
    known = {field.name for field in fields(AskSettings)}
    settings = AskSettings.from_json({k: v for k, v in made_by.items() if k in known}, prior)
    settings = replace(settings, precision=precision)
    manifest = data / "manifest.parquet"
    everybody = read_people(manifest)
    count = len(everybody) if settings.which == "all" else int((everybody["split"] == "test").sum())
    start, shards = time.process_time(), max(1, round(count / people))
    files = (manifest, data / "images", data / "bodies.parquet", WEIGHTS)
    ask_people(*files, settings, 1, shards, 1, 0.0, CPU, out)
    return time.process_time() - start


def refinement(study: Path, variant: str) -> RefineSettings:
    """How a variant's maps of test people were refined."""
    made_by = attributes_of_hdf5(study / f"test/{variant}.h5")["made_by"]
    settings = RefineSettings.from_json(made_by["settings"]["refine"], variant)
    return replace(settings, **made_by.get("chosen", {}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("study", type=Path, help="folder of a split: results/demo/labels10-seed0")
    parser.add_argument("variant", help="of refined maps in its folder test/")
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    args = parser.parse_args()
    data = args.study.parent.parent / "data" / args.study.parent.name
    prior, manifest, samples = (
        args.variant.split("+")[1],
        data / "manifest.parquet",
        data / "samples-56.h5",
    )
    hidden = args.study / "hidden.parquet"
    annotations = hidden if hidden.exists() else data / "annotations.parquet"
    tested = test_people(manifest, annotations, samples).looking_inside()
    digest, refine = people_digest(read_people(manifest)), refinement(args.study, args.variant)
    maps, first = {}, {}
    with tempfile.TemporaryDirectory() as folder, one_thread():
        for precision in PRECISIONS:
            store = Path(folder, f"{precision}.h5")
            seconds = asked(data, prior, precision, args.people, store)
            rows = np.flatnonzero(np.isin(tested.ids, read_columns(store)["sample_id"]))
            ids, people, points = tested.ids[rows], tested.people.iloc[rows], tested.points[rows]
            maps[precision], _ = prior_maps(store, digest, ids, 1, CELLS)

            def say(
                what: str, made: np.ndarray, seconds: float, precision: str = precision
            ) -> None:
                scored = summarise(score_maps(made, people, points))  # noqa: B023
                values = [scored[name]["value"] for name in ("dist_to_mean", "min_dist", "auc")]
                peaks = peak_points(torch.from_numpy(made))
                moved = (peaks - first.setdefault(what, peaks)).abs().amax(1)
                share = (moved * CELLS > 0.5).float().mean()
                print(
                    f"{what:16s} {precision} {len(made):4d} people  AvgDist {values[0]:.4f}  "
                    f"MinDist {values[1]:.4f}  AUC {values[2]:.4f}  peaks moved {share:5.1%}  "
                    f"{seconds:6.1f} CPU s",
                    flush=True,
                )

            say("prior", maps[precision], seconds)
            model = load_denoiser(args.study / "teachers/diffusion", precision)
            for seed in args.seeds:
                start = time.process_time()
                way = [refinement_of(replace(refine, precision=precision), seed)]
                (made,) = refine_maps(
                    model, open_cache(samples, digest), ids, maps[precision], way, CPU
                )
                say(f"refined, seed {seed}", made.heatmap.numpy(), time.process_time() - start)


if __name__ == "__main__":
    main()
