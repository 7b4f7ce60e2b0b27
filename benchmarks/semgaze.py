"""What further people in a picture cost the semantic gaze model, which encodes a picture once.

    OMP_NUM_THREADS=2 python benchmarks/semgaze.py

Random weights of the paper's size, everybody decoded alone. One person and eight people in one picture take
turns, after a round to warm up; a figure is the best of the rounds. On a busy machine read the ratio of CPU
seconds, of one thread: of two, one that waits for the other counts too.
"""

import argparse
import time

import torch

from gcdr.models.folding import ready
from gcdr.models.interface import GazeInputs
from gcdr.models.semgaze import Semgaze
from gcdr.models.semgaze_config import SemgazeConfig

PEOPLE, LIMIT = 8, 2.5


def people(count: int, image: torch.Tensor) -> GazeInputs:
    """So many people in one picture, with heads of a common size."""
    corner = torch.rand(count, 2) * 0.8
    return GazeInputs(
        images=image,
        image_of=torch.zeros(count, dtype=torch.int64),
        head_box=torch.cat([corner, corner + 0.15], dim=1),
        head_crop=torch.randn(count, 3, 224, 224),
    )


@torch.inference_mode()
def seconds(model: Semgaze, inputs: GazeInputs) -> tuple[float, float]:
    """Wall clock and CPU time of one call."""
    start = time.perf_counter(), time.process_time()
    model(inputs)
    return time.perf_counter() - start[0], time.process_time() - start[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    torch.manual_seed(0)
    model = ready(Semgaze(SemgazeConfig.paper()), "cpu")
    image = torch.randn(1, 3, 256, 256)
    one, many = people(1, image), people(PEOPLE, image)
    seconds(model, one), seconds(model, many)
    rounds = [(seconds(model, one), seconds(model, many)) for _ in range(options.rounds)]
    for clock, label in enumerate(("wall", "CPU")):
        alone, together = (
            min(call[clock] for call in calls) for calls in zip(*rounds, strict=True)
        )
        print(
            f"{label}: one person {alone:.2f} s, {PEOPLE} people {together:.2f} s, ratio "
            f"{together / alone:.2f} (at most {LIMIT})",
            flush=True,
        )


if __name__ == "__main__":
    main()
