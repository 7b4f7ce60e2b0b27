"""How well the demo world's detector of heads does on pictures that nothing else uses, and how fast.

    python benchmarks/heads.py [--weights FOLDER] [--scenes 500] [--seed 60331]

Draws scenes of both styles of the world and prints, of the heads in them, the share that was found
(recall), the share of detections that are one (precision), both at an IoU of 0.5, and the mean IoU of the
hits. The time is that of finding alone, on one thread of a CPU.
"""

import argparse
import time
from pathlib import Path

import torch

from gcdr.detection.detector import load_detector
from gcdr.world.weights.detectors import draw_examples, measure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", type=Path, default=Path("assets/world/heads"))
    parser.add_argument("--scenes", type=int, default=500)
    parser.add_argument("--seed", type=int, default=60331)
    args = parser.parse_args()
    torch.set_num_threads(1)
    detector = load_detector(args.weights / "model.safetensors")
    print("style   heads  recall  precision  mean IoU  CPU ms an image")
    for style in ("web", "gaze"):
        examples = draw_examples(args.seed, range(args.scenes), style, 320, 240, "heads")
        begun = time.process_time()
        found = measure(detector, examples)
        spent = 1000 * (time.process_time() - begun) / len(examples)
        print(
            f"{style:5} {found.people:7} {found.recall:7.3f} {found.precision:10.3f}"
            f" {found.mean_iou:9.3f} {spent:16.1f}"
        )


if __name__ == "__main__":
    main()
