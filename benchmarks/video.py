"""Frames a second along a film, beside a plain loop over frames, and memory over many frames.

    python benchmarks/video.py                       # the demo world's sizes
    python benchmarks/video.py --size paper --frames 16 --rounds 1 --only inference training

Random weights and pictures; the ways take turns after a round to warm up, a figure is the best of the
rounds, in CPU seconds of one thread. The plain loop asks about one person of one frame at a time, and
carries the memory.
"""

import argparse
import resource
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from gcdr.models.inputs import gaze_inputs
from gcdr.models.interface import GazeInputs
from gcdr.models.sizes import VATConfig, VideoVATConfig
from gcdr.models.vat import VAT
from gcdr.models.video_vat import VideoVAT
from gcdr.predictor.film_predictor import TrackedFrame, predict_frames
from gcdr.predictor.predictor import Predictor, pictures_of

CPU = torch.device("cpu")
PEOPLE, WIDTH, HEIGHT = 3, 160, 120
TRACKS, CHUNK = 4, 3  # of a training step: VAT trains on three frames of each track at a time


def film(count: int) -> Iterator[TrackedFrame]:
    """Frames of noise with three heads; every hundred frames one person leaves and another comes."""
    rng = np.random.default_rng(0)
    for number in range(count):
        corner = rng.uniform(0, 80, (PEOPLE, 2))
        heads = np.concatenate([corner, corner + 30], 1)
        track = np.array([0, 1, 2 + number // 100])
        yield TrackedFrame(number, rng.integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8), heads, track)


@torch.inference_mode()
def plain(predictor: Predictor, frames: list[TrackedFrame]) -> None:
    model, memory = predictor.model, None
    for frame in frames:
        picture = Image.fromarray(frame.image)
        for head, track in zip(frame.heads, frame.track, strict=True):
            one = pictures_of([picture], [head[None]], model)(slice(0, 1), CPU)
            inputs = gaze_inputs(one, model)
            output = model(replace(inputs, track=torch.tensor([track]), memory=memory))
            memory = output.memory


def inputs_of(model: VideoVAT, step: int | None = None) -> GazeInputs:
    """Three frames of each of four tracks, or one of these steps."""
    size, count = model.input_size, TRACKS * CHUNK
    rng = torch.Generator().manual_seed(0)
    inputs = GazeInputs(
        images=torch.randn(count, 3, size, size, generator=rng),
        image_of=torch.arange(count),
        head_box=torch.rand(count, 4, generator=rng),
        head_crop=torch.randn(count, 3, size, size, generator=rng),
        head_mask=torch.rand(count, 1, size, size, generator=rng).round(),
        track=torch.arange(count) % TRACKS,
    )
    return inputs if step is None else inputs.people(torch.arange(count) // TRACKS == step)


def training(model: VideoVAT, together: bool) -> Callable[[], None]:
    """A training step on the frames of a chunk, in one call or in a call a frame of every track."""
    optimiser = torch.optim.Adam(model.parameters(), 1e-5)
    steps = [inputs_of(model)] if together else [inputs_of(model, step) for step in range(CHUNK)]

    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        memory, loss = None, torch.zeros(())
        for inputs in steps:
            output = model(replace(inputs, memory=memory))
            memory, loss = output.memory, loss + output.heatmap.square().mean()
        loss.backward()
        optimiser.step()

    return step


def table(title: str, ways: dict[str, Callable[[], object]], frames: int, rounds: int) -> None:
    """Frames a CPU second of some ways, which take turns."""
    best = dict.fromkeys(ways, float("inf"))
    for number in range(rounds + 1):
        for name, work in ways.items():
            start = time.process_time()
            work()
            if number:
                best[name] = min(best[name], time.process_time() - start)
    slowest = best[next(iter(ways))]
    for name, seconds in best.items():
        print(
            f"{title:24s} {name:38s} {frames / seconds:9.2f} / s {slowest / seconds:6.2f} x",
            flush=True,
        )


def resident() -> float:
    """MiB that the process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def curve(predictor: Predictor, frames: int) -> None:
    """Memory after every tenth of a film, which is drawn as it is asked for."""
    start, begun = time.process_time(), None
    for told in predict_frames(predictor, film(frames)):
        done = told.number + 1
        if done % (frames // 10) == 0:
            now, peak = resident(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
            begun = now if begun is None else begun
            bar = "#" * round(now / 20)
            print(
                f"{done:6d} frames  {now:7.1f} MiB, peak {peak:7.1f}, {now - begun:+6.1f}  {bar}",
                flush=True,
            )
    print(f"{frames / (time.process_time() - start):.1f} frames / s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--size", choices=("world", "paper"), default="world")
    parser.add_argument("--frames", type=int, default=64, help="of the film that is timed")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--long", type=int, default=10_000, help="frames of the memory curve")
    parts = ("inference", "training", "memory")
    parser.add_argument("--only", nargs="+", choices=parts, default=parts)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    video = Predictor(VideoVAT(getattr(VideoVATConfig, options.size)()), CPU)
    single = Predictor(VAT(getattr(VATConfig, options.size)()), CPU)
    frames = list(film(options.frames))
    if "inference" in options.only:
        ways = {
            "video VAT, plain: a person a call": lambda: plain(video, frames),
            "video VAT, ours, a frame a call": lambda: list(predict_frames(video, frames, 1)),
            "video VAT, ours, chunks of 16": lambda: list(predict_frames(video, frames, 16)),
            "VAT, ours, chunks of 16": lambda: list(predict_frames(single, frames, 16)),
        }
        table(f"{PEOPLE} people in each frame", ways, options.frames, options.rounds)
    if "training" in options.only:
        model = VideoVAT(getattr(VideoVATConfig, options.size)()).train()
        ways = {
            "plain: a call a frame": training(model, together=False),
            "ours: packed": training(model, together=True),
        }
        table(f"training, {TRACKS} x {CHUNK} frames", ways, TRACKS * CHUNK, options.rounds)
    if "memory" in options.only:
        curve(video, options.long)


if __name__ == "__main__":
    main()
