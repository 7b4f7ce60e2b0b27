"""Models that are asked, with batch norms as trained, folded, and with ReLU and sums in the same pass.

    OMP_NUM_THREADS=1 python benchmarks/one_pass.py

CPU seconds of one thread, the best of rounds that take turns; random weights.
"""

import argparse
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from gcdr.models.folding import ready
from gcdr.models.interface import GazeInputs
from gcdr.models.sizes import VATConfig
from gcdr.models.vat import VAT
from gcdr.priors.vqa.ofa.resnet import ResNet


def people(count: int) -> GazeInputs:
    """Random pictures of 224 pixels, one for each person."""
    pictures = [torch.rand(count, channels, 224, 224) for channels in (3, 3, 1)]
    return GazeInputs(
        images=pictures[0],
        image_of=torch.arange(count),
        head_box=torch.rand(count, 4),
        head_crop=pictures[1],
        head_mask=pictures[2],
    )


def compare(name: str, model: nn.Module, ask: Callable[[nn.Module], Tensor], rounds: int) -> None:
    """Print what a call takes in three ways; where gradients may be asked for, none is one pass."""
    model = model.eval().requires_grad_(False).to(memory_format=torch.channels_last)
    folded = ready(model, "cpu")
    ways = {"as trained": (model, True), "folded": (folded, True), "one pass": (folded, False)}
    best, said = dict.fromkeys(ways, float("inf")), {}
    for _ in range(rounds):
        for way, (asked, gradients) in ways.items():
            with torch.set_grad_enabled(gradients):
                begun = time.process_time()
                said[way] = ask(asked)
                best[way] = min(best[way], time.process_time() - begun)
    exact = said["as trained"]
    for way, taken in best.items():
        off = (said[way] - exact).abs().max() / exact.abs().max()
        faster = best["as trained"] / taken
        print(f"{name:28s} {way:10s} {taken:7.3f} CPU s {faster:6.2f} x   off by {off:.0e}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    torch.manual_seed(0)
    pictures, crowd = torch.randn(4, 3, 480, 480), people(2)
    compare("OFA-tiny's stem, 4 pictures", ResNet((3, 4, 6)), lambda model: model(pictures), rounds)
    vat = VAT(VATConfig.paper())
    compare("VAT, 2 people", vat, lambda model: model(crowd).heatmap, rounds)


if __name__ == "__main__":
    main()
