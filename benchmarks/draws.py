"""What further draws of noise cost: refining people with one draw and with several, by turns.

    python benchmarks/draws.py world paper

A line is CPU seconds a person of one thread, best of the rounds: the features, which all draws share, and
refinement as labels are made of it (features, noise, two visits of the U-Net a draw, peaks). Weights and
pictures are random. The last line says how much of it is arithmetic, which no other order of the work saves.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from gcdr.data.heatmaps import peak_points
from gcdr.models.denoiser import Denoiser
from gcdr.models.folding import ready
from gcdr.models.interface import GazeInputs
from gcdr.models.precision import PRECISIONS, set_precision
from gcdr.models.sizes import DenoiserConfig
from gcdr.refine.diffusion import SAMPLERS, Schedule, draws
from gcdr.refine.maps import Refinement, conditioned

PEOPLE = {"world": 64, "paper": 17}  # of 16 at most PyTorch takes another, slower convolution
CPU = torch.device("cpu")


def seconds(work: Callable[[], object]) -> float:
    """CPU seconds of one go."""
    start = time.process_time()
    work()
    return time.process_time() - start


def operations(work: Callable[[], object]) -> int:
    """Floating-point operations of convolutions and matrix products."""
    with FlopCounterMode(display=False) as counter:
        work()
    return counter.get_total_flops()


def shown(people: int, side: int) -> GazeInputs:
    """People, each in a picture of their own."""
    rng = torch.Generator().manual_seed(1)
    return GazeInputs(
        images=torch.rand(people, 3, side, side, generator=rng),
        image_of=torch.arange(people),
        head_box=torch.rand(people, 4, generator=rng),
        head_crop=torch.rand(people, 3, side, side, generator=rng),
        head_mask=torch.rand(people, 1, side, side, generator=rng),
    )


def trained_like(model: nn.Module) -> nn.Module:
    """The model without the zeros that it starts from: processors may be faster with zeros."""
    torch.manual_seed(0)
    for parameter in model.parameters():
        if not parameter.any():
            nn.init.normal_(parameter, 0, 0.02)
    return model


@torch.inference_mode()
def case(size: str, count: int, rounds: int, precision: str) -> None:
    """Measure a size."""
    config = getattr(DenoiserConfig, size)()
    model = ready(trained_like(Denoiser(config)), CPU)
    set_precision(model, precision)
    people = PEOPLE[size]
    inputs = shown(people, model.input_size)
    maps = torch.rand(people, model.map_size, model.map_size)

    def refine(draw_count: int) -> None:
        way = Refinement(100, 2, Schedule(500), SAMPLERS["reference"], draw_count, 0, expected=True)
        noise = way.noise(np.arange(people), model.map_size)
        made = draws(conditioned(model, inputs), way.start(maps, model), noise, way)
        peak_points(made.flatten(0, 1))

    works: dict[str, Callable[[], object]] = {
        "features": lambda: model.context(inputs),
        "one draw": lambda: refine(1),
        f"{count} draws": lambda: refine(count),
    }
    best = dict.fromkeys(works, np.inf)
    refine(1)
    for _ in range(rounds):
        for name, work in works.items():
            best[name] = min(best[name], seconds(work) / people)
    one, several = best["one draw"], best[f"{count} draws"]
    each = (several - one) / (count - 1)
    context, noisy = model.context(inputs), maps
    shared = operations(lambda: model.context(inputs)) / people
    sums = (
        2 * operations(lambda: model.predict(noisy, torch.full((people,), 50.0), context)) / people
    )
    least = (shared + count * sums) / (shared + sums)
    for name, value in best.items():
        print(f"{size:6s} {precision}  {name:9s} {1e3 * value:9.3f} ms a person")
    print(
        f"{size:6s} {precision}  {count} draws take {several / one:.2f} times as long as one, {least:.2f} "
        f"times as many operations: features {shared / 1e9:.3f} GFLOP, a draw {sums / 1e9:.3f} at "
        f"{sums / each / 1e9:.0f} GFLOP/s",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("sizes", nargs="+", choices=list(PEOPLE))
    parser.add_argument("--draws", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--precision", nargs="+", choices=PRECISIONS, default=["fp32"])
    args = parser.parse_args()
    torch.set_num_threads(1)
    for size in args.sizes:
        for precision in args.precision:
            case(size, args.draws, args.rounds, precision)


if __name__ == "__main__":
    main()
