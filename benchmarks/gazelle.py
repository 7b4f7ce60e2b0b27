"""What further people in an image cost Gaze-LLE, which encodes an image once.

    OMP_NUM_THREADS=2 python benchmarks/gazelle.py

Random weights and pictures at 448 px. One person and eight people in one image take turns, after a round
to warm up; a figure is the best of the rounds. On a busy machine read the ratio of CPU seconds, of one
thread: of two, one that waits for the other counts too.
"""

import argparse
import time

import torch

from gcdr.models.gazelle import Gazelle
from gcdr.models.gazelle_config import GazelleConfig
from gcdr.models.interface import GazeInputs, GazeModel

SIZES = {"B": (GazelleConfig.paper, 1.5), "L": (GazelleConfig.large, 1.2)}
PEOPLE = 8


def people(count: int, image: torch.Tensor, heads: int) -> GazeInputs:
    """So many people in one image, with heads of a common size and, if there are to be any, crops of them."""
    corner = torch.rand(count, 2) * 0.8
    return GazeInputs(
        images=image,
        image_of=torch.zeros(count, dtype=torch.int64),
        head_box=torch.cat([corner, corner + 0.15], dim=1),
        head_crop=torch.randn(count, 3, heads, heads) if heads else None,
    )


@torch.inference_mode()
def seconds(model: GazeModel, inputs: GazeInputs) -> tuple[float, float]:
    """Wall clock and CPU time of one call."""
    start = time.perf_counter(), time.process_time()
    model(inputs)
    return time.perf_counter() - start[0], time.process_time() - start[1]


def compare(
    title: str, model: GazeModel, image: torch.Tensor, heads: int, limit: float, rounds: int
) -> None:
    """Print what one person and what several cost, in turns.

    Args:
        title: what stands before the figures.
        model: any that encodes a picture once.
        image: (1, 3, S, S).
        heads: side of head crops in pixels, 0 for a model that sees none.
        limit: what the ratio is meant to be at most.
        rounds: that a figure is the best of.
    """
    one, many = people(1, image, heads), people(PEOPLE, image, heads)
    seconds(model, one), seconds(model, many)
    calls = [(seconds(model, one), seconds(model, many)) for _ in range(rounds)]
    for clock, label in enumerate(("wall", "CPU")):
        alone, together = (min(call[clock] for call in side) for side in zip(*calls, strict=True))
        print(
            f"{title}{label}: one person {alone:.2f} s, {PEOPLE} people {together:.2f} s, "
            f"ratio {together / alone:.2f} (at most {limit})",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", choices=SIZES)
    options = parser.parse_args()
    torch.manual_seed(0)
    for name in [options.only] if options.only else SIZES:
        sizes, limit = SIZES[name]
        model, image = Gazelle(sizes(inout=True)).eval(), torch.randn(1, 3, 448, 448)
        compare(f"ViT-{name}/14, ", model, image, 0, limit, options.rounds)


if __name__ == "__main__":
    main()
