"""What further people in a picture cost the semantic gaze model, which encodes a picture once.

    OMP_NUM_THREADS=1 python benchmarks/semgaze.py

Random weights of the paper's size, everybody decoded alone; measured as benchmarks/gazelle.py does: wall
clock and CPU seconds, of which the latter count on a busy machine, and only of one thread.
"""

import argparse

import torch
from gazelle import compare

from gcdr.models.folding import ready
from gcdr.models.semgaze import Semgaze
from gcdr.models.semgaze_config import SemgazeConfig


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    torch.manual_seed(0)
    model = ready(Semgaze(SemgazeConfig.paper()), "cpu")
    compare("", model, torch.randn(1, 3, 256, 256), 224, 2.5, options.rounds)


if __name__ == "__main__":
    main()
