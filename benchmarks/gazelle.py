"""What further people in an image cost Gaze-LLE, which encodes an image once.

    OMP_NUM_THREADS=2 python benchmarks/gazelle.py

Random weights and pictures at 448 px. One person and eight people in one image take turns, after a round
to warm up; a figure is the median of the rounds, a ratio the median of the rounds' ratios. The ratio of CPU
seconds is what to read on a busy machine.
"""

import argparse
import statistics
import time

import torch

from gcdr.models.gazelle import Gazelle
from gcdr.models.gazelle_config import GazelleConfig
from gcdr.models.interface import GazeInputs

SIZES = {"B": (GazelleConfig.paper, 1.5), "L": (GazelleConfig.large, 1.2)}
PEOPLE = 8


def people(count: int, image: torch.Tensor) -> GazeInputs:
    """So many people in one image, with heads of a common size."""
    corner = torch.rand(count, 2) * 0.8
    box = torch.cat([corner, corner + 0.15], dim=1)
    return GazeInputs(images=image, image_of=torch.zeros(count, dtype=torch.int64), head_box=box)


@torch.inference_mode()
def seconds(model: Gazelle, inputs: GazeInputs) -> tuple[float, float]:
    """Wall clock and CPU time of one call."""
    start = time.perf_counter(), time.process_time()
    model(inputs)
    return time.perf_counter() - start[0], time.process_time() - start[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", choices=SIZES)
    options = parser.parse_args()
    torch.manual_seed(0)
    for name in [options.only] if options.only else SIZES:
        sizes, limit = SIZES[name]
        model = Gazelle(sizes(inout=True)).eval()
        image = torch.randn(1, 3, 448, 448)
        one, many = people(1, image), people(PEOPLE, image)
        seconds(model, one), seconds(model, many)
        rounds = [(seconds(model, one), seconds(model, many)) for _ in range(options.rounds)]
        for clock, label in enumerate(("wall", "CPU")):
            pairs = [(alone[clock], together[clock]) for alone, together in rounds]
            first, second = (statistics.median(column) for column in zip(*pairs, strict=True))
            ratio = statistics.median(b / a for a, b in pairs)
            print(
                f"ViT-{name}/14, {label}: one person {first:.2f} s, {PEOPLE} people {second:.2f} s, "
                f"ratio {ratio:.2f} (at most {limit})",
                flush=True,
            )


if __name__ == "__main__":
    main()
