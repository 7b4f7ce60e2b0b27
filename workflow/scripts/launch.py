"""Run a training's script in several processes of one machine: launch.py PROCESSES SCRIPT OPTIONS."""

import sys

from gcdr.base.command import run
from gcdr.training.launch import launch

if __name__ == "__main__":
    run(lambda: launch(int(sys.argv[1]), sys.argv[2:]))
