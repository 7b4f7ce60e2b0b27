"""What labels choose by models of folds that took so many steps, beside what is best for the labelling model.

    python benchmarks/fold_length.py results/calibration/labels5-seed42 --steps 300 600 --priors oracle near

Of the folder of a split with ``refine.timestep: auto`` whose diffusion teacher and priors are made (see
configs/prior-map.yaml). For each number of steps models of its folds are trained anew, in a folder that goes
again. Printed is, of every prior, the AvgDist of held-out people by timestep and what it chooses, and that of
test people by the teacher, whose labels no choice sees.
"""

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from regret_groups import CPU, errors_of

from gcdr.base.files import read_json
from gcdr.config.checked import read_config
from gcdr.evaluation.sweeps import choice_by
from gcdr.settings import learning
from gcdr.training.denoising import train_diffusion_model
from gcdr.training.recipes import DenoiserTraining


def folds_of(split: Path, steps: int, folds: int, init: Path, out: Path) -> list[Path]:
    """Folders of models that leave a fold out each, trained for so many steps."""
    data, seed = split.parent.parent / "data" / split.parent.name, int(split.name.split("-seed")[1])
    card = read_json(split / "teachers/diffusion/model.json")
    whole = replace(DenoiserTraining.from_json(card["settings"]), fold=None)
    samples, manifest = next(data.glob("samples-*.h5")), data / "manifest.parquet"
    read, made = (samples, split / "originals.h5", split / "labels.parquet", init), []
    for number in range(folds):
        fold = whole.without_fold(number, folds)
        fold = replace(fold, recipe=replace(fold.recipe, steps=steps, epochs=None))
        made.append(out / f"{number + 1}-of-{folds}")
        train_diffusion_model(*read, fold, seed, CPU, made[-1], manifest)
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("split", type=Path, help="folder of a label split")
    parser.add_argument("--steps", type=int, nargs="+", default=[300, 600])
    parser.add_argument("--priors", nargs="+", default=["ofa-world-body"])
    parser.add_argument("--config", type=Path, nargs="+", default=[Path("config.yaml")])
    args = parser.parse_args()
    torch.set_num_threads(1)
    config = read_config(args.config)
    settings = learning.choice_settings(config, None, 1, 1)
    init, folds = Path(config["diffusion"]["init"]), config["refine"]["auto"]["folds"]
    print(f"{'':40s}" + "".join(f"{time:>7}" for time in settings.timesteps))
    with tempfile.TemporaryDirectory() as folder:
        for steps in args.steps:
            models = folds_of(args.split, steps, folds, init, Path(folder, str(steps)))
            for prior in args.priors:
                found = errors_of(args.split, prior, settings, Path(folder), models)
                _, choice = choice_by(found.held_out, found.people, settings)
                for name, errors in (("held out", found.held_out), ("test", found.test)):
                    means = "".join(f"{error:7.4f}" for error in np.mean(errors, 1))
                    print(f"{f'{steps} steps, {prior}, {name}':40s}{means}")
                print(f"{'':40s}chosen: {choice.whole.timestep}", flush=True)


if __name__ == "__main__":
    main()
