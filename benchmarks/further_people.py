"""What a further person in a picture costs ``gcdr predict`` with a frozen backbone, all warm.

    OMP_NUM_THREADS=2 python benchmarks/further_people.py [--people 8] [--rounds 5]

Random weights of Gaze-LLE, ViT-B/14 at 448 pixels, and a picture of random pixels whose head boxes are given:
it is read, people are asked about, and it is drawn, as the command does after its imports. One person and
several take turns, after a round to warm up; a figure is the best of the rounds.
"""

import argparse
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image

from gcdr.data.manifest import BOX
from gcdr.models.gazelle import Gazelle
from gcdr.models.gazelle_config import GazelleConfig
from gcdr.prediction.drawn import draw_people, write_drawing
from gcdr.prediction.predicting import PredictionNotes, predict_people
from gcdr.prediction.sources import find_pictures, heads_of_table
from gcdr.predictor.predictor import Predictor

CONFIGS = {"paper": GazelleConfig.paper, "world": GazelleConfig.world}
LIMIT = 0.2  # of the first person
SIZE = (1280, 960)


def predict(model: Predictor, folder: Path, people: int) -> None:
    """The picture in a folder with so many heads, from file to drawing."""
    pictures = find_pictures([folder])
    told = PredictionNotes([])

    def show(name: str, image: Image.Image, rows: pd.DataFrame, prediction: object) -> None:
        write_drawing(
            draw_people(image, rows, prediction, heat=False, blur=False),
            folder.with_name("drawn"),
            name,
        )

    heads = heads_of_table(folder.with_name(f"{people}.csv"), pictures)
    if len(predict_people(pictures, heads, model, told, show)) != people:
        raise SystemExit(f"found fewer than {people}: {told}")


def seconds(model: Predictor, folder: Path, people: int) -> np.ndarray:
    """Wall clock and CPU time of one call."""
    start = time.perf_counter(), time.process_time()
    predict(model, folder, people)
    return np.subtract((time.perf_counter(), time.process_time()), start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--people", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", choices=CONFIGS, default="paper")
    options = parser.parse_args()
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    model = Predictor(Gazelle(CONFIGS[options.size](inout=True)), torch.device("cpu"))
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root, "pictures")
        folder.mkdir()
        noise = rng.integers(0, 256, (*SIZE[::-1], 3), dtype=np.uint8)
        Image.fromarray(noise).save(folder / "0.jpg")
        corner = rng.uniform(0, 0.8, (options.people, 2)) * SIZE
        table = pd.DataFrame(np.hstack([corner, corner + 100]), columns=BOX)
        table.insert(0, "image", "0.jpg")
        counts = 1, options.people
        for count in counts:
            table[:count].to_csv(Path(root, f"{count}.csv"), index=False)
        call = partial(seconds, model, folder)
        rounds = np.array([[call(count) for count in counts] for _ in range(options.rounds + 1)])
    for clock, (alone, together) in zip(("wall", "CPU"), rounds[1:].min(0).T, strict=True):
        further = (together - alone) / (options.people - 1)
        print(
            f"{clock}: the first person {alone:.3f} s, each of {options.people - 1} further ones "
            f"{further:.3f} s, {further / alone:.3f} of it (at most {LIMIT})"
        )


if __name__ == "__main__":
    main()
